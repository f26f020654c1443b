import type { EventTime, Millis } from "../../src/time/event-time.ts";

/** Names with scores that fade: what a person leans towards. Parallel lists: state is copied often. */
export interface Leanings {
  names: string[];
  scores: number[];
  /** When each score was as it stands. */
  ats: EventTime[];
}

export const noLeanings = (): Leanings => ({ names: [], scores: [], ats: [] });

const faded = (score: number, at: EventTime, now: EventTime, halfLife: Millis): number =>
  now <= at ? score : score * 0.5 ** ((now - at) / halfLife);

/** Adds to a name's score; beyond `most` names the one that has faded most is forgotten. */
export function lean(
  of: Leanings,
  name: string,
  by: number,
  at: EventTime,
  halfLife: Millis,
  most: number,
): void {
  let place = of.names.indexOf(name);
  if (place < 0) {
    if (of.names.length >= most) forgetFaintest(of, at, halfLife);
    place = of.names.push(name) - 1;
    of.scores[place] = by;
    of.ats[place] = at;
    return;
  }
  const known = of.ats[place] ?? at;
  const score = of.scores[place] ?? 0;
  if (at >= known) {
    of.scores[place] = faded(score, known, at, halfLife) + by;
    of.ats[place] = at;
  } else {
    of.scores[place] = score + faded(by, at, known, halfLife);
  }
}

/** Adds up two persons' leanings. */
export function joinLeanings(into: Leanings, from: Leanings, halfLife: Millis, most: number): void {
  from.names.forEach((name, i) => {
    lean(into, name, from.scores[i] ?? 0, from.ats[i] as EventTime, halfLife, most);
  });
}

function forgetFaintest(of: Leanings, now: EventTime, halfLife: Millis): void {
  let faintest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < of.names.length; i += 1) {
    const score = faded(of.scores[i] ?? 0, of.ats[i] ?? now, now, halfLife);
    if (score < least) {
      least = score;
      faintest = i;
    }
  }
  of.names.splice(faintest, 1);
  of.scores.splice(faintest, 1);
  of.ats.splice(faintest, 1);
}

/** Names with their share of the whole as of `now`, the greatest first; ties by name. */
export function shares(
  of: Leanings,
  now: EventTime,
  halfLife: Millis,
): readonly (readonly [string, number])[] {
  const scores = of.names.map((_, i) => faded(of.scores[i] ?? 0, of.ats[i] ?? now, now, halfLife));
  const sum = scores.reduce((a, b) => a + b, 0);
  if (sum <= 0) return [];
  return of.names
    .map((name, i) => [name, (scores[i] ?? 0) / sum] as const)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
