import { type EventTime, type Millis, minus } from "./event-time.ts";

/** Versions of a fact by the time from which each is valid, oldest first; plain data. */
export type FactHistory<Value> = [from: EventTime, value: Value | null][];

export interface HistoryBounds {
  /** How far behind the newest version events may still ask. */
  readonly keep: Millis;
  /** Versions kept at most; the oldest goes when one more comes. */
  readonly most: number;
}

/** First version that begins after `at`. */
function after<Value>(history: FactHistory<Value>, at: EventTime): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((history[middle] as [EventTime, Value | null])[0] <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The value valid at `at`: of the version that began last before or at it. Undefined before the
 * first version, and where the version says that there is none (null).
 */
export function factAt<Value>(history: FactHistory<Value>, at: EventTime): Value | undefined {
  return history[after(history, at) - 1]?.[1] ?? undefined;
}

/**
 * Records that `value` (null: none) is valid from `from` on, until the next version; a later word
 * about the same time replaces the earlier one. Changes and returns `history`; versions that no
 * event within `keep` of the newest one can ask for are forgotten.
 */
export function recordFact<Value>(
  history: FactHistory<Value>,
  from: EventTime,
  value: Value | null,
  bounds: HistoryBounds,
): FactHistory<Value> {
  const place = after(history, from);
  const same = history[place - 1]?.[0] === from;
  history.splice(same ? place - 1 : place, same ? 1 : 0, [from, value]);
  const newest = history.at(-1)?.[0] ?? from;
  const needed = after(history, minus(newest, bounds.keep)) - 1;
  const surplus = Math.max(needed, history.length - bounds.most, 0);
  if (surplus > 0) history.splice(0, surplus);
  return history;
}
