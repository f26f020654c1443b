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
import {
  awaitLastUse,
  hasRows,
  insertRow,
  noRows,
  rowsBetween,
  type SideRows,
} from "./side-rows.ts";
import { saturatingPlus } from "./window.ts";

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
  /** Elements kept a side and key; the oldest goes when one more comes, and that is told as late. */
  readonly most?: number;
  late(event: SideEvent<Value>): Readonly<Record<string, unknown>>;
}

/** Elements that may still find partners. */
type IntervalJoinState<Value> = SideRows<[at: EventTime, value: Value]>;

/**
 * Pairs of a left and a right element of one key whose times lie within an interval. An element
 * before the watermark is late; one exactly at it, against the watermark's promise, is still taken,
 * as Flink does. Each is kept until no partner can come any more.
 */
export class IntervalJoin<Value>
  implements KeyedLogic<SideEvent<Value>, Joined<Value, Value>, IntervalJoinState<Value>>
{
  readonly version = 1;
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
    return noRows();
  }

  onEvent(
    event: SideEvent<Value>,
    state: IntervalJoinState<Value>,
    ctx: KeyedContext<Joined<Value, Value>>,
  ): IntervalJoinState<Value> | Forget {
    const at = ctx.now;
    if (at < ctx.watermark) {
      ctx.late(this.#options.late(event));
      return hasRows(state) ? state : FORGET;
    }
    insertRow(state[event.side], [at, event.value], this.#most, ctx);
    if (event.side === "left") {
      for (const [rightAt, right] of rowsBetween(
        state.right,
        plus(at, this.#lower),
        plus(at, this.#upper),
      )) {
        ctx.emit({ left: event.value, right, leftAt: at, rightAt, at: latest(at, rightAt) });
      }
    } else {
      for (const [leftAt, left] of rowsBetween(
        state.left,
        minus(at, this.#upper),
        minus(at, this.#lower),
      )) {
        ctx.emit({ left, right: event.value, leftAt, rightAt: at, at: latest(at, leftAt) });
      }
    }
    awaitLastUse(state, (side, time) => this.#lastUse(side, time), ctx);
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
    if (!hasRows(state)) return FORGET;
    awaitLastUse(state, (side, time) => this.#lastUse(side, time), ctx);
    return state;
  }

  /** The watermark at which no partner can come any more. */
  #lastUse(side: "left" | "right", at: EventTime): EventTime {
    const reach = side === "left" ? this.#upper : -this.#lower;
    return reach > 0 ? saturatingPlus(at, millis(reach)) : at;
  }
}
