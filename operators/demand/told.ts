import { fnv1a32 } from "../../src/codec/hash.ts";
import type { EventTime, Millis } from "../../src/time/event-time.ts";

/**
 * The next moment a key tells what it learned: once an interval, at a second of its own, so that
 * not all keys speak at once.
 */
export function nextTelling(key: string, after: EventTime, interval: Millis): EventTime {
  const offset = (fnv1a32(key) % Math.max(1, Math.floor(interval / 1000))) * 1000;
  return ((Math.floor((after - offset) / interval) + 1) * interval + offset) as EventTime;
}

/** Whether the same keys stand in the same order. */
export function sameOrder(
  a: readonly string[],
  b: readonly (readonly [string, number])[],
): boolean {
  return a.length === b.length && b.every(([key], i) => a[i] === key);
}
