import { type EventTime, earliest, latest, type Millis, plus } from "./event-time.ts";
import type { Window } from "./window.ts";

export interface SessionJoin {
  /** True (the usual rule): windows that only touch are one session. False: they must overlap. */
  readonly touching: boolean;
}

/** The window of one event before it meets others; without a gap, a point that opens no session. */
export const sessionWindow = (at: EventTime, gap: Millis): Window => ({
  start: at,
  end: plus(at, gap),
});

function joins(a: Window, b: Window, { touching }: SessionJoin): boolean {
  if (a.start === b.start) return true;
  return touching ? a.start <= b.end && b.start <= a.end : a.start < b.end && b.start < a.end;
}

const cover = (a: Window, b: Window): Window => ({
  start: earliest(a.start, b.start),
  end: latest(a.end, b.end),
});

export interface SessionChange {
  /** The session the added window now belongs to. */
  readonly window: Window;
  /** Sessions that were open before and are now part of `window`, oldest first. */
  readonly absorbed: readonly Window[];
  /** True when a session that was open before has new bounds. */
  readonly merged: boolean;
}

/** Sessions `[first, last)` of a sorted list meet the added window; `window` covers them all. */
export interface Meeting {
  readonly first: number;
  readonly last: number;
  readonly window: Window;
}

/** Which of the open sessions (sorted by start, not meeting one another) the added window meets. */
export function meeting(open: readonly Window[], added: Window, join: SessionJoin): Meeting {
  let first = open.length;
  while (first > 0 && meetsOrFollows(open[first - 1], added, join)) first--;
  let window = added;
  let last = first;
  for (let next = open[last]; next !== undefined; next = open[last]) {
    if (!joins(next, window, join)) break;
    window = cover(window, next);
    last++;
  }
  return { first, last, window };
}

/** Adds a window to the open sessions of one key, in place, and joins what meets it. */
export function addSession(open: Window[], added: Window, join: SessionJoin): SessionChange {
  const { first, last, window } = meeting(open, added, join);
  const absorbed = open.splice(first, last - first, window);
  const [only] = absorbed;
  const grew = absorbed.length > 1 || only?.start !== window.start || only.end !== window.end;
  return { window, absorbed, merged: absorbed.length > 0 && grew };
}

const meetsOrFollows = (session: Window | undefined, added: Window, join: SessionJoin): boolean =>
  session !== undefined && (session.start > added.start || joins(session, added, join));

export interface Merge {
  readonly from: readonly Window[];
  readonly to: Window;
}

/** Which of the windows are one session; a window that meets no other is not listed. */
export function mergeWindows(windows: readonly Window[], join: SessionJoin): Merge[] {
  const sorted = [...windows].sort((a, b) => a.start - b.start || a.end - b.end);
  const groups: { from: Window[]; to: Window }[] = [];
  for (const window of sorted) {
    const group = groups.at(-1);
    if (group !== undefined && joins(group.to, window, join)) {
      group.from.push(window);
      group.to = cover(group.to, window);
    } else groups.push({ from: [window], to: window });
  }
  return groups.filter((group) => group.from.length > 1);
}
