import type { Row } from "../state/keyed-rows.ts";
import { copyPlain } from "../state/plain.ts";
import type { EventTime } from "../time/event-time.ts";
import type { GraphNode } from "./graph.ts";
import type { Moved } from "./moved.ts";
import type { Hop, Message } from "./operator.ts";

/** A change of timers that takes effect when its step is complete; `at` undefined clears. */
export interface TimerChange {
  readonly node: GraphNode;
  readonly key: string;
  readonly name: string;
  at: EventTime | undefined;
}
/** What a step emitted to a node with another key than its own, or one that waits for the watermark. */
export interface Later {
  readonly node: GraphNode;
  readonly key: string;
  readonly event: unknown;
}
export interface Emitted {
  readonly node: GraphNode;
  readonly out: unknown;
}
export interface Published {
  readonly node: GraphNode;
  readonly key: string;
  readonly k: number;
  readonly message: Message;
}
/** What a decision was made of, as an operator noted it down. */
export interface Noted {
  readonly node: GraphNode;
  readonly key: string;
  readonly what: unknown;
}
/** What made a step fail, in which operator. */
export interface Failure {
  readonly operator: string;
  readonly error: unknown;
}
/** What a step is about, kept for a step that must wait and for its dead letter. */
export type Work =
  | {
      readonly kind: "event";
      readonly roots: readonly GraphNode[];
      /** Set when the event goes to this node alone. */
      readonly direct?: GraphNode;
      readonly event: unknown;
    }
  | { readonly kind: "timer"; readonly node: GraphNode; readonly name: string }
  | { readonly kind: "join"; readonly from: string; readonly moved: Moved };

interface Touched {
  readonly row: Row;
  readonly node: number;
  readonly before: unknown;
}

/**
 * One record (or one timer) on its way through the graph. Everything it did stays revocable until
 * it is complete: states have their copies, timers and outputs wait here.
 */
export class Step {
  readonly key: string;
  readonly now: EventTime;
  readonly cause: string;
  readonly watermark: EventTime;
  /** Position in the flow's input of what caused it: outputs are ordered by it. */
  readonly position: readonly [number, number];
  readonly work: Work;
  /** Most steps say nothing: the lists are made when something is said. */
  published: Published[] | undefined;
  hops: Hop[] | undefined;
  later: Later[] | undefined;
  /** Kept only when somebody traces. */
  emitted: Emitted[] | undefined;
  /** Kept only when somebody looks. */
  notes: Noted[] | undefined;
  timers: TimerChange[] | undefined;
  /** The row of the step's own key, once it was needed. */
  row: Row | undefined;
  /** Scores asked for and not yet applied. */
  pending = 0;
  complete = false;
  /** In the list of steps that wait for an earlier one or for a score. */
  open = false;
  failure: Failure | undefined;
  /** The key was forgotten with it: what follows concerns nobody. */
  forgot = false;
  /** The step whose record caused this one; its own when none did. Counts are kept there. */
  readonly root: Step;
  readonly #touched: Touched[] = [];
  #counts: number[] | undefined;
  #waits: number[] | undefined;
  #hopCount = 0;

  constructor(of: {
    key: string;
    now: EventTime;
    cause: string;
    watermark: EventTime;
    position: readonly [number, number];
    work: Work;
    root?: Step;
  }) {
    this.key = of.key;
    this.now = of.now;
    this.cause = of.cause;
    this.watermark = of.watermark;
    this.position = of.position;
    this.work = of.work;
    this.root = of.root ?? this;
  }

  /** Remembers the state of a node as it is before the step's first touch. */
  touch(row: Row, node: GraphNode): void {
    if (node.atomic) return;
    for (const touched of this.#touched) {
      if (touched.node === node.index && touched.row === row) return;
    }
    this.#touched.push({ row, node: node.index, before: copyOf(row.states[node.index], node) });
  }

  /** How many messages a node has published for this cause before. */
  nextCount(node: number): number {
    this.root.#counts ??= [];
    return next(this.root.#counts, node);
  }
  /** How many events this cause has left waiting at a node before. */
  nextWait(node: number): number {
    this.root.#waits ??= [];
    return next(this.root.#waits, node);
  }
  /** How many records this cause has sent to the next flow before. */
  nextHop(): number {
    this.root.#hopCount += 1;
    return this.root.#hopCount - 1;
  }

  setTimer(node: GraphNode, key: string, name: string, at: EventTime | undefined): void {
    this.timers ??= [];
    for (const change of this.timers) {
      if (change.node === node && change.name === name && change.key === key) {
        change.at = at;
        return;
      }
    }
    this.timers.push({ node, key, name, at });
  }

  /** Takes the earliest timer change that is already due, by (time, name). */
  takeDue(): TimerChange | undefined {
    if (this.timers === undefined) return undefined;
    let due: TimerChange | undefined;
    for (const change of this.timers) {
      if (change.at === undefined || change.at > this.watermark) continue;
      if (
        due?.at === undefined ||
        change.at < due.at ||
        (change.at === due.at && change.name < due.name)
      ) {
        due = change;
      }
    }
    if (due !== undefined) this.timers.splice(this.timers.indexOf(due), 1);
    return due;
  }

  /** Puts every state back and forgets what the step wanted to say. */
  revoke(): void {
    for (const { row, node, before } of this.#touched) row.states[node] = before;
    this.published = undefined;
    this.hops = undefined;
    this.later = undefined;
    this.emitted = undefined;
    this.notes = undefined;
    this.timers = undefined;
  }
}

/** What a state can be put back to: the operator's own copy where it makes one. */
function copyOf(state: unknown, { operator, copy }: GraphNode): unknown {
  if (state === undefined) return undefined;
  return copy === undefined ? copyPlain(state) : copy.call(operator, state);
}

function next(counts: number[], node: number): number {
  const count = counts[node] ?? 0;
  counts[node] = count + 1;
  return count;
}
