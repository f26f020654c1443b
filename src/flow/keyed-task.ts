import type { FactEntries } from "../codec/frame.ts";
import { fnv1a32, hash128 } from "../codec/hash.ts";
import { Fault } from "../faults.ts";
import type { ScoreAnswer, Scoring } from "../score/seam.ts";
import { KeyedRows, type Row } from "../state/keyed-rows.ts";
import type { Part } from "../state/part.ts";
import { type EventTime, isoTime, MIN_TIME, type Millis, minutes } from "../time/event-time.ts";
import type { KeyTimer } from "../time/sleeping-timers.ts";
import { type PendingTimer, Timers } from "../time/timers.ts";
import { type Breathe, never } from "./breath.ts";
import { FactStore } from "./fact-store.ts";
import { FactsPart } from "./facts-part.ts";
import { compileGraph, type FlowDefinition, type Graph, type GraphNode } from "./graph.ts";
import { Heap } from "./heap.ts";
import type { LeftState, Moved } from "./moved.ts";
import { NodeContext, type Runs } from "./node-context.ts";
import {
  FORGET,
  type Forget,
  type Forgotten,
  type Hop,
  type ProfileSections,
  type Scored,
  type ScoreRequest,
  type Timer,
} from "./operator.ts";
import { liftsTo, liftTo, type OperatorVersion, operatorVersions } from "./operator-versions.ts";
import type { Output } from "./output.ts";
import { sectionsOf } from "./profile.ts";
import { RowsPart } from "./rows-part.ts";
import { type Later, Step, type Work } from "./step.ts";

/** Where a task's results go, in record order. */
export interface TaskSink {
  output(output: Output, position: readonly [number, number]): void;
  /** `id` is made of the cause and how many records it sent before. */
  hop(hop: Hop, id: string): void;
}

/** What one operator of one key group did so far; plain numbers, read when scraped. */
export interface NodeCounts {
  events: number;
  timers: number;
  outputs: number;
  late: number;
  errors: number;
  /** Events it did not get for want of consent. */
  withheld: number;
}

export interface TaskOptions {
  readonly group: number;
  readonly scoring: Scoring;
  /** Rows kept as objects between two records. */
  readonly hotRows: number;
  /** True when the input comes in event-time order already (a merged input). */
  readonly ordered: boolean;
  /** Sees everything that operators of complete steps emitted. */
  readonly trace?: Trace | undefined;
  /** Sees what operators of complete steps noted down of their decisions. */
  readonly onNote?: OnNote | undefined;
}

/** A look at what an operator emits, for `replay --trace` and tests. */
export type Trace = (operator: string, out: unknown, now: EventTime) => void;

/** What an operator noted down of a decision; `cause` is that of the outputs that came of it. */
export interface Note {
  readonly operator: string;
  readonly key: string;
  readonly cause: string;
  readonly now: EventTime;
  readonly what: unknown;
}
export type OnNote = (note: Note) => void;

/** What a task remembers beside its parts. */
export interface TaskSnapshot {
  readonly watermark: EventTime;
  readonly arrivals: number;
  /** Events that wait for the watermark. */
  readonly waiting: readonly (readonly [
    time: EventTime,
    arrival: number,
    operator: string,
    key: string,
    cause: string,
    event: unknown,
  ])[];
}

interface Asked {
  readonly step: Step;
  readonly node: GraphNode;
  readonly request: ScoreRequest;
}
interface Waiting {
  readonly time: EventTime;
  readonly arrival: number;
  readonly node: GraphNode;
  readonly key: string;
  readonly cause: string;
  readonly event: unknown;
  /** Its key was forgotten while it waited. */
  forgotten?: boolean;
}

/** Scores are asked for in one go once so many wait, and before anything that concerns all keys. */
const SCORES_A_GO = 256;
/** Steps that wait for a score hold their rows as objects: so many at the most. */
const STEPS_A_GO = 1024;

/**
 * One key group of one flow: its state, its timers, and the path of a record through the graph.
 *
 * A record becomes a step. The step runs through the operators that share the record's key at
 * once, depth first; when it is complete, its timers take effect, its messages leave, and what it
 * emitted to operators with another key runs, all in record order. A key whose score is out handles
 * nothing else: its records wait behind it, and everything waits for the scores before a time
 * record or a fact, so where a score is computed never shows.
 */
export class KeyedTask implements Runs {
  readonly facts: FactStore;
  readonly counts: readonly NodeCounts[];
  readonly graph: Graph;
  readonly #flow: FlowDefinition;
  readonly #options: TaskOptions;
  readonly #sink: TaskSink;
  readonly #rows: KeyedRows;
  readonly #timers = new Timers();
  readonly #gate: GraphNode | undefined;
  /** Those that facts wake. */
  readonly #woken: readonly GraphNode[];
  readonly #ordered: boolean;
  readonly #contexts: readonly NodeContext[];
  readonly #inbox = new Heap<Waiting>(
    (a, b) => a.time < b.time || (a.time === b.time && a.arrival < b.arrival),
  );
  readonly #open: Step[] = [];
  readonly #parked = new Map<string, Step[]>();
  #asked: Asked[] = [];
  #watermark: EventTime = MIN_TIME;
  /** Of the time record whose timers fire. */
  #position: readonly [number, number] = [0, -1];
  #arrivals = 0;
  #scored = 0;
  #rowsPart: RowsPart | undefined;

  constructor(flow: FlowDefinition, options: TaskOptions, sink: TaskSink) {
    this.#flow = flow;
    this.#options = options;
    this.#ordered = options.ordered;
    this.#sink = sink;
    this.graph = compileGraph(flow);
    this.facts = new FactStore(flow.factIndex);
    this.#rows = new KeyedRows(this.graph.nodes.length, options.hotRows);
    this.#rows.onCold = (key) => this.#timers.sleep(key);
    this.counts = this.graph.nodes.map(() => ({
      events: 0,
      timers: 0,
      outputs: 0,
      late: 0,
      errors: 0,
      withheld: 0,
    }));
    this.#gate = this.graph.nodes.find(({ permits }) => permits !== undefined);
    this.#woken = this.graph.nodes.filter(({ wakes }) => wakes !== undefined);
    this.#contexts = this.graph.nodes.map((node) => new NodeContext(node, this));
  }

  get traced(): boolean {
    return this.#options.trace !== undefined;
  }
  get noted(): boolean {
    return this.#options.onNote !== undefined;
  }
  get watermark(): EventTime {
    return this.#watermark;
  }
  get keys(): number {
    return this.#rows.size;
  }
  get pendingTimers(): number {
    return this.#timers.size;
  }
  get scored(): number {
    return this.#scored;
  }
  get flowName(): string {
    return this.#flow.name;
  }
  get group(): number {
    return this.#options.group;
  }
  /** Bytes of the rows that are kept as bytes; the others are counted by `keys`. */
  get coldBytes(): number {
    return this.#rows.coldBytes;
  }

  /** The state of one operator for a key, to be read and left alone. */
  stateOf(operator: string, key: string): unknown {
    const node = this.graph.nodes.find((n) => n.operator.name === operator);
    return node === undefined ? undefined : this.#rows.look(key)?.states[node.index];
  }

  /** Whether anything is known of a key. */
  knows(key: string): boolean {
    return this.#rows.has(key);
  }
  /** What the operators show of a key as of `at`; nothing of it is shared with their states. */
  profileOf(key: string, at: EventTime): ProfileSections {
    return this.#sections("profile", key, at);
  }
  /** The same of what they say of why things are as they are. */
  explanationOf(key: string, at: EventTime): ProfileSections {
    return this.#sections("explain", key, at);
  }
  #sections(which: "profile" | "explain", key: string, at: EventTime): ProfileSections {
    const row = this.#rows.look(key);
    const permits = (purpose: string) => this.#permits(row, purpose);
    return sectionsOf(which, this.graph.nodes, row, { key, at, facts: this.facts, permits });
  }

  /** What the task remembers, to be written between two messages. From the first call on changes are followed. */
  parts(): readonly Part[] {
    this.#rowsPart ??= new RowsPart(this.#rows, this.#timers);
    return [this.#rowsPart, new FactsPart(this.facts)];
  }
  /** The rest of what it remembers, as plain data; only between two messages, when it is settled. */
  snapshot(): TaskSnapshot {
    const left = this.#inbox.items.filter(({ forgotten }) => forgotten !== true);
    const waiting = left.map(({ time, arrival, node, key, cause, event }) => {
      return [time, arrival, node.operator.name, key, cause, event] as const;
    });
    return { watermark: this.#watermark, arrivals: this.#arrivals, waiting };
  }
  restore(snapshot: TaskSnapshot): void {
    this.#watermark = snapshot.watermark;
    this.#arrivals = snapshot.arrivals;
    for (const [time, arrival, name, key, cause, event] of snapshot.waiting) {
      const node = this.graph.nodes.find(({ operator }) => operator.name === name);
      if (node !== undefined) this.#inbox.push({ time, arrival, node, key, cause, event });
    }
  }
  /**
   * After a restore of what another set of operators wrote: states and timers go to the operators
   * of the same name, states of older versions through `migrate`, those of operators that are gone
   * are dropped. Throws VERSION_MISMATCH where an operator has no way up.
   */
  lift(writtenBy: readonly OperatorVersion[]): void {
    const lifts = liftsTo(this.graph, writtenBy);
    this.#rows.lift((states) =>
      lifts.map((lift) => {
        const state = lift === undefined ? undefined : states[lift.from];
        return state === undefined ? undefined : lift?.up(state);
      }),
    );
    for (const key of new Set(this.#timers.keys())) {
      const lifted: KeyTimer[] = [];
      for (const { owner, name, at } of this.#timers.allOf(key)) {
        const now = lifts.findIndex((lift) => lift?.from === owner);
        if (now >= 0) lifted.push({ owner: now, name, at });
      }
      this.#timers.replace(key, lifted);
    }
  }
  /** Names and versions of the operators, in the order in which states are filed. */
  get operators(): readonly OperatorVersion[] {
    return operatorVersions(this.graph);
  }

  /** One record of a key, in log order. Returns a promise only when scores had to be waited for. */
  event(
    event: unknown,
    of: { key: string; now: EventTime; cause: string; position: readonly [number, number] },
  ): Promise<void> | undefined {
    const { key, now, cause, position } = of;
    const work = { kind: "event", roots: this.graph.roots, event } as const;
    this.#admit(new Step({ key, now, cause, watermark: this.#watermark, position, work }));
    this.#trim();
    return this.#full ? this.settle() : undefined;
  }
  /**
   * A key is another one from here on: takes out what is known of it, its timers and what of it
   * waits for the watermark. Call it when the task is settled.
   */
  depart(key: string): Moved {
    const row = this.#rows.open(key);
    const states: LeftState[] = [];
    for (const { index, operator } of this.graph.nodes) {
      const state = row.states[index];
      const timers = [...this.#timers.ofKey(index, key)];
      this.#timers.clearKey(index, key);
      if (state === undefined) continue;
      states.push({ operator: operator.name, version: operator.version, state, timers });
      row.states[index] = undefined;
    }
    this.#rows.forgetIfEmpty(row);
    const waiting = this.#inbox
      .takeAll((waits) => waits.key === key)
      .map(({ time, node, cause, event }) => ({
        time,
        operator: node.operator.name,
        cause,
        event,
      }));
    this.#trim();
    return { states, waiting };
  }

  /** What was known of `from`, who turned out to be `key`, joins what is known of it. */
  join(
    moved: Moved,
    of: {
      from: string;
      key: string;
      now: EventTime;
      cause: string;
      position: readonly [number, number];
    },
  ): Promise<void> | undefined {
    const { from, key, now, cause, position } = of;
    for (const { time, operator, cause: own, event } of moved.waiting) {
      const node = this.graph.nodes.find((one) => one.operator.name === operator);
      if (node === undefined) continue;
      this.#inbox.push({ time, arrival: this.#arrivals++, node, key, cause: own, event });
    }
    const work = { kind: "join", from, moved } as const;
    this.#admit(new Step({ key, now, cause, watermark: this.#watermark, position, work }));
    this.#trim();
    return this.#full ? this.settle() : undefined;
  }

  /** So many scores or steps wait that it is time to wait for the scores. */
  get #full(): boolean {
    return this.#asked.length >= SCORES_A_GO || this.#open.length >= STEPS_A_GO;
  }

  /**
   * Facts come into force behind everything before them, in this second of log time; where they wake all
   * keys, `breathe` is asked after each. Returns a promise only when something had to be waited for or
   * keys are woken.
   */
  tell(
    kind: string,
    entries: FactEntries,
    { second = this.#watermark, breathe = never }: { second?: EventTime; breathe?: Breathe } = {},
  ): Promise<void> | undefined {
    if (this.#asked.length > 0) {
      return this.settle().then(() => this.tell(kind, entries, { second, breathe }));
    }
    for (const [key, value] of entries) this.facts.apply(kind, key, value);
    const woken = this.#woken.filter(({ wakes }) => wakes === kind);
    return woken.length === 0 ? undefined : this.#wakeAll(woken, kind, second, breathe);
  }

  /** When a key's turn comes depends on the key alone. */
  async #wakeAll(
    woken: readonly GraphNode[],
    name: string,
    from: EventTime,
    breathe: Breathe,
  ): Promise<void> {
    for (const key of [...this.#rows.keys()]) {
      this.#rowsPart?.touch(key);
      const at = (from + (fnv1a32(key) % WAKE_SPREAD)) as EventTime;
      for (const { index } of woken) this.#timers.set(index, key, name, at);
      if (this.#rows.isCold(key)) this.#timers.sleep(key);
      const turn = breathe();
      if (turn !== undefined) await turn;
    }
  }

  /**
   * No more records at or before `watermark`: waiting records and timers up to it, by time. After each
   * of them `breathe` is asked, see `giveWay`: thousands of keys may be due at once. Returns a promise
   * only when scores or others' turn had to be waited for.
   */
  advance(
    watermark: EventTime,
    position: readonly [number, number],
    breathe: Breathe = never,
  ): Promise<void> | undefined {
    if (watermark <= this.#watermark) return undefined;
    if (this.#asked.length > 0) {
      return this.settle().then(() => this.advance(watermark, position, breathe));
    }
    this.#watermark = watermark;
    this.#position = position;
    const turn = this.#fireUpTo(watermark, breathe);
    if (turn !== undefined || this.#asked.length > 0) return this.#fireOn(turn, watermark, breathe);
    this.#trim();
    return undefined;
  }
  async #fireOn(
    broken: Promise<void> | undefined,
    watermark: EventTime,
    breathe: Breathe,
  ): Promise<void> {
    let turn = broken;
    while (turn !== undefined || this.#asked.length > 0) {
      await this.giveWay(turn);
      turn = this.#fireUpTo(watermark, breathe);
    }
    this.#trim();
  }

  /** Others have their turn: whoever looks in meanwhile finds states that stand. */
  async giveWay(turn: Promise<void> | undefined): Promise<void> {
    await this.settle();
    await turn;
  }

  /** A row that an open step may have to put back must stay an object. */
  #trim(): void {
    if (this.#open.length === 0) this.#rows.trim();
  }

  /** Waits for every score that is out, and for what waited behind it. */
  async settle(): Promise<void> {
    while (this.#asked.length > 0) {
      const asked = this.#asked;
      this.#asked = [];
      this.#scored += asked.length;
      const tasks = asked.map(({ request }) => ({ scorer: request.scorer, input: request.input }));
      const answers = this.#options.scoring.score(tasks);
      const settled = answers instanceof Promise ? await answers : answers;
      for (let i = 0; i < asked.length; i += 1) {
        this.#applyScore(asked[i] as Asked, settled[i] as ScoreAnswer);
      }
    }
  }

  /**
   * Timers and waiting events in time order, an event before the timers of its millisecond: until there
   * are none, scores are to be waited for, or others to have their turn, which is what it returns then.
   */
  #fireUpTo(watermark: EventTime, breathe: Breathe): Promise<void> | undefined {
    while (!this.#full) {
      const waiting = this.#inbox.peek()?.time ?? NEVER;
      const timer = this.#timers.peekTime() ?? NEVER;
      if (Math.min(waiting, timer) > watermark) return undefined;
      if (waiting <= timer) this.#handleWaiting(this.#inbox.pop() as Waiting);
      else this.#fireFirst(watermark);
      this.#trim();
      const turn = breathe();
      if (turn !== undefined) return turn;
    }
    return undefined;
  }
  #handleWaiting({ key, time: now, cause, node, event, forgotten }: Waiting): void {
    if (forgotten === true) return;
    const work = { kind: "event", roots: NONE, direct: node, event } as const;
    this.#admit(new Step({ key, now, cause, watermark: now, position: this.#position, work }));
  }
  #fireFirst(watermark: EventTime): void {
    this.#rowsPart?.touch(this.#timers.peekKey() as string);
    const { owner, key, name, at } = this.#timers.pop(watermark) as PendingTimer;
    const node = this.graph.nodes[owner] as GraphNode;
    const cause = `${node.operator.name}/${name}@${at}/${key}`;
    const work = { kind: "timer", node, name } as const;
    this.#admit(new Step({ key, now: at, cause, watermark: at, position: this.#position, work }));
  }

  #admit(step: Step): void {
    const queue = this.#parked.get(step.key);
    if (queue === undefined) {
      this.#run(step);
      return;
    }
    queue.push(step);
    step.open = true;
    this.#open.push(step);
  }

  #run(step: Step): void {
    this.#work(step);
    this.#finish(step);
  }

  #work(step: Step): void {
    const work = step.work;
    if (work.kind === "timer") this.#fire(step, work.node, step.key, work.name, step.now);
    else if (work.kind === "join") this.#join(step, work.moved);
    else if (work.direct !== undefined) this.#handle(step, work.direct, work.event);
    else for (const node of work.roots) this.deliver(step, node, work.event);
  }

  /** Who is fed comes before who feeds: what joining makes an operator say meets joined states. */
  #join(step: Step, { states }: Moved): void {
    for (const node of [...this.graph.nodes].reverse()) {
      const left = states.find(({ operator }) => operator === node.operator.name);
      if (left !== undefined && step.failure === undefined) this.#joinState(step, node, left);
    }
  }
  #joinState(step: Step, node: GraphNode, { version, state, timers }: LeftState): void {
    const { operator } = node;
    const from = liftTo(operator, version)(state);
    if (operator.merge !== undefined) {
      const kept = timers.find(([name]) => name === RETENTION)?.[1] ?? MIN_TIME;
      const due = this.#timers.get(node.index, step.key, RETENTION) ?? MIN_TIME;
      if (kept > due) step.setTimer(node, step.key, RETENTION, kept);
      this.#call(step, node, step.key, MERGE, from);
      return;
    }
    const row = this.#rowOf(step, step.key);
    if (row.states[node.index] !== undefined) return;
    step.touch(row, node);
    row.states[node.index] = from;
    for (const [name, at] of timers) step.setTimer(node, step.key, name, at);
  }

  /** Hands an event to a node: now, in time order, or once the step is complete (another key). */
  deliver(step: Step, node: GraphNode, event: unknown): void {
    if (step.failure !== undefined) return;
    let key: string | undefined;
    try {
      key = node.key.call(node.operator, event, this.facts);
    } catch (error) {
      this.#fail(step, node, error);
      return;
    }
    if (key === undefined) return;
    if (key !== step.key || this.#waits(node)) {
      step.later ??= [];
      step.later.push({ node, key, event });
    } else {
      this.#handle(step, node, event);
    }
  }

  /** Whether an operator's events wait for the watermark; a merged input brings them in order. */
  #waits(node: GraphNode): boolean {
    return node.inTimeOrder && !this.#ordered;
  }

  #handle(step: Step, node: GraphNode, event: unknown): void {
    const { keep, purpose } = node;
    if (step.forgot) return;
    if (purpose !== undefined && !this.#permits(this.#rowOf(step, step.key), purpose)) {
      this.#counted(node).withheld += 1;
      return;
    }
    this.#counted(node).events += 1;
    if (keep !== undefined) this.#keepFrom(step, node, keep);
    this.#call(step, node, step.key, EVENT, event);
  }

  /** A key's retention timer is moved now and then, not at every event. */
  #keepFrom(step: Step, node: GraphNode, keep: Millis): void {
    const due = this.#timers.get(node.index, step.key, RETENTION) ?? MIN_TIME;
    if (due >= step.now + keep) return;
    const at = (step.now + keep + Math.floor(keep / 9)) as EventTime;
    step.setTimer(node, step.key, RETENTION, at);
  }

  #fire(step: Step, node: GraphNode, key: string, name: string, at: EventTime): void {
    const { wakes, purpose } = node;
    // A key that is woken need not have agreed to anything.
    if (name === wakes && purpose !== undefined && !this.permits(key, purpose)) return;
    this.#counted(node).timers += 1;
    if (name === RETENTION) this.#call(step, node, key, QUIET, undefined, at);
    else this.#call(step, node, key, TIMER, { name, at }, at);
  }

  /** The one place where an operator is called: state out, call, state back; what it throws is held. */
  #call(
    step: Step,
    node: GraphNode,
    key: string,
    how: Call,
    input: unknown,
    now: EventTime = step.now,
  ): void {
    const row = this.#rowOf(step, key);
    const ctx = this.#contexts[node.index] as NodeContext;
    ctx.begin(step, key, now);
    step.touch(row, node);
    try {
      const before = row.states[node.index] ?? node.operator.init(key);
      this.#keep(step, row, node, how(node, before, ctx, input));
    } catch (error) {
      this.#fail(step, node, error);
    }
  }

  /** A step mostly stays with its own key: its row is looked up once. */
  #rowOf(step: Step, key: string): Row {
    if (key !== step.key) return this.#rows.open(key);
    step.row ??= this.#rows.open(key);
    return step.row;
  }

  /** Whether a key agrees to a purpose, as far as the log has been read; anybody does without a gate. */
  permits(key: string, purpose: string): boolean {
    return this.#permits(this.#rows.peek(key), purpose);
  }
  #permits(row: Row | undefined, purpose: string): boolean {
    const gate = this.#gate;
    if (gate === undefined) return true;
    return gate.permits?.call(gate.operator, row?.states[gate.index], purpose) ?? true;
  }

  /** Parents before children, so that what one says of its end is heard by the next. */
  forget(step: Step, by: GraphNode, key: string, purpose: string | undefined): Forgotten {
    let states = 0;
    let timers = 0;
    const row = this.#rows.open(key);
    for (const node of this.graph.nodes) {
      const { operator, index } = node;
      if (node === by || (purpose !== undefined && operator.purpose !== purpose)) continue;
      if (row.states[index] === undefined) continue;
      states += 1;
      timers += [...this.#timers.ofKey(index, key)].length;
      this.#call(step, node, key, FORGOTTEN, undefined);
    }
    if (purpose === undefined) {
      step.forgot = true;
      for (const waiting of this.#inbox.items) if (waiting.key === key) waiting.forgotten = true;
    }
    return { states, timers };
  }

  #keep(step: Step, row: Row, node: GraphNode, state: unknown | Forget): void {
    if (state === FORGET) {
      row.states[node.index] = undefined;
      step.setTimer(node, row.key, ALL_TIMERS, undefined);
      return;
    }
    row.states[node.index] = state;
  }

  #fail(step: Step, node: GraphNode, error: unknown): void {
    if (isResourceError(error)) throw error;
    if (node.operator.atomic === true) {
      throw new Fault(
        "OPERATOR_BROKEN",
        `operator ${node.operator.name} threw in the middle of a change`,
        {},
        error,
      );
    }
    step.failure ??= { operator: node.operator.name, error };
    this.#counted(node).errors += 1;
  }

  /** `ctx.score`: from now on the key waits. */
  ask(step: Step, node: GraphNode, key: string, request: ScoreRequest): void {
    if (this.#ordered || (step.work.kind === "event" && step.work.direct !== undefined)) {
      throw new Error(`${node.operator.name} asks for a score outside its record's own step`);
    }
    step.pending += 1;
    if (!this.#parked.has(key)) this.#parked.set(key, []);
    this.#asked.push({ step, node, request });
  }

  #applyScore({ step, node, request }: Asked, answer: ScoreAnswer): void {
    step.pending -= 1;
    if (!answer.ok) {
      this.#fail(step, node, new Error(`scorer ${request.scorer}: ${answer.error}`));
    } else if (step.failure === undefined) {
      const scored = { result: answer.result, memo: request.memo };
      this.#call(step, node, step.key, SCORED, scored);
    }
    this.#finish(step);
    if (step.pending === 0) this.#unpark(step.key);
  }

  #unpark(key: string): void {
    const queue = this.#parked.get(key) ?? [];
    this.#parked.delete(key);
    for (let i = 0; i < queue.length; i += 1) {
      this.#run(queue[i] as Step);
      const again = this.#parked.get(key);
      if (again !== undefined) {
        again.push(...queue.slice(i + 1));
        return;
      }
    }
  }

  /** Timers that are due already run under the step's own cause; then, without scores out, it is complete. */
  #finish(step: Step): void {
    this.#fireDue(step);
    if (step.pending === 0) this.#commit(step);
    if (step.complete && !step.open && this.#open.length === 0) {
      this.#leave(step);
      return;
    }
    if (!step.open) {
      step.open = true;
      this.#open.push(step);
    }
    this.#flush();
  }

  #fireDue(step: Step): void {
    while (step.failure === undefined && step.pending === 0) {
      const due = step.takeDue();
      if (due?.at === undefined) return;
      this.#fire(step, due.node, due.key, due.name, due.at);
    }
  }

  #commit(step: Step): void {
    if (step.failure !== undefined) step.revoke();
    for (const { node, key, name, at } of step.timers ?? NONE) {
      if (name === ALL_TIMERS) this.#timers.clearKey(node.index, key);
      else if (at === undefined) this.#timers.clear(node.index, key, name);
      else this.#timers.set(node.index, key, name, at);
    }
    step.complete = true;
  }

  #flush(): void {
    let done = 0;
    while (done < this.#open.length && this.#open[done]?.complete === true) {
      this.#leave(this.#open[done] as Step);
      done += 1;
    }
    if (done > 0) this.#open.splice(0, done);
  }

  /** What a complete step said goes out; what it emitted under other keys runs. */
  #leave(step: Step): void {
    if (step.failure !== undefined) this.#deadLetter(step, step.failure);
    for (const { node, key, k, message } of step.published ?? NONE) {
      this.#counted(node).outputs += 1;
      this.#sink.output(
        {
          subject: message.subject,
          id: hash128(`${node.operator.name}\n${key}\n${step.cause}\n${k}`),
          time: message.time ?? step.now,
          data: message.data,
          key,
          cause: step.cause,
        },
        step.position,
      );
    }
    for (const hop of step.hops ?? NONE) this.#sink.hop(hop, `${step.cause}/${step.nextHop()}`);
    for (const { node, key, what } of step.notes ?? NONE)
      this.#options.onNote?.({
        operator: node.operator.name,
        key,
        cause: step.cause,
        now: step.now,
        what,
      });
    for (const { node, out } of step.emitted ?? NONE)
      this.#options.trace?.(node.operator.name, out, step.now);
    for (const later of step.later ?? NONE) this.#runLater(step, later);
    if (step.row !== undefined) this.#rows.forgetIfEmpty(step.row);
  }

  /** Another key's share of a step, or that of an operator that waits for the watermark. */
  #runLater(parent: Step, { node, key, event }: Later): void {
    const { now, cause, watermark, position } = parent;
    if (this.#waits(node) && now > this.#watermark) {
      const wait = parent.nextWait(node.index);
      const own = wait === 0 ? cause : `${cause}+${wait}`;
      this.#inbox.push({ time: now, arrival: this.#arrivals++, node, key, cause: own, event });
      return;
    }
    const work = { kind: "event", roots: NONE, direct: node, event } as const;
    const step = new Step({ key, now, cause, watermark, position, work, root: parent.root });
    if (this.#parked.has(key)) {
      this.#admit(step);
      return;
    }
    this.#work(step);
    this.#fireDue(step);
    this.#commit(step);
    this.#leave(step);
  }

  #deadLetter(step: Step, failure: { operator: string; error: unknown }): void {
    const { operator, error } = failure;
    const { work } = step;
    const about = aboutOf(work);
    // A record that was undone as a whole can be sent again; a share of one, or a timer, cannot.
    const whole = work.kind === "event" && work.direct === undefined && !this.#ordered;
    const again = whole ? " and replay the event (`freshet deadletter replay`)" : "";
    this.#sink.output(
      {
        subject: "deadletter.operator",
        id: hash128(`${operator}\n${step.key}\n${step.cause}\ndead`),
        time: step.now,
        data: {
          reason: "operator",
          operator,
          error: error instanceof Error ? error.message : String(error),
          stack: operatorStack(error),
          remedy: `Mend the operator${again}; its key's state is as it was before.`,
          key: step.key,
          at: isoTime(step.now),
          ...(whole ? { seq: step.position[0] } : {}),
          ...about,
        },
        key: step.key,
        cause: step.cause,
      },
      step.position,
    );
  }

  late(node: GraphNode): void {
    this.#counted(node).late += 1;
  }
  #counted(node: GraphNode): NodeCounts {
    return this.counts[node.index] as NodeCounts;
  }
}

/** What an operator is called with; functions of their own, so that no call makes one. */
type Call = (node: GraphNode, state: unknown, ctx: NodeContext, input: unknown) => unknown | Forget;
const EVENT: Call = ({ operator, onEvent }, state, ctx, event) =>
  onEvent.call(operator, event, state, ctx);
const TIMER: Call = ({ operator }, state, ctx, timer) =>
  operator.onTimer?.(timer as Timer, state, ctx) ?? state;
const SCORED: Call = ({ operator }, state, ctx, scored) =>
  operator.onScored?.(scored as Scored, state, ctx) ?? state;
const MERGE: Call = ({ operator }, into, ctx, from) => operator.merge?.(into, from, ctx) ?? into;
const FORGOTTEN: Call = ({ operator }, state, ctx) => {
  operator.forgotten?.(state, ctx);
  return FORGET;
};
const QUIET: Call = () => FORGET;

/** Later than any time, the last of all included. */
const NEVER = Number.POSITIVE_INFINITY;
/** Keys that a fact concerns are woken one by one over so long: many at once would hold up the log. */
const WAKE_SPREAD = minutes(5);
/** Of what a step said none of. */
const NONE: readonly never[] = [];
/** Timers of this name are the runtime's own: the key was quiet for as long as it is kept. */
const RETENTION = "\0keep";
/** No timer has this name: the change that forgets all timers of a key. */
const ALL_TIMERS = "\0all";

/** What a dead letter says of the work that failed. */
function aboutOf(work: Work): Readonly<Record<string, unknown>> {
  if (work.kind === "event") return { event: work.event };
  return work.kind === "timer" ? { timer: work.name } : { joined: work.from };
}

/** Memory, stack and the like: not the event's fault, so the process stops. */
function isResourceError(error: unknown): boolean {
  return (
    error instanceof RangeError &&
    /call stack|Array buffer allocation|Invalid array length/.test(error.message)
  );
}

/**
 * The operator's own frames, by file name: what called the operator, and where the build lies,
 * differ between runs and must not show in an output.
 */
function operatorStack(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const frames: string[] = [];
  for (const line of (error.stack ?? "").split("\n")) {
    if (line.includes("keyed-task.") || frames.length === 10) break;
    if (/^\s+at /.test(line)) frames.push(line.trim().replace(/(?:file:\/\/)?[^\s()]*[\\/]/g, ""));
  }
  return frames;
}
