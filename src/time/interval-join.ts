import { FORGET, type Forget, type Timer } from "../flow/operator.ts";
import {
  type EventTime,
  latest,
  MAX_TIME,
  type Millis,
  millis,
  minus,
  plus,
} from "./event-time.ts";
import type { KeyedContext, KeyedLogic } from "./keyed-logic.ts";

/** An element of one of the two sides; `ctx.now` is its time. */
export interface SideEvent<Value> {
  readonly side: "left" | "right";
  readonly value: Value;
}

export interface Joined<Left, Right> {
  readonly left: Left;
  readonly right: Right;
  readonly leftAt: EventTime;
  readonly rightAt: EventTime;
  /** The later of the two times. */
  readonly at: EventTime;
}

export interface IntervalJoinOptions<Value> {
  /** A pair joins when `lower <= right - left <= upper`; bounds may be negative. */
  readonly lower: Millis;
  readonly upper: Millis;
  readonly lowerOpen?: boolean;
  readonly upperOpen?: boolean;
  /** Elements kept a side and key; the oldest goes when one more comes, and is counted. */
  readonly most?: number;
  late(event: SideEvent<Value>): Readonly<Record<string, unknown>>;
}

/** Elements of a side that may still find partners, by time. */
type Buffer<Value> = [at: EventTime, value: Value][];

export interface IntervalJoinState<Value> {
  left: Buffer<Value>;
  right: Buffer<Value>;
  timer: EventTime;
}

const TIMER = "join";

/**
 * Pairs of a left and a right element of one key whose times lie within an interval. An element
 * before the watermark is late; one exactly at it, against the watermark's promise, is still taken,
 * as Flink does. Each is kept until no partner can come any more.
 */
export class IntervalJoin<Value>
  implements KeyedLogic<SideEvent<Value>, Joined<Value, Value>, IntervalJoinState<Value>>
{
  readonly version = 1;
  /** Since the start of the process: elements pushed out of a full buffer. */
  readonly counts = { overflowed: 0 };
  readonly #options: IntervalJoinOptions<Value>;
  /** Both bounds closed. */
  readonly #lower: Millis;
  readonly #upper: Millis;
  readonly #most: number;

  constructor(options: IntervalJoinOptions<Value>) {
    this.#options = options;
    this.#lower = millis(options.lower + (options.lowerOpen === true ? 1 : 0));
    this.#upper = millis(options.upper - (options.upperOpen === true ? 1 : 0));
    this.#most = options.most ?? 100_000;
    if (this.#lower > this.#upper) throw new RangeError("the join interval is empty");
  }

  init(): IntervalJoinState<Value> {
    return { left: [], right: [], timer: MAX_TIME };
  }

  onEvent(
    event: SideEvent<Value>,
    state: IntervalJoinState<Value>,
    ctx: KeyedContext<Joined<Value, Value>>,
  ): IntervalJoinState<Value> | Forget {
    const at = ctx.now;
    if (at < ctx.watermark) {
      ctx.late(this.#options.late(event));
      return state.left.length + state.right.length === 0 ? FORGET : state;
    }
    this.#insert(state[event.side], at, event.value);
    if (event.side === "left") {
      for (const [rightAt, right] of between(
        state.right,
        plus(at, this.#lower),
        plus(at, this.#upper),
      )) {
        ctx.emit({ left: event.value, right, leftAt: at, rightAt, at: latest(at, rightAt) });
      }
    } else {
      for (const [leftAt, left] of between(
        state.left,
        minus(at, this.#upper),
        minus(at, this.#lower),
      )) {
        ctx.emit({ left, right: event.value, leftAt, rightAt: at, at: latest(at, leftAt) });
      }
    }
    this.#arm(state, ctx);
    return state;
  }

  onTimer(
    timer: Timer,
    state: IntervalJoinState<Value>,
    ctx: KeyedContext<Joined<Value, Value>>,
  ): IntervalJoinState<Value> | Forget {
    state.timer = MAX_TIME;
    state.left = state.left.filter(([at]) => this.#lastUse("left", at) > timer.at);
    state.right = state.right.filter(([at]) => this.#lastUse("right", at) > timer.at);
    if (state.left.length + state.right.length === 0) return FORGET;
    this.#arm(state, ctx);
    return state;
  }

  /** The watermark at which no partner can come any more. */
  #lastUse(side: "left" | "right", at: EventTime): EventTime {
    if (side === "left") return this.#upper > 0 ? plus(at, this.#upper) : at;
    return this.#lower < 0 ? minus(at, this.#lower) : at;
  }

  #insert(buffer: Buffer<Value>, at: EventTime, value: Value): void {
    let place = buffer.length;
    while (place > 0 && (buffer[place - 1]?.[0] ?? at) > at) place--;
    buffer.splice(place, 0, [at, value]);
    if (buffer.length <= this.#most) return;
    buffer.shift();
    this.counts.overflowed++;
  }

  #arm(state: IntervalJoinState<Value>, ctx: KeyedContext<Joined<Value, Value>>): void {
    const left = state.left[0];
    const right = state.right[0];
    const due = Math.min(
      left === undefined ? MAX_TIME : this.#lastUse("left", left[0]),
      right === undefined ? MAX_TIME : this.#lastUse("right", right[0]),
    ) as EventTime;
    if (due === state.timer) return;
    state.timer = due;
    ctx.setTimer(TIMER, due);
  }
}

/** The elements with a time in `[from, to]`. */
function between<Value>(buffer: Buffer<Value>, from: EventTime, to: EventTime): Buffer<Value> {
  let first = 0;
  let high = buffer.length;
  while (first < high) {
    const middle = (first + high) >> 1;
    if ((buffer[middle]?.[0] ?? MAX_TIME) < from) first = middle + 1;
    else high = middle;
  }
  let last = first;
  while (last < buffer.length && (buffer[last]?.[0] ?? MAX_TIME) <= to) last++;
  return buffer.slice(first, last);
}
