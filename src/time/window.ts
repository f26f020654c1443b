import { type EventTime, MAX_TIME, type Millis, minus, plus } from "./event-time.ts";

/** Half-open: an event at `end` belongs to the next window. `start = end` is a point window. */
export interface Window {
  readonly start: EventTime;
  readonly end: EventTime;
}

/** The last instant that belongs to the window; where its on-time firing is due. */
export const maxTimestamp = (window: Window): EventTime => (window.end - 1) as EventTime;

/** Exact for whole numbers: a quotient of safe integers does not round up to the next integer. */
export const floorDiv = (n: number, divisor: number): number => Math.floor(n / divisor);

/** Remainder with the sign of the divisor, so windows before 1970 lie on the same grid. */
export const floorMod = (n: number, divisor: number): number => n - floorDiv(n, divisor) * divisor;

/** The last grid line (`offset` modulo `step`) at or before `at`. */
const gridStart = (at: EventTime, step: Millis, offset: Millis): EventTime =>
  (at - floorMod(at - offset, step)) as EventTime;

export function tumblingWindow(at: EventTime, size: Millis, offset: Millis): Window {
  const start = gridStart(at, size, offset);
  return { start, end: plus(start, size) };
}

/** Every window of the grid that holds `at`, oldest first; none when `at` lies in a gap (slide > size). */
export function slidingWindows(
  at: EventTime,
  size: Millis,
  slide: Millis,
  offset: Millis,
): Window[] {
  const windows: Window[] = [];
  const newest = gridStart(at, slide, offset);
  for (let start = newest; start > at - size; start = minus(start, slide)) {
    windows.push({ start, end: plus(start, size) });
  }
  return windows.reverse();
}

/** `a + b` that stops at the end of time. */
export const saturatingPlus = (at: EventTime, by: Millis): EventTime =>
  at > MAX_TIME - by ? MAX_TIME : plus(at, by);

/** The watermark that deletes the window: its last instant and the allowed lateness have passed. */
export const cleanupTime = (window: Window, allowedLateness: Millis): EventTime =>
  saturatingPlus(maxTimestamp(window), allowedLateness);

export const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
