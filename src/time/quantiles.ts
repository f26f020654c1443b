import type { Aggregate } from "./aggregate.ts";

/** Counts of the buckets `[index, count]` sorted by index, and of values too small for one. */
export interface Sketch {
  buckets: [index: number, count: number][];
  zeros: number;
}

interface Quantiles extends Aggregate<number, Sketch, readonly (number | null)[]> {
  /** Takes back a value that was added, exactly as long as no buckets were joined. */
  remove(acc: Sketch, value: number): Sketch;
}

/** Buckets kept; the lowest are joined beyond it, so that high quantiles stay exact. */
const MOST_BUCKETS = 2048;
/** Values up to this count as zero. */
const SMALLEST = 1e-9;

/**
 * Quantiles of values >= 0 with a relative error of at most `accuracy`: DDSketch (Masson et al.
 * 2019), whose merge is exact. Answers in the order asked; null for a window without values.
 */
export function quantiles(asked: readonly number[], accuracy = 0.01): Quantiles {
  const gamma = (1 + accuracy) / (1 - accuracy);
  const perLog = 1 / Math.log(gamma);
  const middleOf = (index: number): number => (2 * gamma ** index) / (gamma + 1);
  return {
    init: () => ({ buckets: [], zeros: 0 }),
    add(acc, value) {
      if (!(value >= 0)) throw new RangeError(`quantiles are for values from 0 on, not ${value}`);
      if (value <= SMALLEST) acc.zeros++;
      else increase(acc, Math.ceil(Math.log(value) * perLog), 1);
      return acc;
    },
    remove(acc, value) {
      if (value <= SMALLEST) acc.zeros--;
      else increase(acc, Math.ceil(Math.log(value) * perLog), -1);
      return acc;
    },
    merge(into, from) {
      into.zeros += from.zeros;
      for (const [index, n] of from.buckets) increase(into, index, n);
      return into;
    },
    result: (acc) => asked.map((q) => quantile(acc, q, middleOf)),
  };
}

function increase(acc: Sketch, index: number, by: number): void {
  const { buckets } = acc;
  let low = 0;
  let high = buckets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((buckets[middle] as [number, number])[0] < index) low = middle + 1;
    else high = middle;
  }
  const bucket = buckets[low];
  if (bucket !== undefined && bucket[0] === index) {
    bucket[1] += by;
    if (bucket[1] === 0) buckets.splice(low, 1);
  } else buckets.splice(low, 0, [index, by]);
  if (buckets.length <= MOST_BUCKETS) return;
  const lowest = buckets.shift();
  const next = buckets[0];
  if (lowest !== undefined && next !== undefined) next[1] += lowest[1];
}

function quantile(acc: Sketch, q: number, middleOf: (index: number) => number): number | null {
  const total = acc.buckets.reduce((n, bucket) => n + bucket[1], acc.zeros);
  if (total === 0) return null;
  const rank = q * (total - 1);
  let seen = acc.zeros;
  if (seen > rank) return 0;
  for (const [index, n] of acc.buckets) {
    seen += n;
    if (seen > rank) return middleOf(index);
  }
  return null;
}
