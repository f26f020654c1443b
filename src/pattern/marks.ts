import type { EventTime } from "../time/event-time.ts";

/**
 * One event as a simple pattern sees it: when it was, what part it plays there, which event it was
 * and a label of the pattern's own (a content id, a SKU). Plain data.
 */
export type Mark = [at: EventTime, role: number, id: string, label: string];

/**
 * Puts a mark in its place by time; of the same time, the later arrival comes later. Past `limit`
 * marks the oldest are forgotten; returns how many. State that is only a list of marks gives the
 * same answer however late each of them arrived: nothing need be undone.
 */
export function insertMark(marks: Mark[], mark: Mark, limit: number): number {
  let place = marks.length;
  while (place > 0 && (marks[place - 1]?.[0] ?? mark[0]) > mark[0]) place -= 1;
  marks.splice(place, 0, mark);
  const over = Math.max(0, marks.length - limit);
  marks.splice(0, over);
  return over;
}

/** Forgets the marks before `from`; returns how many. */
export function forgetMarks(marks: Mark[], from: EventTime): number {
  const kept = marks.findIndex(([at]) => at >= from);
  return marks.splice(0, kept < 0 ? marks.length : kept).length;
}
