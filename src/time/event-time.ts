declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A point in event time: whole milliseconds since the Unix epoch. */
export type EventTime = Branded<number, "EventTime">;
/** A length of time in whole milliseconds; never a point in time. */
export type Millis = Branded<number, "Millis">;

export const MIN_TIME = Number.MIN_SAFE_INTEGER as EventTime;
export const MAX_TIME = Number.MAX_SAFE_INTEGER as EventTime;

export function millis(n: number): Millis {
  if (!Number.isSafeInteger(n)) throw new RangeError(`not whole milliseconds: ${n}`);
  return n as Millis;
}
export function eventTime(n: number): EventTime {
  if (!Number.isSafeInteger(n)) throw new RangeError(`not whole milliseconds since 1970: ${n}`);
  return n as EventTime;
}
export const seconds = (n: number): Millis => millis(n * 1000);
export const minutes = (n: number): Millis => millis(n * 60_000);
export const hours = (n: number): Millis => millis(n * 3_600_000);
export const days = (n: number): Millis => millis(n * 86_400_000);

export const plus = (at: EventTime, by: Millis): EventTime => (at + by) as EventTime;
export const minus = (at: EventTime, by: Millis): EventTime => (at - by) as EventTime;
export const since = (later: EventTime, earlier: EventTime): Millis => (later - earlier) as Millis;
export const latest = (a: EventTime, b: EventTime): EventTime => (a > b ? a : b);
export const earliest = (a: EventTime, b: EventTime): EventTime => (a < b ? a : b);

const DAY = 86_400_000;
/** The year 10000. */
const FIVE_DIGITS = 253_402_300_800_000;
const TWO = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, "0"));
const MILLISECOND = Array.from({ length: 1000 }, (_, n) => `.${String(n).padStart(3, "0")}Z`);
let lastDay = Number.NaN;
let dayText = "";

/**
 * ISO 8601 in UTC with milliseconds, as every output prints a time: `Date`'s own text, of which the
 * day is kept, as most times that follow each other are of one day. Several a record are printed.
 */
export function isoTime(at: EventTime): string {
  if (!Number.isInteger(at) || at < 0 || at >= FIVE_DIGITS) return new Date(at).toISOString();
  const day = Math.floor(at / DAY);
  if (day !== lastDay) {
    dayText = new Date(at).toISOString().slice(0, 11);
    lastDay = day;
  }
  const ms = at - day * DAY;
  const second = Math.floor(ms / 1000);
  const minute = Math.floor(second / 60);
  const hour = Math.floor(minute / 60);
  const time = `${TWO[hour]}:${TWO[minute - hour * 60]}:${TWO[second - minute * 60]}`;
  return dayText + time + MILLISECOND[ms - second * 1000];
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Reads `30m`, `24h`, `1500ms`, `7d`; undefined when the text is no length of time. */
export function parseDuration(text: string): Millis | undefined {
  const match = /^(\d{1,12})(ms|s|m|h|d|w)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ""];
  if (match === null || unit === undefined) return undefined;
  const length = Number(match[1]) * unit;
  return Number.isSafeInteger(length) ? (length as Millis) : undefined;
}
