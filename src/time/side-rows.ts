import { type EventTime, earliest, MAX_TIME } from "./event-time.ts";
import type { KeyedContext } from "./keyed-logic.ts";

type Side = "left" | "right";
type Timed = readonly [at: EventTime, ...unknown[]];

/** What a join keeps of a key, as plain data: the rows of both sides by time. */
export interface SideRows<Row extends Timed> {
  left: Row[];
  right: Row[];
  /** When the key's one timer is set for; `MAX_TIME` for not at all. */
  timer: EventTime;
}

const TIMER = "join";

export const noRows = <Row extends Timed>(): SideRows<Row> => ({
  left: [],
  right: [],
  timer: MAX_TIME,
});

export const hasRows = <Row extends Timed>({ left, right }: SideRows<Row>): boolean =>
  left.length + right.length > 0;

/** Files a row behind those of its time; tells as late when that made more than `most` and the oldest went. */
export function insertRow<Row extends Timed, Out>(
  rows: Row[],
  row: Row,
  most: number,
  ctx: KeyedContext<Out>,
): void {
  let place = rows.length;
  while (place > 0 && (rows[place - 1] as Row)[0] > row[0]) place--;
  rows.splice(place, 0, row);
  if (rows.length <= most) return;
  rows.shift();
  ctx.late({ reason: "join_rows", forgotten: 1 });
}

/** The rows with a time in `[from, to]`. */
export function rowsBetween<Row extends Timed>(
  rows: readonly Row[],
  from: EventTime,
  to: EventTime,
): Row[] {
  let first = 0;
  let high = rows.length;
  while (first < high) {
    const middle = (first + high) >> 1;
    if ((rows[middle] as Row)[0] < from) first = middle + 1;
    else high = middle;
  }
  let last = first;
  while (last < rows.length && (rows[last] as Row)[0] <= to) last++;
  return rows.slice(first, last);
}

/** Sets the timer for the watermark at which the first row is of no more use. */
export function awaitLastUse<Row extends Timed, Out>(
  state: SideRows<Row>,
  lastUse: (side: Side, at: EventTime) => EventTime,
  ctx: KeyedContext<Out>,
): void {
  const of = (side: Side): EventTime => {
    const first = state[side][0];
    return first === undefined ? MAX_TIME : lastUse(side, first[0]);
  };
  const due = earliest(of("left"), of("right"));
  if (due === state.timer) return;
  state.timer = due;
  ctx.setTimer(TIMER, due);
}
