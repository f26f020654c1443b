import { type EventTime, earliest, latest, type Millis } from "../../src/time/event-time.ts";

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
  /** What brought the person, as the first act that names a campaign says. */
  campaign: string | null;
  /** Due time of its end timer; 0 once its end was told. */
  armed: EventTime;
}

/** What one act adds to its session. */
export interface Act {
  readonly at: EventTime;
  readonly sku: string | undefined;
  readonly category: string | undefined;
  readonly touchpoint: string;
  readonly campaign: string | null;
}

export interface Joined {
  readonly session: Session;
  /** The session had not met the act's sku among those it remembers. */
  readonly isNewSku: boolean;
  /** Ids of the sessions that the act has made one with it. */
  readonly absorbed: readonly string[];
}

/**
 * Puts an act where it belongs in `sessions` (by start; disjoint, by more than `gap` unless of
 * different campaigns), joining those that it brings within `gap` of each other (a pause of exactly
 * `gap` does not part them). An act of another campaign than the session before it begins a new one;
 * one that comes late into the midst of a session joins it, whatever its campaign. At most `limit`
 * sessions are kept: an act before all of them, when they are full, is a session of its own that
 * nobody remembers.
 */
export function joinAct(
  sessions: Session[],
  act: Act,
  gap: Millis,
  limit: number,
  newId: () => string,
): Joined {
  let from = firstReached(sessions, act, gap);
  let to = from;
  let { campaign } = act;
  for (; reaches(sessions[to], act, gap) === 0; to += 1) {
    const next = sessions[to]?.campaign ?? null;
    if (to > from && differ(campaign, next)) break;
    campaign ??= next;
  }

  const only = sessions[from];
  if (only !== undefined && to === from + 1) return within(only, act);
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

/** Most acts are of a session that there is, and make no two one. */
function within(session: Session, act: Act): Joined {
  const isNewSku = act.sku !== undefined && !session.skus.includes(act.sku);
  include(session, act);
  return { session, isNewSku, absorbed: NONE };
}

const NONE: readonly string[] = [];

/** Index of the first session that the act joins, or at which it opens one. */
function firstReached(sessions: readonly Session[], act: Act, gap: Millis): number {
  let index = sessions.length;
  while (index > 0) {
    const session = sessions[index - 1];
    const side = reaches(session, act, gap);
    if (session === undefined || side < 0) break;
    index -= 1;
    if (side === 0 && session.started <= act.at) break;
  }
  return index;
}

/** 0 when the act may be of the session, 1 when the session lies after it, −1 when before. */
function reaches(session: Session | undefined, act: Act, gap: Millis): -1 | 0 | 1 {
  if (session === undefined) return -1;
  const apart = differ(session.campaign, act.campaign) ? (0 as Millis) : gap;
  if (act.at < session.started - apart) return 1;
  if (apart === 0 && act.at >= session.last) return -1;
  return act.at > session.last + apart ? -1 : 0;
}

const differ = (a: string | null, b: string | null): boolean => a !== null && b !== null && a !== b;

/**
 * The sessions of two lists as those of one person: by start, united where no more than `gap` and
 * no campaign parts them; the last `limit`.
 */
export function joinSessions(
  a: readonly Session[],
  b: readonly Session[],
  gap: Millis,
  limit: number,
): Session[] {
  const all = [...a, ...b].sort(
    (x, y) => x.started - y.started || (x.id < y.id ? -1 : Number(x.id > y.id)),
  );
  const joined: Session[] = [];
  for (const session of all) {
    const before = joined.at(-1);
    const apart = before === undefined || session.started > before.last + gap;
    if (apart || differ(before.campaign, session.campaign)) joined.push(session);
    else joined[joined.length - 1] = united(before, session);
  }
  return joined.slice(-limit);
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
    campaign: act.campaign,
    armed: 0 as EventTime,
  };
}

function include(session: Session, act: Act): void {
  const late = act.at < session.last;
  session.steps += 1;
  session.campaign ??= act.campaign;
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
    last: latest(earlier.last, later.last),
    steps: earlier.steps + later.steps,
    skus: all(earlier.skus, later.skus),
    categories: all(earlier.categories, later.categories),
    touchpoints: all(earlier.touchpoints, later.touchpoints),
    campaign: earlier.campaign ?? later.campaign,
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
