import { unitAt } from "../../src/codec/unit-at.ts";

/** Furthest points a JavaScript date can print: whole milliseconds either side of 1970. */
const FURTHEST = 8.64e15;

const ZERO = 0x30;

/** The number that `count` digits at `from` spell; NaN when one of them is none. */
function digits(text: string, from: number, count: number): number {
  let n = 0;
  for (let i = from; i < from + count; i += 1) {
    const digit = unitAt(text, i) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    n = n * 10 + digit;
  }
  return n;
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar (H. Hinnant, days_from_civil). */
function daysTo(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function lengthOfMonth(year: number, month: number): number {
  if (month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) return 29;
  return MONTH_LENGTHS[month - 1] ?? 0;
}

/** Minutes east of Greenwich that `+08:00`, `+0800` or `Z` at `from` mean; NaN for anything else. */
function zoneAt(text: string, from: number): number {
  const sign = text[from];
  const rest = text.length - from;
  if (sign === "Z" || sign === "z") return rest === 1 ? 0 : Number.NaN;
  if (sign !== "+" && sign !== "-") return Number.NaN;
  const colon = text[from + 3] === ":" ? 1 : 0;
  if (rest !== 5 + colon) return Number.NaN;
  const hour = digits(text, from + 1, 2);
  const minute = digits(text, from + 3 + colon, 2);
  if (!(hour <= 23 && minute <= 59)) return Number.NaN;
  return (sign === "-" ? -1 : 1) * (hour * 60 + minute);
}

/** Index behind the fraction that a dot at `from` begins; `from` when there is none. */
function endOfFraction(text: string, from: number): number {
  const mark = text[from];
  if (mark !== "." && mark !== ",") return from;
  let at = from + 1;
  while (digits(text, at, 1) >= 0) at += 1;
  return at;
}

function millisOfFraction(text: string, from: number, end: number): number {
  if (end === from) return 0;
  const shown = Math.min(3, end - from - 1);
  return shown === 0 ? Number.NaN : digits(text, from + 1, shown) * 10 ** (3 - shown);
}

/**
 * ISO 8601 with date, time to the second and zone (`2026-10-31T16:00:00.000Z`, `… +08:00`), as
 * milliseconds since 1970; digits beyond the millisecond are cut off, second 60 is the next minute.
 * Undefined for anything else: a time without a zone is nobody's time.
 */
function parseIso(text: string): number | undefined {
  if (text.length > 40 || text[4] !== "-" || text[7] !== "-") return undefined;
  if ((text[10] !== "T" && text[10] !== " ") || text[13] !== ":" || text[16] !== ":") {
    return undefined;
  }
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= lengthOfMonth(year, month))) {
    return undefined;
  }
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined;
  const end = endOfFraction(text, 19);
  const ms = millisOfFraction(text, 19, end);
  const offset = zoneAt(text, end);
  const at =
    daysTo(year, month, day) * 86_400_000 +
    (hour * 60 + minute - offset) * 60_000 +
    second * 1000 +
    ms;
  return Number.isNaN(at) ? undefined : at;
}

/** A point in time as trackers write it: ISO 8601 text or integer milliseconds; undefined for neither. */
export function readTime(value: unknown): number | undefined {
  if (typeof value === "string") return parseIso(value);
  if (typeof value !== "number" || !Number.isInteger(value)) return undefined;
  // Adding 0 makes -0 the 0 that it is.
  return Math.abs(value) <= FURTHEST ? value + 0 : undefined;
}
