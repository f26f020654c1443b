import type { EventTime, Millis } from "../../../src/time/event-time.ts";
import { insertAt } from "../insert.ts";
import { joined, NEVER, type Timeline, Trace } from "./timeline.ts";

/**
 * A match in state: time, the tracker's id of the event, place of its type among those looked for,
 * what is counted of it, and the group that it counts in.
 */
export type Match = [at: EventTime, id: string, type: number, counted: string, group: string];

/** What is asked of matches. */
export interface Asked {
  readonly within: Millis;
  readonly atLeast: number;
  /** Different values are counted, not matches. */
  readonly distinct: boolean;
  /** Each group counts by itself; one that has enough is enough. */
  readonly grouped: boolean;
}

/** Matches of one condition that are kept whatever happens; beyond that the oldest are forgotten. */
const KEPT_MATCHES = 256;

/** Adds a match by time; of equal times, by id. */
export function insertMatch(list: Match[], match: Match): void {
  let place = list.length;
  while (place > 0 && isBefore(match, list[place - 1] as Match)) place -= 1;
  insertAt(list, place, match);
}

const isBefore = (a: Match, b: Match): boolean => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);

/** The matches in `[at − within, at]`. */
export const inWindow = (list: readonly Match[], within: Millis, at: EventTime): readonly Match[] =>
  list.filter(([time]) => time <= at && time >= at - within);

/** From `from` on: whether enough is in `[t − within, t]`. */
export function metTimeline(list: readonly Match[], asked: Asked, from: EventTime): Timeline {
  if (list.length < asked.atLeast) return NEVER;
  if (!asked.grouped) return groupTimeline(list, asked, from);
  return joined(
    "any",
    [...byGroup(list).values()].map((group) => groupTimeline(group, asked, from)),
  );
}

function groupTimeline(list: readonly Match[], asked: Asked, from: EventTime): Timeline {
  return asked.distinct ? valuesTimeline(list, asked, from) : countTimeline(list, asked, from);
}

/** The i-th match makes enough with those before it, until the first of them leaves. */
function countTimeline(list: readonly Match[], { within, atLeast }: Asked, from: EventTime) {
  const trace = new Trace(false, from);
  let open = Number.NEGATIVE_INFINITY;
  for (let i = atLeast - 1; i < list.length; i += 1) {
    const start = (list[i] as Match)[0];
    const end = (list[i - atLeast + 1] as Match)[0] + within + 1;
    if (end <= start) continue;
    if (start > open) {
      if (open >= 0) trace.is(false, open as EventTime);
      trace.is(true, start);
    }
    open = end;
  }
  if (open >= 0) trace.is(false, open as EventTime);
  return trace.timeline();
}

/** Each value is there for the stretches that its matches cover; so many must be there at once. */
function valuesTimeline(list: readonly Match[], { within, atLeast }: Asked, from: EventTime) {
  const changes: (readonly [at: number, by: number])[] = [];
  const until = new Map<string, number>();
  for (const [at, , , value] of list) {
    const end = until.get(value);
    if (end === undefined || end < at) {
      if (end !== undefined) changes.push([end, -1]);
      changes.push([at, 1]);
    }
    until.set(value, at + within + 1);
  }
  for (const end of until.values()) changes.push([end, -1]);
  changes.sort((a, b) => a[0] - b[0]);
  const trace = new Trace(false, from);
  let count = 0;
  for (const [at, by] of changes) {
    count += by;
    trace.is(count >= atLeast, at as EventTime);
  }
  return trace.timeline();
}

export function byGroup(list: readonly Match[]): Map<string, Match[]> {
  const groups = new Map<string, Match[]>();
  for (const match of list) {
    const group = groups.get(match[4]);
    if (group === undefined) groups.set(match[4], [match]);
    else group.push(match);
  }
  return groups;
}

/**
 * Leaves out what no longer changes whether the condition is met at any time from `horizon` on:
 *
 * - matches whose window ends before the horizon;
 * - matches in a crowd. `x` with the k-th earlier matches b1, b2 … and later ones a1, a2 … is idle
 *   when at each t in `[x, x + within]` `atLeast` others are in the window, which is so when
 *   a(k+1) − b(atLeast − k) ≤ within + 1 for k = 0 … atLeast − 1. More matches, however late they
 *   come, cannot make it count again. Where different values are counted, the neighbours are those
 *   of the same value, and one is enough.
 *
 * What is left is at most about 2 · atLeast matches for each window's length of time; where many
 * different values or groups are counted, `KEPT_MATCHES` is the bound and the oldest are forgotten.
 */
export function thinMatches(list: Match[], asked: Asked, horizon: number): Match[] {
  let kept = list;
  const first = list.findIndex(([time]) => time + asked.within >= horizon);
  if (first !== 0) kept = first < 0 ? [] : list.slice(first);
  if (kept.length <= 2 * Math.min(asked.atLeast, KEPT_MATCHES) + 4) return kept;
  const groups = asked.grouped ? [...byGroup(kept).values()] : [kept];
  const thinned = groups.map((group) =>
    asked.distinct ? thinValues(group, asked.within) : thinCrowd(group, asked),
  );
  kept = thinned.length === 1 ? (thinned[0] ?? []) : thinned.flat().sort((a, b) => a[0] - b[0]);
  const most = Math.max(KEPT_MATCHES, 2 * asked.atLeast);
  return kept.length > most ? kept.slice(kept.length - most) : kept;
}

function thinCrowd(list: readonly Match[], { within, atLeast }: Asked): Match[] {
  const kept = [...list];
  for (let i = kept.length - 1 - atLeast; i >= atLeast; i -= 1) {
    if (isIdle(kept, i, within, atLeast)) kept.splice(i, 1);
  }
  return kept;
}

function isIdle(list: readonly Match[], at: number, within: Millis, atLeast: number): boolean {
  for (let k = 0; k < atLeast; k += 1) {
    const later = list[at + 1 + k];
    const earlier = list[at - (atLeast - k)];
    if (later === undefined || earlier === undefined) return false;
    if (later[0] - earlier[0] > within + 1) return false;
  }
  return true;
}

function thinValues(list: readonly Match[], within: Millis): Match[] {
  const kept: Match[] = [];
  for (let i = 0; i < list.length; i += 1) {
    const match = list[i] as Match;
    const earlier = kept.findLast((other) => other[3] === match[3]);
    const later = list.find((other, j) => j > i && other[3] === match[3]);
    const idle =
      earlier !== undefined && later !== undefined && later[0] - earlier[0] <= within + 1;
    if (!idle) kept.push(match);
  }
  return kept;
}
