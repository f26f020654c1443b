/**
 * The heaviest keys of a stream, by a weight that decays with time. Weights are kept as of `ref`
 * (forward decay: Cormode et al., ICDE 2009), so two of them compare without their ages.
 */
export interface Ranking {
  ref: number;
  /** Key, weight as of `ref`, how often it was added since it is in the list. */
  entries: [key: string, weight: number, support: number][];
}

export const newRanking = (at: number): Ranking => ({ ref: at, entries: [] });

/** Weights are brought up to date before they outgrow 2^40. */
const MAX_SCALE = 2 ** 40;

/** What an addition at `at` weighs as of `ref`. */
export function scaleAt(ranking: Ranking, at: number, halfLife: number): number {
  const scale = 2 ** ((at - ranking.ref) / halfLife);
  if (scale <= MAX_SCALE) return scale;
  for (const entry of ranking.entries) entry[1] /= scale;
  ranking.ref = at;
  return 1;
}

/**
 * Adds to a key. In a full list a new key takes the place of the lightest and inherits its weight
 * (Space-Saving: Metwally et al., ICDT 2005), so that no heavy key is ever missed.
 */
export function addTo(ranking: Ranking, key: string, weight: number, bound: number): void {
  const { entries } = ranking;
  let least = 0;
  let lightest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < entries.length; i += 1) {
    const entry = entries[i] as Ranking["entries"][number];
    if (entry[0] === key) {
      entry[1] += weight;
      entry[2] += 1;
      return;
    }
    if (entry[1] < lightest) {
      lightest = entry[1];
      least = i;
    }
  }
  if (entries.length < bound) entries.push([key, weight, 1]);
  else entries[least] = [key, weight + lightest, 1];
}

/** Takes a key out of the list. */
export function removeFrom({ entries }: Ranking, key: string): void {
  const place = entries.findIndex(([known]) => known === key);
  if (place >= 0) entries.splice(place, 1);
}

/** The best `n` with at least `support` additions: heaviest first, then by key. Weights as of `at`. */
export function top(
  ranking: Ranking,
  of: {
    readonly n: number;
    readonly support: number;
    readonly at: number;
    readonly halfLife: number;
  },
): [key: string, weight: number][] {
  const factor = 2 ** ((ranking.ref - of.at) / of.halfLife);
  const fit = ranking.entries.filter((entry) => entry[2] >= of.support);
  fit.sort((a, b) => (a[1] === b[1] ? (a[0] < b[0] ? -1 : 1) : b[1] - a[1]));
  return fit.slice(0, of.n).map(([key, weight]) => [key, weight * factor]);
}

/** When a weight will have decayed to `least`; at least a millisecond from `now`. */
export const fadesAt = (weight: number, least: number, now: number, halfLife: number): number =>
  now + Math.max(1, Math.ceil(halfLife * Math.log2(Math.max(1, weight / least))));

/** The sum of all weights in the list, as of `at`. */
export function sumOf(ranking: Ranking, at: number, halfLife: number): number {
  let sum = 0;
  for (const [, weight] of ranking.entries) sum += weight;
  return sum * 2 ** ((ranking.ref - at) / halfLife);
}
