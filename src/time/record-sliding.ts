import { FORGET, type Forget, type Timer } from "../flow/operator.ts";
import type { Aggregate } from "./aggregate.ts";
import { type EventTime, earliest, MAX_TIME, type Millis, minus, plus } from "./event-time.ts";
import type { KeyedContext, KeyedLogic } from "./keyed-logic.ts";
import { saturatingPlus } from "./window.ts";

export interface RecordSlidingOptions<In, Value, Acc, Result> {
  /** Windows are `[start, start + difference]`, both ends included. */
  readonly difference: Millis;
  /** How long after its end a window takes late elements. */
  readonly grace: Millis;
  readonly emit: "onUpdate" | "onClose";
  readonly aggregate: Aggregate<Value, Acc, Result>;
  value(event: In): Value;
  /** Elements kept a key; the oldest goes when one more comes, and that is told as late. */
  readonly most?: number;
  late(event: In): Readonly<Record<string, unknown>>;
}

/** A closed window `[start, end]`. */
export interface RecordWindow<Result> {
  readonly start: EventTime;
  readonly end: EventTime;
  readonly value: Result;
}

export interface RecordSlidingState<Value, Acc> {
  /** In order of arrival: windows that come to be later hold them too. */
  elements: [at: EventTime, value: Value][];
  /** Sorted by start. */
  windows: [start: EventTime, acc: Acc][];
  timer: EventTime;
}

const TIMER = "windows";

/**
 * Sliding windows as Kafka Streams has them: one ends at each element (from time 0 on, where the
 * window would begin before it), and one begins right after each element when anything is in it.
 */
export class RecordSliding<In, Value, Acc, Result>
  implements KeyedLogic<In, RecordWindow<Result>, RecordSlidingState<Value, Acc>>
{
  readonly version = 1;
  readonly #options: RecordSlidingOptions<In, Value, Acc, Result>;
  readonly #most: number;

  constructor(options: RecordSlidingOptions<In, Value, Acc, Result>) {
    this.#options = options;
    this.#most = options.most ?? 100_000;
  }

  init(): RecordSlidingState<Value, Acc> {
    return { elements: [], windows: [], timer: MAX_TIME };
  }

  onEvent(
    event: In,
    state: RecordSlidingState<Value, Acc>,
    ctx: KeyedContext<RecordWindow<Result>>,
  ): RecordSlidingState<Value, Acc> | Forget {
    const { aggregate, difference, emit } = this.#options;
    const at = ctx.now;
    if (this.#closesAt(at) <= ctx.watermark) {
      ctx.late(this.#options.late(event));
      return state.elements.length === 0 ? FORGET : state;
    }
    const value = this.#options.value(event);
    state.elements.push([at, value]);
    if (state.elements.length > this.#most) {
      state.elements.shift();
      ctx.late({ reason: "window_elements", forgotten: 1 });
    }
    const touched = state.windows.filter(([s]) => s <= at && at <= plus(s, difference));
    for (const window of touched) window[1] = aggregate.add(window[1], value, at);
    const opened = this.#starts(at, state)
      .filter((start) => this.#closesAt(start) > ctx.watermark)
      .map((start) => this.#filled(start, state));
    if (opened.length > 0) {
      state.windows = [...state.windows, ...opened].sort((a, b) => a[0] - b[0]);
    }
    if (emit === "onUpdate") {
      for (const window of [...touched, ...opened]) this.#emit(window, ctx);
    }
    this.#arm(state, ctx);
    return state;
  }

  onTimer(
    timer: Timer,
    state: RecordSlidingState<Value, Acc>,
    ctx: KeyedContext<RecordWindow<Result>>,
  ): RecordSlidingState<Value, Acc> | Forget {
    state.timer = MAX_TIME;
    const closed = state.windows.filter(([start]) => this.#closesAt(start) <= timer.at);
    if (this.#options.emit === "onClose") for (const window of closed) this.#emit(window, ctx);
    state.windows = state.windows.slice(closed.length);
    state.elements = state.elements.filter(([at]) => this.#closesAt(at) + 1 > timer.at);
    if (state.elements.length === 0) return FORGET;
    this.#arm(state, ctx);
    return state;
  }

  /** The watermark that closes the window which starts at `start`. */
  #closesAt(start: EventTime): EventTime {
    return saturatingPlus(plus(start, this.#options.difference), this.#options.grace);
  }

  /** Where windows start that exist since there is an element at `at`, and did not before. */
  #starts(at: EventTime, state: RecordSlidingState<Value, Acc>): EventTime[] {
    const { difference } = this.#options;
    const ending = minus(at, difference);
    const starts = new Set([at >= 0 && ending < 0 ? (0 as EventTime) : ending]);
    for (const [other] of state.elements) {
      if (other > at && other - at <= difference + 1) starts.add((at + 1) as EventTime);
      if (other < at && at - other <= difference + 1) starts.add((other + 1) as EventTime);
    }
    for (const [start] of state.windows) starts.delete(start);
    return [...starts];
  }

  #filled(start: EventTime, state: RecordSlidingState<Value, Acc>): [EventTime, Acc] {
    const { aggregate, difference } = this.#options;
    let acc = aggregate.init();
    for (const [at, value] of state.elements) {
      if (at >= start && at <= plus(start, difference)) acc = aggregate.add(acc, value, at);
    }
    return [start, acc];
  }

  #emit([start, acc]: [EventTime, Acc], ctx: KeyedContext<RecordWindow<Result>>): void {
    const { aggregate, difference } = this.#options;
    ctx.emit({ start, end: plus(start, difference), value: aggregate.result(acc) });
  }

  #arm(state: RecordSlidingState<Value, Acc>, ctx: KeyedContext<RecordWindow<Result>>): void {
    const oldest = state.elements.reduce((least, [at]) => earliest(least, at), MAX_TIME);
    const forget = saturatingPlus(this.#closesAt(oldest), 1 as Millis);
    const first = state.windows[0];
    const close = first === undefined ? MAX_TIME : this.#closesAt(first[0]);
    const due = Math.min(forget, close) as EventTime;
    if (due === state.timer) return;
    state.timer = due;
    ctx.setTimer(TIMER, due);
  }
}
