import { FORGET, type Forget } from "../flow/operator.ts";
import { type EventTime, eventTime, MIN_TIME } from "./event-time.ts";
import type { KeyedContext, KeyedLogic } from "./keyed-logic.ts";
import { requireVersion } from "./snapshot-version.ts";
import { Timers } from "./timers.ts";

/** Where the results of a host go. It must not call the host that is just telling it something. */
export interface HostSink<Out> {
  emit(out: Out, key: string): void;
  late(event: Readonly<Record<string, unknown>>, key: string): void;
}

interface HostSnapshot<State> {
  readonly version: number;
  readonly watermark: EventTime;
  readonly timers: unknown;
  readonly states: readonly (readonly [key: string, state: State])[];
}

/**
 * Runs one keyed logic over all keys without the flow runtime: for programs that embed windows or
 * joins, and for tests. Time moves when the owner says so: by a watermark, or by a clock where the
 * windows are about processing time (`watermark(clock)`, elements at `clock` with `lag` 1).
 */
export class KeyedHost<In, Out, State> {
  readonly #logic: KeyedLogic<In, Out, State>;
  readonly #states = new Map<string, State>();
  #timers = new Timers();
  #context: HostContext<Out>;
  #watermark: EventTime = MIN_TIME;

  constructor(logic: KeyedLogic<In, Out, State>, sink: HostSink<Out>) {
    this.#logic = logic;
    this.#context = new HostContext(sink, this.#timers);
  }

  get watermark(): EventTime {
    return this.#watermark;
  }
  get pendingTimers(): number {
    return this.#timers.size;
  }
  get states(): ReadonlyMap<string, State> {
    return this.#states;
  }

  element(key: string, at: EventTime, event: In): void {
    this.#handle(key, at, this.#watermark, event);
  }

  /**
   * An element at the clock's own time. The instant itself is not over yet, so its windows are
   * not late.
   */
  elementAtClock(key: string, event: In): void {
    this.#handle(key, this.#watermark, (this.#watermark - 1) as EventTime, event);
  }

  /** No more elements at or before `to` are expected; fires what is due. Never moves back. */
  advance(to: EventTime): void {
    if (to <= this.#watermark) return;
    this.#watermark = to;
    for (let due = this.#timers.pop(to); due !== undefined; due = this.#timers.pop(to)) {
      const state = this.#states.get(due.key);
      if (state === undefined) continue;
      const ctx = this.#context.about(due.key, due.at, to);
      this.#keep(due.key, state, this.#logic.onTimer(due, state, ctx));
    }
  }

  snapshot(): unknown {
    return {
      version: this.#logic.version,
      watermark: this.#watermark,
      timers: this.#timers.snapshot(),
      // The copy keeps what happens later out of the snapshot.
      states: structuredClone([...this.#states]),
    } satisfies HostSnapshot<State>;
  }

  static restore<In, Out, State>(
    logic: KeyedLogic<In, Out, State>,
    sink: HostSink<Out>,
    data: unknown,
  ): KeyedHost<In, Out, State> {
    const { version, watermark, timers, states } = data as HostSnapshot<State>;
    requireVersion("state", version, logic.version);
    const host = new KeyedHost(logic, sink);
    host.#watermark = watermark;
    host.#timers = Timers.restore(timers);
    host.#context = new HostContext(sink, host.#timers);
    for (const [key, state] of structuredClone(states)) host.#states.set(key, state);
    return host;
  }

  /** Files what the logic made of the state `known`; the entry stays when it is the same. */
  #keep(key: string, known: State | undefined, state: State | Forget): void {
    if (state === FORGET) {
      this.#states.delete(key);
      this.#timers.clearKey(0, key);
    } else if (state !== known) this.#states.set(key, state);
  }

  #handle(key: string, now: EventTime, watermark: EventTime, event: In): void {
    const known = this.#states.get(key);
    const ctx = this.#context.about(key, now, watermark);
    this.#keep(key, known, this.#logic.onEvent(event, known ?? this.#logic.init(key), ctx));
  }
}

/** What a call is about; valid until the next call, so that an event costs no object. */
class HostContext<Out> implements KeyedContext<Out> {
  key = "";
  now: EventTime = MIN_TIME;
  watermark: EventTime = MIN_TIME;
  readonly #sink: HostSink<Out>;
  readonly #timers: Timers;

  constructor(sink: HostSink<Out>, timers: Timers) {
    this.#sink = sink;
    this.#timers = timers;
  }

  about(key: string, now: EventTime, watermark: EventTime): this {
    this.key = key;
    this.now = now;
    this.watermark = watermark;
    return this;
  }

  emit(out: Out): void {
    this.#sink.emit(out, this.key);
  }
  setTimer(name: string, at: EventTime): void {
    this.#timers.set(0, this.key, name, eventTime(at));
  }
  clearTimer(name: string): void {
    this.#timers.clear(0, this.key, name);
  }
  late(event: Readonly<Record<string, unknown>>): void {
    this.#sink.late(event, this.key);
  }
}
