import type { Aggregate } from "./aggregate.ts";
import { estimate, hash64, newRegisters, offer, type Registers, union } from "./hyper-log-log.ts";

/** The values themselves, sorted, while they are few; then a sketch of them. */
type DistinctAcc = string[] | Registers;

/**
 * How many different values: exact up to `exact` of them, above that by HyperLogLog with
 * 2^precision bytes (1.6 % standard error at 12).
 */
export function distinct(exact = 64, precision = 12): Aggregate<string, DistinctAcc, number> {
  const sketch = (values: readonly string[]): Registers => {
    const registers = newRegisters(precision);
    for (const value of values) offer(registers, hash64(value));
    return registers;
  };
  const addTo = (acc: DistinctAcc, value: string): DistinctAcc => {
    if (acc instanceof Uint8Array) {
      offer(acc, hash64(value));
      return acc;
    }
    const place = lowerBound(acc, value);
    if (acc[place] === value) return acc;
    if (acc.length < exact) {
      acc.splice(place, 0, value);
      return acc;
    }
    const registers = sketch(acc);
    offer(registers, hash64(value));
    return registers;
  };
  return {
    init: () => [],
    add: addTo,
    merge(into, from) {
      if (!(from instanceof Uint8Array)) return from.reduce(addTo, into);
      const registers = into instanceof Uint8Array ? into : sketch(into);
      union(registers, from);
      return registers;
    },
    result: (acc) => (acc instanceof Uint8Array ? estimate(acc) : acc.length),
  };
}

/** Where `value` stands or belongs in a sorted list. */
function lowerBound(sorted: readonly string[], value: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
