import type { EventTime, Millis } from "../time/event-time.ts";

/** Return it instead of a state to forget the key and its timers. */
export const FORGET: unique symbol = Symbol("forget");
export type Forget = typeof FORGET;

/** A timer that came due. `now` of the context is its due time. */
export interface Timer {
  readonly name: string;
  readonly at: EventTime;
}

/** A message for the world, on the output stream (or back on `IN`, when its subject begins with `in.`). */
export interface Message {
  /** Without the prefix: `segment.high_value_interest.entered`. Tokens `[a-z0-9_-]`, no personal id. */
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Event time of the message; the context's `now` when left out. */
  readonly time?: EventTime;
}

/** A record for the next flow; `key` decides its key group there. */
export interface Hop {
  readonly key: string;
  /** Event time the record is about; it may lie behind the watermark, its order never does. */
  readonly time: EventTime;
  /** Plain data, best a positional tuple. */
  readonly payload: unknown;
}

/**
 * What goes to a scorer: everything the answer depends on, as plain data that may be copied to
 * another thread. `scorer` names a pure function of the scoring registry.
 */
export interface ScoreRequest {
  readonly scorer: string;
  readonly input: unknown;
  /** Handed back with the answer, never sent to the scorer: what the operator needs to go on. */
  readonly memo?: unknown;
}
export interface Scored {
  readonly result: unknown;
  readonly memo: unknown;
}

/** Facts in force at this record: the last value that entered the log before it. Read-only. */
export interface Facts {
  /** The value of `in.fact.<kind>.<key>` or of knowledge `kind`; undefined when none was told. */
  get(kind: string, key: string): unknown;
}

/** What was forgotten of a key: states of operators, and timers that were set. */
export interface Forgotten {
  readonly states: number;
  readonly timers: number;
}

/** What an operator may look at while it says what a key's profile shows of its state. */
export interface ProfileView {
  readonly key: string;
  /** Event time as of which the profile is told. */
  readonly at: EventTime;
  readonly facts: Facts;
  /** Whether the key agrees to a purpose. */
  permits(this: void, purpose: string): boolean;
}
/** Sections of a profile by name: what several operators say in one is joined. */
export type ProfileSections = Readonly<Record<string, unknown>>;

/** All that an operator may ask of the runtime. There is no clock but `now`. */
export interface Context<Out> {
  readonly key: string;
  /** The event's time in `onEvent` and `onScored`, the due time in `onTimer`. */
  readonly now: EventTime;
  /** No more events at or before this time are expected. Never moves back. */
  readonly watermark: EventTime;
  /** What made this call: the event's id, or `<operator>/<timer name>@<due time>/<key>`. */
  readonly cause: string;
  readonly facts: Facts;
  /** To the operators fed by this one, in the order of the graph, and to `publish` and `forward`. */
  emit(out: Out): void;
  /** Sets or replaces this key's timer of that name; a time before `now` counts as `now`. */
  setTimer(name: string, at: EventTime): void;
  clearTimer(name: string): void;
  /**
   * Asks a scorer. The key handles no further event or timer until `onScored` has been applied.
   * At most one request a call; take what the decision uses up (caps, quotas) before asking.
   */
  score(request: ScoreRequest): void;
  /** 32 hex digits that depend on operator, key, cause and label alone: ids and derived randomness. */
  derive(label: string): string;
  /** Whether the key agrees to a purpose at this point of the log, as the flow's gate has it. */
  permits(purpose: string): boolean;
  /**
   * Makes the other operators forget the key with its timers: those with this purpose; without one,
   * all of them, and the record goes no further. What was forgotten. For the flow's gate.
   */
  forget(purpose?: string): Forgotten;
  /**
   * What a decision is made of, for whoever replays the log to see it. Changes nothing; `what` is
   * called at once, and only when somebody looks. Plain data that nobody else holds.
   */
  note(what: () => unknown): void;
  /** What all operators of the flow show of this key, as of now. Plain data that nobody else holds. */
  profile(): ProfileSections;
  /** Counts the event as late for this operator and publishes it on `late.<operator>`. */
  late(event: Readonly<Record<string, unknown>>): void;
}

/**
 * One keyed operator. State is plain data (numbers, strings, booleans, null, arrays, plain objects,
 * Uint8Array) that survives a msgpack round trip unchanged. An operator may change the state it was
 * handed and returns it; it never keeps or shares it. What it throws, dead-letters the event and
 * leaves the key's state as it was before.
 */
export interface Operator<In, Out, State> {
  /** Stable: state, metrics, output ids and the graph file it under this name. */
  readonly name: string;
  /** Of the state's shape. */
  readonly version: number;
  /**
   * `arrival`: acts at once, in log order, and re-judges when something earlier arrives.
   * `event-time`: events wait for the watermark and come in (time, arrival) order.
   */
  readonly order: "arrival" | "event-time";
  /** The key this operator files the event under; undefined when the event is none of its business. */
  key(event: In, facts: Facts): string | undefined;
  init(key: string): State;
  /**
   * A copy to go back to when a step fails, and it is the operator's: what it replaces as a whole it
   * may share with the state, what it ever changes in place it may not. Left out: a deep copy, of
   * all of it, at every step. Tests hold the one against the other (`test/support/copies.ts`).
   */
  copy?(state: State): State;
  onEvent(event: In, state: State, ctx: Context<Out>): State | Forget;
  onTimer?(timer: Timer, state: State, ctx: Context<Out>): State | Forget;
  onScored?(scored: Scored, state: State, ctx: Context<Out>): State | Forget;
  /** What the world sees of an emission. */
  publish?(out: Out, key: string): Message | undefined;
  /** What the next flow gets of an emission. */
  forward?(out: Out, key: string): Hop | undefined;
  /**
   * A key that had no event for so long is forgotten with its timers, by event time and a ninth
   * later at the most. Left out: the operator forgets by itself, or its keys are few for good.
   */
  readonly keep?: Millis;
  /**
   * A kind of facts that concerns every key: when one comes into force, each key that is known gets
   * the timer of this name, spread over the next `WAKE_SPREAD`.
   */
  readonly wakes?: string;
  /**
   * What a key's profile shows of its state, a state that nothing has happened to included: JSON by
   * section. Pure, and changes nothing; the spec's `profile` describes the sections.
   */
  profile?(state: State, view: ProfileView): ProfileSections;
  /**
   * What its state says of why things are as they are for a key: which definitions, how far each
   * of them is, what counts, what was decided. As `profile`; the spec's `explains` describes it.
   */
  explain?(state: State, view: ProfileView): ProfileSections;
  /**
   * What it handles a key's events for: without the key's consent it gets none, and when consent is
   * withdrawn its state and timers are forgotten. Left out: it needs none of its own.
   */
  readonly purpose?: string;
  /** The key is about to be forgotten: the last that can be said of it. */
  forgotten?(state: State, ctx: Context<Out>): void;
  /**
   * Makes the operator the gate of its flow, asked about every purpose: whether the key agrees. Of
   * those that events feed it comes first. `state` is undefined where it knows nothing of the key.
   */
  permits?(state: State | undefined, purpose: string): boolean;
  /** Lifts a state of an older version. */
  migrate?(state: unknown, from: number): State;
  /**
   * Two keys are one person: joins what was known of the one that is no more into `into`, as if the
   * history had always been one. `now` is the link's time; both states are as of the same watermark
   * and facts. The timers of `from` are gone: set what the joined state needs. Called for the
   * operators that are fed before those that feed them, so what is emitted meets joined states.
   * Without it, a key that has no state yet takes over state and timers as they are, and one that
   * has keeps its own.
   */
  merge?(into: State, from: State, ctx: Context<Out>): State | Forget;
  /**
   * True when `onEvent` and `onTimer` check before they change anything, so the runtime need not
   * keep a copy of the state to go back to. Only for large shared states.
   */
  readonly atomic?: boolean;
}

/** An operator whose types the runtime has stopped caring about. */
// biome-ignore lint/suspicious/noExplicitAny: existential types are spelled `any` in TypeScript.
export type AnyOperator = Operator<any, any, any>;

/** One operator in its place: `from` names operators of the same flow, or `events` (the flow's input). */
export interface Node {
  readonly operator: AnyOperator;
  readonly from: readonly string[];
}
