import type { Aggregate } from "./aggregate.ts";

/** One counted value. The true count lies in `[count - error, count]`. */
export interface Heavy {
  readonly value: string;
  readonly count: number;
  readonly error: number;
}

/** `[value, count, error]` each. */
type Counters = [value: string, count: number, error: number][];

/**
 * The `k` most frequent values, by Space-Saving (Metwally et al. 2005) with `capacity` counters:
 * whatever is more frequent than total / capacity is found; counts are exact while no more than
 * `capacity` values are seen. Merged as in Agarwal et al. 2012. Ties go to the smaller text, so the
 * result depends on nothing but the values.
 */
export function topK(k: number, capacity = k * 8): Aggregate<string, Counters, readonly Heavy[]> {
  return {
    init: () => [],
    add(acc, value) {
      const known = acc.find((counter) => counter[0] === value);
      if (known !== undefined) {
        known[1]++;
        return acc;
      }
      if (acc.length < capacity) {
        acc.push([value, 1, 0]);
        return acc;
      }
      const least = acc.reduce((a, b) => (comesBefore(a, b) ? b : a));
      const replaced = least[1];
      least[0] = value;
      least[1] = replaced + 1;
      least[2] = replaced;
      return acc;
    },
    merge: (into, from) => merged(into, from, capacity),
    result: (acc) =>
      ranked(acc)
        .slice(0, k)
        .map(([value, count, error]) => ({ value, count, error })),
  };
}

const comesBefore = (a: Counters[number], b: Counters[number]): boolean =>
  a[1] > b[1] || (a[1] === b[1] && a[0] < b[0]);

const ranked = (acc: Counters): Counters => acc.toSorted((a, b) => (comesBefore(a, b) ? -1 : 1));

/** What a value missing from a full set of counters may have counted at most. */
const unseen = (acc: Counters, capacity: number): number =>
  acc.length < capacity ? 0 : Math.min(...acc.map(([, n]) => n));

function merged(into: Counters, from: Counters, capacity: number): Counters {
  const missingHere = unseen(into, capacity);
  const missingThere = unseen(from, capacity);
  const there = new Map(from.map((counter) => [counter[0], counter]));
  const all: Counters = into.map(([value, count, error]) => {
    const other = there.get(value);
    there.delete(value);
    return other === undefined
      ? [value, count + missingThere, error + missingThere]
      : [value, count + other[1], error + other[2]];
  });
  for (const [value, count, error] of there.values()) {
    all.push([value, count + missingHere, error + missingHere]);
  }
  return all.length <= capacity ? all : ranked(all).slice(0, capacity);
}
