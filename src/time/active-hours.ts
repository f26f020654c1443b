import { type EventTime, earliest, type Millis, plus } from "./event-time.ts";
import type { LocalTime } from "./local-time.ts";

/** Minutes of the local day, `[from, to)`; `to` before `from` goes past midnight. */
type Stretch = readonly [from: number, to: number];

/** Time that counts only in some hours of the local day; all of it where there are none. */
export class ActiveHours {
  readonly #hours: readonly Stretch[];
  readonly #local: LocalTime;

  constructor(hours: readonly Stretch[], local: LocalTime) {
    this.#hours = hours;
    this.#local = local;
  }

  /** The moment at which so much active time has passed since `since`. */
  after(since: EventTime, active: Millis): EventTime {
    if (this.#hours.length === 0) return plus(since, active);
    let at = since;
    let left = active;
    for (;;) {
      const minute = this.#local.minute(at);
      const on = this.#hours.find((stretch) => isWithin(minute, stretch));
      if (on === undefined) {
        at = this.#hours.map(([from]) => this.#local.nextMinute(at, from)).reduce(earliest);
        continue;
      }
      const end = this.#local.nextMinute(at, on[1]);
      if (plus(at, left) <= end) return plus(at, left);
      left = (left - (end - at)) as Millis;
      at = end;
    }
  }
}

const isWithin = (minute: number, [from, to]: Stretch): boolean =>
  from < to ? minute >= from && minute < to : minute >= from || minute < to;
