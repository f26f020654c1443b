import { type EventTime, earliest, type Millis } from "../../src/time/event-time.ts";

/** Distinct skus, categories and touchpoints a session remembers of each. */
const REMEMBERED = 10;

/** A session in state. Its lists are replaced when they change, never changed in place. */
export interface Session {
  id: string;
  started: EventTime;
  last: EventTime;
  steps: number;
  skus: readonly string[];
  categories: readonly string[];
  touchpoints: readonly string[];
  /** Due time of its end timer. */
  armed: EventTime;
}

/** What one act adds to its session. */
export interface Act {
  readonly at: EventTime;
  readonly sku: string | undefined;
  readonly category: string | undefined;
  readonly touchpoint: string;
}

export interface Joined {
  readonly session: Session;
  /** The session had not met the act's sku among those it remembers. */
  readonly isNewSku: boolean;
  /** Ids of the sessions that the act has made one with it. */
  readonly absorbed: readonly string[];
}

/**
 * Puts an act where it belongs in `sessions` (by start, disjoint by more than `gap`), joining those
 * that it brings within `gap` of each other (a pause of exactly `gap` does not part them). At most
 * `limit` sessions are kept: an act before all of them, when they are full, is a session of its own
 * that nobody remembers.
 */
export function joinAct(
  sessions: Session[],
  act: Act,
  gap: Millis,
  limit: number,
  newId: () => string,
): Joined {
  let from = sessions.length;
  while (from > 0 && reaches(sessions[from - 1], act.at, gap) >= 0) from -= 1;
  let to = from;
  while (to < sessions.length && reaches(sessions[to], act.at, gap) === 0) to += 1;

  const touched = sessions.slice(from, to);
  const first = touched.shift();
  const absorbed = touched.map((session) => session.id);
  const session = first === undefined ? opened(newId(), act) : touched.reduce(united, first);
  const isNewSku =
    first === undefined || (act.sku !== undefined && !session.skus.includes(act.sku));
  if (first !== undefined) include(session, act);
  if (first === undefined && sessions.length >= limit) {
    if (from === 0) return { session, isNewSku, absorbed };
    sessions.shift();
    from -= 1;
    to -= 1;
  }
  sessions.splice(from, to - from, session);
  return { session, isNewSku, absorbed };
}

/** 0 when `at` is within `gap` of the session, 1 when the session lies after it, −1 when before. */
function reaches(session: Session | undefined, at: EventTime, gap: Millis): -1 | 0 | 1 {
  if (session === undefined) return -1;
  if (at < session.started - gap) return 1;
  return at > session.last + gap ? -1 : 0;
}

function opened(id: string, act: Act): Session {
  return {
    id,
    started: act.at,
    last: act.at,
    steps: 1,
    skus: act.sku === undefined ? [] : [act.sku],
    categories: act.category === undefined ? [] : [act.category],
    touchpoints: [act.touchpoint],
    armed: 0 as EventTime,
  };
}

function include(session: Session, act: Act): void {
  const late = act.at < session.last;
  session.steps += 1;
  if (late) session.started = earliest(act.at, session.started);
  else session.last = act.at;
  if (act.sku !== undefined) session.skus = remembered(session.skus, act.sku, late);
  if (act.category !== undefined) {
    session.categories = remembered(session.categories, act.category, late);
  }
  session.touchpoints = remembered(session.touchpoints, act.touchpoint, late);
}

function united(earlier: Session, later: Session): Session {
  const all = (a: readonly string[], b: readonly string[]) =>
    b.reduce((list, value) => remembered(list, value, false), a);
  return {
    id: earlier.id,
    started: earlier.started,
    last: later.last,
    steps: earlier.steps + later.steps,
    skus: all(earlier.skus, later.skus),
    categories: all(earlier.categories, later.categories),
    touchpoints: all(earlier.touchpoints, later.touchpoints),
    armed: earlier.armed,
  };
}

/** The most recent last; what comes late goes to the front, when there is room and it is new. */
function remembered(list: readonly string[], value: string, late: boolean): readonly string[] {
  if (list[list.length - 1] === value) return list;
  const known = list.includes(value);
  if (late) return known || list.length >= REMEMBERED ? list : [value, ...list];
  if (known) return [...list.filter((other) => other !== value), value];
  const kept = list.length >= REMEMBERED ? list.slice(list.length - REMEMBERED + 1) : list;
  return [...kept, value];
}
