import { hash128 } from "../codec/hash.ts";
import { copyPlain } from "../state/plain.ts";
import { type EventTime, eventTime, isoTime, latest } from "../time/event-time.ts";
import type { GraphNode } from "./graph.ts";
import type { Context, Facts, Forgotten, ProfileSections, ScoreRequest } from "./operator.ts";
import type { Step } from "./step.ts";

/** What a context needs of the task it belongs to. */
export interface Runs {
  readonly facts: Facts;
  /** Whether emissions are kept for a trace. */
  readonly traced: boolean;
  /** Whether somebody looks at what decisions are made of. */
  readonly noted: boolean;
  deliver(step: Step, node: GraphNode, event: unknown): void;
  ask(step: Step, node: GraphNode, key: string, request: ScoreRequest): void;
  late(node: GraphNode): void;
  permits(key: string, purpose: string): boolean;
  forget(step: Step, by: GraphNode, key: string, purpose: string | undefined): Forgotten;
  profileOf(key: string, at: EventTime): ProfileSections;
}

/** The context of one node, lent to its operator call by call. A graph has no cycles, so one does. */
export class NodeContext implements Context<unknown> {
  key = "";
  now = 0 as EventTime;
  readonly facts: Facts;
  readonly #node: GraphNode;
  readonly #task: Runs;
  #step: Step | undefined;

  constructor(node: GraphNode, task: Runs) {
    this.#node = node;
    this.#task = task;
    this.facts = task.facts;
  }

  begin(step: Step, key: string, now: EventTime): void {
    this.#step = step;
    this.key = key;
    this.now = now;
  }
  get #current(): Step {
    if (this.#step === undefined) throw new Error("a context is only valid during a call");
    return this.#step;
  }
  get watermark(): EventTime {
    return this.#current.watermark;
  }
  get cause(): string {
    return this.#current.cause;
  }

  emit(out: unknown): void {
    const step = this.#current;
    const { operator, feeds } = this.#node;
    const message = operator.publish?.(out, this.key);
    if (message !== undefined) {
      step.published ??= [];
      step.published.push({
        node: this.#node,
        key: this.key,
        k: step.nextCount(this.#node.index),
        message,
      });
    }
    const hop = operator.forward?.(out, this.key);
    if (hop !== undefined) {
      step.hops ??= [];
      step.hops.push(hop);
    }
    if (this.#task.traced) {
      step.emitted ??= [];
      step.emitted.push({ node: this.#node, out });
    }
    for (const node of feeds) this.#task.deliver(step, node, out);
  }
  setTimer(name: string, at: EventTime): void {
    // A time that is none would put the order of all timers out, and no checkpoint could be read.
    this.#current.setTimer(this.#node, this.key, name, latest(eventTime(at), this.now));
  }
  clearTimer(name: string): void {
    this.#current.setTimer(this.#node, this.key, name, undefined);
  }
  score(request: ScoreRequest): void {
    this.#task.ask(this.#current, this.#node, this.key, request);
  }
  derive(label: string): string {
    return hash128(`${this.#node.operator.name}\n${this.key}\n${this.#current.cause}\n#${label}`);
  }
  permits(purpose: string): boolean {
    return this.#task.permits(this.key, purpose);
  }
  forget(purpose?: string): Forgotten {
    return this.#task.forget(this.#current, this.#node, this.key, purpose);
  }
  note(what: () => unknown): void {
    if (!this.#task.noted) return;
    const step = this.#current;
    step.notes ??= [];
    step.notes.push({ node: this.#node, key: this.key, what: copyPlain(what()) });
  }
  profile(): ProfileSections {
    return this.#task.profileOf(this.key, this.now);
  }
  late(event: Readonly<Record<string, unknown>>): void {
    const step = this.#current;
    this.#task.late(this.#node);
    const name = this.#node.operator.name;
    step.published ??= [];
    step.published.push({
      node: this.#node,
      key: this.key,
      k: step.nextCount(this.#node.index),
      message: {
        subject: `late.${name}`,
        data: { operator: name, at: isoTime(this.now), ...event },
      },
    });
  }
}
