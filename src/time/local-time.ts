import { IANAZone } from "luxon";
import type { EventTime } from "./event-time.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
/** 1970-01-01 was a Thursday: the Monday before it is three days earlier. */
const DAYS_SINCE_MONDAY = 3;

/** The local calendar and clock of a time zone. */
export class LocalTime {
  readonly #zone: IANAZone;
  /** The UTC day that was asked for last, and its offset in milliseconds where it has one throughout. */
  #utcDay = Number.NaN;
  #offsetOfDay: number | undefined;

  /** `zone` is an IANA name; throws on what is none. */
  constructor(zone: string) {
    if (!IANAZone.isValidZone(zone)) throw new RangeError(`not a time zone: ${zone}`);
    this.#zone = IANAZone.create(zone);
  }

  /** Days since 1970-01-01. */
  day(at: EventTime): number {
    return Math.floor(this.#local(at) / DAY);
  }
  /** Weeks since the one of 1970-01-01; a week begins on Monday. */
  week(at: EventTime): number {
    return Math.floor((this.day(at) + DAYS_SINCE_MONDAY) / 7);
  }
  /** Months since January of year 0. */
  month(at: EventTime): number {
    const date = new Date(this.#local(at));
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  }
  /** Minutes since midnight, 0 to 1439. */
  minute(at: EventTime): number {
    return Math.floor((((this.#local(at) % DAY) + DAY) % DAY) / MINUTE);
  }
  /** The first moment after `at` at which the clock shows this minute of the day, 0 to 1440. */
  nextMinute(at: EventTime, minute: number): EventTime {
    for (let day = this.day(at); ; day += 1) {
      const found = this.#moment(day * DAY + minute * MINUTE);
      if (found > at) return found;
    }
  }

  /** The moment of a local time `2026-03-02 10:00`; where clocks skip it, a moment near by. */
  moment(local: string): EventTime {
    return this.#moment(Date.parse(`${local.replace(" ", "T")}:00Z`));
  }

  #local(at: number): number {
    return at + this.#offset(at);
  }
  /** In milliseconds. Looking a zone up costs microseconds, and most events are of one day. */
  #offset(at: number): number {
    const utcDay = Math.floor(at / DAY);
    if (utcDay !== this.#utcDay) {
      const [begins, ends] = [utcDay * DAY, (utcDay + 1) * DAY].map((t) => this.#zone.offset(t));
      this.#utcDay = utcDay;
      this.#offsetOfDay = begins === ends && begins !== undefined ? begins * MINUTE : undefined;
    }
    return this.#offsetOfDay ?? this.#zone.offset(at) * MINUTE;
  }
  /** The moment of a local time; where clocks skip it, a moment near by. */
  #moment(local: number): EventTime {
    const guess = local - this.#offset(local);
    return (local - this.#offset(guess)) as EventTime;
  }
}
