import type { EventTime } from "./event-time.ts";

/**
 * How the values of a window become one result. Accumulators are plain data. `add` and `merge` may
 * change and return their first argument, never the other one.
 */
export interface Aggregate<Value, Acc, Result> {
  init(): Acc;
  add(acc: Acc, value: Value, at: EventTime): Acc;
  /** `from` holds what came later in the order of windows. */
  merge(into: Acc, from: Acc): Acc;
  result(acc: Acc): Result;
  /** Present when a window is the sum of its parts, so that parts can be taken away again. */
  readonly additive?: Additive<Value, Result> | undefined;
}

/** An aggregate made of sums: exact for whole numbers, as money in minor units is. */
export interface Additive<Value, Result> {
  /** Numbers summed side by side, besides the count of values that is always kept. */
  readonly measures: number;
  amount(value: Value, measure: number): number;
  result(count: number, sums: readonly number[]): Result;
}

const COUNT: Aggregate<unknown, number, number> = {
  init: () => 0,
  add: (acc) => acc + 1,
  merge: (into, from) => into + from,
  result: (acc) => acc,
  additive: { measures: 0, amount: () => 0, result: (n) => n },
};
export const count = (): Aggregate<unknown, number, number> => COUNT;

const SUM: Aggregate<number, number, number> = {
  init: () => 0,
  add: (acc, value) => acc + value,
  merge: (into, from) => into + from,
  result: (acc) => acc,
  additive: { measures: 1, amount: (value) => value, result: (_n, sums) => sums[0] ?? 0 },
};
export const sum = (): Aggregate<number, number, number> => SUM;

/** Sum and count. */
type MeanAcc = [sum: number, count: number];

/** 0 for a window without values. */
export const mean = (): Aggregate<number, MeanAcc, number> => ({
  init: () => [0, 0],
  add(acc, value) {
    acc[0] += value;
    acc[1] += 1;
    return acc;
  },
  merge(into, from) {
    into[0] += from[0];
    into[1] += from[1];
    return into;
  },
  result: ([total, n]) => (n === 0 ? 0 : total / n),
  additive: {
    measures: 1,
    amount: (value) => value,
    result: (n, sums) => (n === 0 ? 0 : (sums[0] ?? 0) / n),
  },
});

function extreme(better: (a: number, b: number) => boolean) {
  const pick = (a: number | null, b: number | null): number | null =>
    a === null || (b !== null && better(b, a)) ? b : a;
  return (): Aggregate<number, number | null, number | null> => ({
    init: () => null,
    add: pick,
    merge: pick,
    result: (acc) => acc,
  });
}

/** The smallest value; null for a window without values. */
export const min = extreme((a, b) => a < b);
/** The largest value; null for a window without values. */
export const max = extreme((a, b) => a > b);

type LastAcc<V> = [at: EventTime, value: V] | null;

/** The value with the latest time; of several, the one that came last. */
export const last = <V>(): Aggregate<V, LastAcc<V>, V | null> => ({
  init: () => null,
  add: (acc, value, at) => (acc !== null && acc[0] > at ? acc : [at, value]),
  merge: (into, from) => (into !== null && (from === null || into[0] > from[0]) ? into : from),
  result: (acc) => (acc === null ? null : acc[1]),
});

/** The first `limit` values in order of arrival. */
export const list = <V>(limit = 10_000): Aggregate<V, V[], readonly V[]> => ({
  init: () => [],
  add(acc, value) {
    if (acc.length < limit) acc.push(value);
    return acc;
  },
  merge(into, from) {
    for (const value of from) if (into.length < limit) into.push(value);
    return into;
  },
  result: (acc) => [...acc],
});

/** An aggregate whose types nobody cares about. */
// biome-ignore lint/suspicious/noExplicitAny: existential types are spelled `any` in TypeScript.
export type AnyAggregate = Aggregate<any, any, any>;
