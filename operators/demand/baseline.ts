import { decay, decayedTime, surprise } from "./surprise.ts";

/** A key's recent counts by pane and what was usual before them. Times in milliseconds. */
export interface Baseline {
  /** Pane number and count in turn, by pane; only the long window's. */
  recent: number[];
  /** Decayed count of the panes that left the long window. */
  events: number;
  /** Decayed time that `events` were collected in. */
  exposure: number;
  /** First pane that is not in `events` and `exposure` yet. */
  next: number;
}

export interface BaselineOptions {
  readonly pane: number;
  /** In panes. */
  readonly shortWindow: number;
  readonly longWindow: number;
  readonly halfLife: number;
  /** What a key is expected to do before it did anything: so many events in so much time. */
  readonly priorEvents: number;
  readonly priorTime: number;
  /** Upper bound of the shape: behaviour comes in bursts, however long a key is known. */
  readonly shape: number;
}

export interface Judgement {
  readonly z: number;
  readonly count: number;
  readonly expected: number;
  readonly start: number;
}

/** A key first met now was quiet since `since`. */
export function newBaseline(since: number, now: number, options: BaselineOptions): Baseline {
  const { pane, longWindow } = options;
  // Not before the shop itself, or time without a shop would pass for quiet time.
  const next = Math.max(Math.floor(now / pane) - longWindow + 1, Math.floor(since / pane));
  const quiet = Math.max(0, next * pane - since);
  return { recent: [], events: 0, exposure: decayedTime(quiet, options.halfLife), next };
}

/**
 * Moves the long window to end with the pane of `now`. What leaves it becomes part of what is
 * usual, except while `surging`: a surge must not become its own excuse.
 */
export function advance(
  base: Baseline,
  now: number,
  surging: boolean,
  options: BaselineOptions,
): void {
  const { pane, longWindow, halfLife } = options;
  const first = Math.floor(now / pane) - longWindow + 1;
  if (first <= base.next) return;
  const { recent } = base;
  let gone = 0;
  let left = 0;
  for (; gone < recent.length && (recent[gone] as number) < first; gone += 2) {
    left +=
      (recent[gone + 1] as number) * decay((first - (recent[gone] as number)) * pane, halfLife);
  }
  if (gone > 0) recent.splice(0, gone);
  if (!surging) {
    const elapsed = (first - base.next) * pane;
    const kept = decay(elapsed, halfLife);
    base.events = base.events * kept + left;
    base.exposure = base.exposure * kept + decayedTime(elapsed, halfLife);
  }
  base.next = first;
}

/** Adds a count; false when its pane has left the window already. */
export function count(base: Baseline, at: number, events: number, pane: number): boolean {
  const number = Math.floor(at / pane);
  if (number < base.next) return false;
  const { recent } = base;
  let i = recent.length;
  while (i > 0 && (recent[i - 2] as number) > number) i -= 2;
  if (i > 0 && recent[i - 2] === number) recent[i - 1] = (recent[i - 1] as number) + events;
  else recent.splice(i, 0, number, events);
  return true;
}

/** Expected events per millisecond. */
export const rateOf = (base: Baseline, options: BaselineOptions): number =>
  (options.priorEvents + base.events) / (options.priorTime + base.exposure);

/**
 * The more surprising of the two windows that end at `now` (which is counted in). `busier`: how much
 * more the whole shop does than before; `burst`: variance over mean of what one visit counts.
 */
export function judge(
  base: Baseline,
  now: number,
  of: { readonly minCount: number; readonly busier: number; readonly burst: number },
  options: BaselineOptions,
): Judgement {
  const { pane, shortWindow, longWindow } = options;
  const current = Math.floor(now / pane);
  const rate = rateOf(base, options) * Math.max(1, of.busier);
  const deviation = Math.sqrt(Math.max(1, of.burst));
  const shape = Math.min(options.shape, options.priorEvents + base.events);
  const { recent } = base;
  let best: Judgement = { z: 0, count: 0, expected: 0, start: now };
  let sum = 0;
  let i = recent.length - 2;
  // One pane more than the short window's length: the current pane has only begun.
  for (const first of [current - shortWindow, current - longWindow + 1]) {
    for (; i >= 0 && (recent[i] as number) >= first; i -= 2) sum += recent[i + 1] as number;
    const expected = rate * (now + 1 - first * pane);
    const z = sum < of.minCount ? 0 : surprise(sum, expected, shape) / deviation;
    if (z > best.z || best.count === 0) {
      best = { z, count: sum, expected, start: ((recent[i + 2] ?? current) as number) * pane };
    }
  }
  return best;
}

/** Takes the long window's rate for the usual one from now on. */
export function settle(base: Baseline, options: BaselineOptions): void {
  let sum = 0;
  for (let i = 1; i < base.recent.length; i += 2) sum += base.recent[i] as number;
  base.events = (sum / (options.longWindow * options.pane)) * base.exposure;
}
