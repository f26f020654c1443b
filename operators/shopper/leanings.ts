import type { EventTime, Millis } from "../../src/time/event-time.ts";

/** Names with scores that fade: what a person leans towards. Parallel lists: state is copied often. */
export interface Leanings {
  /** Replaced when it changes. */
  names: readonly string[];
  scores: number[];
  /** When each score was as it stands. */
  ats: EventTime[];
}

export const noLeanings = (): Leanings => ({ names: [], scores: [], ats: [] });

export const copyLeanings = ({ names, scores, ats }: Leanings): Leanings => ({
  names,
  scores: scores.slice(),
  ats: ats.slice(),
});

const faded = (score: number, at: EventTime, now: EventTime, halfLife: Millis): number =>
  now <= at ? score : score * 0.5 ** ((now - at) / halfLife);

/**
 * Adds to a name's score; beyond `most` names the one that has faded most is forgotten. Names that
 * begin with `kind` are counted, and forgotten, apart from the others.
 */
export function lean(
  of: Leanings,
  name: string,
  by: number,
  at: EventTime,
  halfLife: Millis,
  most: number,
  kind = "",
): void {
  const place = of.names.indexOf(name);
  if (place < 0) {
    if (countOf(of, kind) >= most) forgetFaintest(of, at, halfLife, kind);
    of.names = [...of.names, name];
    of.scores.push(by);
    of.ats.push(at);
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

function countOf({ names }: Leanings, kind: string): number {
  let count = 0;
  for (const name of names) if (name.startsWith(kind)) count += 1;
  return count;
}

function forgetFaintest(of: Leanings, now: EventTime, halfLife: Millis, kind: string): void {
  let faintest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < of.names.length; i += 1) {
    const score = faded(of.scores[i] ?? 0, of.ats[i] ?? now, now, halfLife);
    if (score < least && of.names[i]?.startsWith(kind) === true) {
      least = score;
      faintest = i;
    }
  }
  of.names = of.names.toSpliced(faintest, 1);
  of.scores.splice(faintest, 1);
  of.ats.splice(faintest, 1);
}

/**
 * Names with their share of the whole as of `now`, the greatest first; ties by name. With `kind`,
 * those that begin with it, told without it.
 */
export function shares(
  of: Leanings,
  now: EventTime,
  halfLife: Millis,
  kind = "",
): readonly (readonly [string, number])[] {
  const all = scores(of, now, halfLife, kind);
  let sum = 0;
  for (const one of all) sum += one[1];
  if (sum <= 0) return [];
  for (const one of all) one[1] /= sum;
  return all.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** The first of `shares`, which is asked for at every act, without making the list. */
export function greatest(of: Leanings, now: EventTime, halfLife: Millis): string | undefined {
  const { names } = of;
  const scoreOf = (i: number) => faded(of.scores[i] ?? 0, of.ats[i] ?? now, now, halfLife);
  let sum = 0;
  for (let i = 0; i < names.length; i += 1) sum += scoreOf(i);
  if (sum <= 0) return undefined;
  let first: string | undefined;
  let most = 0;
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] ?? "";
    const share = scoreOf(i) / sum;
    if (first !== undefined && (share < most || (share === most && name > first))) continue;
    first = name;
    most = share;
  }
  return first;
}

/** Names of a kind, told without it, with their scores as of `now`, in no order. */
export function scores(
  of: Leanings,
  now: EventTime,
  halfLife: Millis,
  kind: string,
): [string, number][] {
  const found: [string, number][] = [];
  of.names.forEach((name, i) => {
    if (!name.startsWith(kind)) return;
    found.push([
      name.slice(kind.length),
      faded(of.scores[i] ?? 0, of.ats[i] ?? now, now, halfLife),
    ]);
  });
  return found;
}

/** Adds up two persons' leanings; `bound` says how many names of which kind are kept beside a name. */
export function joinLeanings(
  into: Leanings,
  from: Leanings,
  halfLife: Millis,
  bound: (name: string) => { readonly most: number; readonly kind: string },
): void {
  from.names.forEach((name, i) => {
    const { most, kind } = bound(name);
    lean(into, name, from.scores[i] ?? 0, from.ats[i] ?? (0 as EventTime), halfLife, most, kind);
  });
}
