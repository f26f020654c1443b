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
import type { SideEvent } from "./interval-join.ts";
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

export interface WindowJoinOptions<Value> {
  /** `left`: unmatched left rows come out alone; `outer`: right ones too. */
  readonly kind: "inner" | "left" | "outer";
  /** A pair joins when `left - before <= right <= left + after`. */
  readonly before: Millis;
  readonly after: Millis;
  /** How long after its window a row still takes late partners. */
  readonly grace?: Millis;
  /** Rows kept a side and key; the oldest goes when one more comes, and that is told as late. */
  readonly most?: number;
  late(event: SideEvent<Value>): Readonly<Record<string, unknown>>;
}

/** One side is null when a row found no partner. */
export interface JoinedRow<Value> {
  readonly left: Value | null;
  readonly right: Value | null;
  /** The later of the two times. */
  readonly at: EventTime;
}

type Row<Value> = [at: EventTime, value: Value, matched: boolean];

type WindowJoinState<Value> = SideRows<Row<Value>>;

/**
 * Joins rows of one key whose times lie near each other. A row without a partner comes out once,
 * when its window and the grace have passed, before anything that joins later.
 */
export class WindowJoin<Value>
  implements KeyedLogic<SideEvent<Value>, JoinedRow<Value>, WindowJoinState<Value>>
{
  readonly version = 1;
  readonly #options: WindowJoinOptions<Value>;
  readonly #grace: Millis;
  readonly #most: number;

  constructor(options: WindowJoinOptions<Value>) {
    this.#options = options;
    this.#grace = options.grace ?? millis(0);
    this.#most = options.most ?? 100_000;
    if (options.before + options.after < 0) throw new RangeError("the join window is empty");
  }

  init(): WindowJoinState<Value> {
    return noRows();
  }

  onEvent(
    event: SideEvent<Value>,
    state: WindowJoinState<Value>,
    ctx: KeyedContext<JoinedRow<Value>>,
  ): WindowJoinState<Value> | Forget {
    const at = ctx.now;
    if (this.#closesAt(event.side, at) <= ctx.watermark) {
      ctx.late(this.#options.late(event));
      return hasRows(state) ? state : FORGET;
    }
    const row: Row<Value> = [at, event.value, false];
    for (const other of this.#partners(event.side, at, state)) {
      other[2] = true;
      row[2] = true;
      const [left, right] = event.side === "left" ? [row, other] : [other, row];
      ctx.emit({ left: left[1], right: right[1], at: latest(left[0], right[0]) });
    }
    insertRow(state[event.side], row, this.#most, ctx);
    awaitLastUse(state, (side, time) => this.#closesAt(side, time), ctx);
    return state;
  }

  onTimer(
    timer: Timer,
    state: WindowJoinState<Value>,
    ctx: KeyedContext<JoinedRow<Value>>,
  ): WindowJoinState<Value> | Forget {
    state.timer = MAX_TIME;
    const { kind } = this.#options;
    state.left = this.#expire("left", state.left, timer.at, ([at, left]) => {
      if (kind !== "inner") ctx.emit({ left, right: null, at });
    });
    state.right = this.#expire("right", state.right, timer.at, ([at, right]) => {
      if (kind === "outer") ctx.emit({ left: null, right, at });
    });
    if (!hasRows(state)) return FORGET;
    awaitLastUse(state, (side, time) => this.#closesAt(side, time), ctx);
    return state;
  }

  #partners(side: "left" | "right", at: EventTime, state: WindowJoinState<Value>): Row<Value>[] {
    const { before, after } = this.#options;
    return side === "left"
      ? rowsBetween(state.right, minus(at, before), plus(at, after))
      : rowsBetween(state.left, minus(at, after), plus(at, before));
  }

  /** The watermark at which the row's last possible partner and the grace have passed. */
  #closesAt(side: "left" | "right", at: EventTime): EventTime {
    const { before, after } = this.#options;
    const reach = millis(Math.max(0, side === "left" ? after : before));
    return saturatingPlus(plus(at, reach), this.#grace);
  }

  #expire(
    side: "left" | "right",
    rows: Row<Value>[],
    upTo: EventTime,
    alone: (row: Row<Value>) => void,
  ): Row<Value>[] {
    return rows.filter((row) => {
      const open = this.#closesAt(side, row[0]) > upTo;
      if (!open && !row[2]) alone(row);
      return open;
    });
  }
}
