import type { EventTime, Millis } from "../../src/time/event-time.ts";

/** A match in state: time, the tracker's id of the event, what is counted of it, type of the event. */
export type Match = [EventTime, string, string, string];

/** What a condition asks of its matches. `none` asks for less than one. */
export interface Condition {
  readonly within: Millis;
  readonly atLeast: number;
  /** Different values of the third field are counted, not matches. */
  readonly distinct: boolean;
}

/** Matches of one condition that are kept whatever happens; beyond that the oldest are forgotten. */
const KEPT_MATCHES = 256;

/** Adds a match by time; equal times keep the order of arrival. */
export function insertMatch(list: Match[], match: Match): void {
  let place = list.length;
  while (place > 0 && (list[place - 1] as Match)[0] > match[0]) place -= 1;
  list.splice(place, 0, match);
}

/** The matches in `[at − within, at]`. */
export function inWindow(list: readonly Match[], within: Millis, at: EventTime): readonly Match[] {
  return list.filter(([time]) => time <= at && time >= at - within);
}

/** Whether enough is in `[at − within, at]`. */
export function isMet(list: readonly Match[], condition: Condition, at: EventTime): boolean {
  let left = condition.atLeast;
  const seen = condition.distinct ? new Set<string>() : undefined;
  for (let i = list.length - 1; i >= 0 && left > 0; i -= 1) {
    const [time, , counted] = list[i] as Match;
    if (time > at) continue;
    if (time < at - condition.within) break;
    if (seen?.has(counted) === true) continue;
    seen?.add(counted);
    left -= 1;
  }
  return left <= 0;
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
 * different values are counted, `KEPT_MATCHES` is the bound and the oldest are forgotten.
 */
export function thinMatches(list: Match[], condition: Condition, horizon: number): Match[] {
  let kept = list;
  const first = list.findIndex(([time]) => time + condition.within >= horizon);
  if (first !== 0) kept = first < 0 ? [] : list.slice(first);
  if (kept.length <= 2 * Math.min(condition.atLeast, KEPT_MATCHES) + 4) return kept;
  kept = condition.distinct ? thinValues(kept, condition.within) : thinCrowd(kept, condition);
  const most = Math.max(KEPT_MATCHES, 2 * condition.atLeast);
  return kept.length > most ? kept.slice(kept.length - most) : kept;
}

function thinCrowd(list: readonly Match[], { within, atLeast }: Condition): Match[] {
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
    const earlier = kept.findLast((other) => other[2] === match[2]);
    const later = list.find((other, j) => j > i && other[2] === match[2]);
    const idle =
      earlier !== undefined && later !== undefined && later[0] - earlier[0] <= within + 1;
    if (!idle) kept.push(match);
  }
  return kept;
}
