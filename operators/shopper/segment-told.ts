import type { EventTime } from "../../src/time/event-time.ts";
import type { Timeline } from "./condition/timeline.ts";

/** From `at` on the person is a member, or is not. */
export interface Turn {
  readonly at: EventTime;
  readonly member: boolean;
}

/** A turn that was told, with the id of its message. */
export type ToldTurn = [EventTime, boolean, string];

/**
 * What was told of one segment: how it stood and since when (0 when it never turned), the turns after that, which may still
 * be corrected, and when the next turn comes if nothing happens (0 when none does).
 */
export type Told = [base: boolean, since: EventTime, log: ToldTurn[], next: EventTime];

export const copyTold = ([base, since, log, next]: Told): Told => [base, since, log.slice(), next];

/** Turns of one segment that may still be corrected; older ones stand. */
const KEPT_TURNS = 64;

export const neverTold = (): Told => [false, 0 as EventTime, [], 0 as EventTime];

/** Turns before the horizon can no longer change: only how they left things is kept. */
export function settle(told: Told, horizon: EventTime): void {
  const log = told[2];
  while (log.length > KEPT_TURNS || (log[0]?.[0] ?? horizon) < horizon) {
    const turn = log.shift() as ToldTurn;
    told[0] = turn[1];
    told[1] = turn[0];
  }
}

/** Whether it says no more than if nothing had ever been told. */
export const isForgotten = ([base, , log, next]: Told): boolean =>
  !base && log.length === 0 && next === 0;

/** How it stood just before `at`, and since when. */
export function standing([base, since, log]: Told, at: EventTime): Turn {
  const last = log.findLast((turn) => turn[0] < at);
  return last === undefined ? { at: since, member: base } : { at: last[0], member: last[1] };
}

/** What was told, from `from` on. */
export function toldTimeline(told: Told | undefined, from: EventTime): Timeline {
  if (told === undefined) return { before: false, turns: [] };
  return {
    before: standing(told, from).member,
    turns: told[2].filter(([at]) => at >= from).map(([at]) => at),
  };
}

/** The turns of a timeline in `[from, to]` for one who stood as `before` just before `from`. */
export function turnsOf(
  timeline: Timeline,
  before: boolean,
  from: EventTime,
  to: EventTime,
): Turn[] {
  const times = timeline.turns.filter((at) => at <= to);
  if (timeline.before !== before) {
    if (times[0] === from) times.shift();
    else times.unshift(from);
  }
  return times.map((at, i) => ({ at, member: before === (i % 2 === 1) }));
}

/** A message to send: a turn, and the told turn it takes the place of. */
export interface Telling extends Turn {
  readonly insteadOf: ToldTurn | null;
  /** It takes back what never was; it is no turn itself. */
  readonly undoes: boolean;
}

/**
 * What must be said so that the told turns become `turns`. What was told rightly up to the first
 * difference stands. From there each turn takes the place of the one told in its stead; turns too
 * many are taken back, the last one first. So whoever goes by the last message of a person and
 * segment is right.
 */
export function corrections(told: readonly ToldTurn[], turns: readonly Turn[]): Telling[] {
  let same = 0;
  while (same < turns.length && same < told.length && isSame(told[same], turns[same])) same += 1;
  const wrong = told.slice(same);
  const right = turns.slice(same);
  const tellings: Telling[] = right.map((turn, i) => ({
    at: turn.at,
    member: turn.member,
    insteadOf: wrong[i] ?? null,
    undoes: false,
  }));
  for (const turn of wrong.slice(right.length).reverse()) {
    tellings.push({ at: turn[0], member: !turn[1], insteadOf: turn, undoes: true });
  }
  return tellings;
}

const isSame = (told: ToldTurn | undefined, turn: Turn | undefined): boolean =>
  told !== undefined && told[0] === turn?.at && told[1] === turn.member;
