import { DAY_KINDS, type DayKind, dayText } from "../../src/config/calendar.ts";
import type { Facts } from "../../src/flow/operator.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import type { LocalTime } from "../../src/time/local-time.ts";
import { fieldsOf, textOf } from "./catalog.ts";

/** 1970-01-01, day 0, was a Thursday. */
const isWeekend = (day: number): boolean => (day + 3) % 7 >= 5;

/** A date is written out once for the events of a day, which come together. */
let named: readonly [day: number, name: string] = [Number.NaN, ""];

function nameOf(day: number): string {
  if (named[0] !== day) named = [day, dayText(day)];
  return named[1];
}

/**
 * Whether a moment lies on a working day of its local calendar: by the fact `calendar` about the day,
 * else by the listed days, else by the day of the week.
 */
export function dayKindAt(
  at: EventTime,
  local: LocalTime,
  listed: Readonly<Record<string, DayKind>>,
  facts: Facts,
): DayKind {
  const day = local.day(at);
  const name = nameOf(day);
  const told = textOf(fieldsOf(facts, "calendar", name), "day");
  const known = DAY_KINDS.find((kind) => kind === told) ?? listed[name];
  return known ?? (isWeekend(day) ? "restday" : "workday");
}
