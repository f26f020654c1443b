import type { Period } from "../../../src/config/rule-ast.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { LocalTime } from "../../../src/time/local-time.ts";

/** At most `max` in every period. */
export interface Limit {
  readonly max: number;
  readonly every: Period;
}

/** What was used of a limit: `[period, count]` of a calendar period, else the last times. */
export type Usage = number[];

export function isSpent(usage: Usage | undefined, limit: Limit, at: EventTime, local: LocalTime) {
  return usedOf(usage, limit, at, local) >= limit.max;
}

/** How many of the limit are used in the period at hand. */
export function usedOf(
  usage: Usage | undefined,
  { every }: Limit,
  at: EventTime,
  local: LocalTime,
): number {
  if (usage === undefined) return 0;
  if (typeof every === "number") return usage.filter((time) => time > at - every).length;
  return usage[0] === local[every](at) ? (usage[1] ?? 0) : 0;
}

/** One more used at `at`, which is no earlier than any before. */
export function spend(
  usage: Usage | undefined,
  limit: Limit,
  at: EventTime,
  local: LocalTime,
): Usage {
  const { every, max } = limit;
  if (typeof every === "number") return [...(usage ?? []), at].slice(-Math.max(1, max));
  return [local[every](at), usedOf(usage, limit, at, local) + 1];
}
