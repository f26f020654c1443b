import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AnyAggregate,
  count,
  last,
  list,
  max,
  mean,
  min,
  sum,
} from "../../src/time/aggregate.ts";
import { distinct } from "../../src/time/distinct.ts";
import { eventTime } from "../../src/time/event-time.ts";
import { quantiles } from "../../src/time/quantiles.ts";
import { type Heavy, topK } from "../../src/time/top-k.ts";

const numbers: Readonly<Record<string, AnyAggregate>> = {
  count: count(),
  sum: sum(),
  mean: mean(),
  min: min(),
  max: max(),
  last: last(),
  list: list(),
  quantiles: quantiles([0, 0.25, 0.5, 0.99, 1]),
};
const texts: Readonly<Record<string, AnyAggregate>> = {
  distinct: distinct(5, 6),
  topK: topK(3, 1000),
};

/** Of values that came at times 0, 1, 2 …, with a trip through bytes between any two. */
function folded(aggregate: AnyAggregate, values: readonly unknown[], from = 0): unknown {
  let acc = aggregate.init();
  for (const [i, value] of values.entries()) {
    acc = decode(encode(aggregate.add(acc, value, eventTime(from + i))));
  }
  return acc;
}

function laws(aggregates: typeof numbers, value: fc.Arbitrary<unknown>): void {
  const values = fc.array(value, { maxLength: 40, size: "max" });
  for (const [name, aggregate] of Object.entries(aggregates)) {
    test(`${name}: the parts of a window merge into the whole`, () => {
      fc.assert(
        fc.property(values, fc.nat({ max: 40 }), fc.nat({ max: 40 }), (all, x, y) => {
          const [a, b] = [Math.min(x, y, all.length), Math.min(Math.max(x, y), all.length)];
          const parts = [all.slice(0, a), all.slice(a, b), all.slice(b)];
          const accs = [0, a, b].map((from, i) => folded(aggregate, parts[i] ?? [], from));
          const frozen = encode(accs[1]);
          let merged = aggregate.init();
          for (const acc of accs) merged = aggregate.merge(merged, acc);
          expect(aggregate.result(merged)).toEqual(aggregate.result(folded(aggregate, all)));
          expect(encode(accs[1])).toEqual(frozen);
        }),
      );
    });
  }
}

describe("aggregates", () => {
  laws(numbers, fc.nat({ max: 1000 }));
  laws(texts, fc.constantFrom(..."abcdefghijkl"));

  test("distinct is exact while few and within five standard errors when many", () => {
    const many = distinct(64, 12);
    for (const n of [0, 1, 64, 65, 1000, 20_000]) {
      let acc = many.init();
      for (let i = 0; i < n * 2; i++) acc = many.add(acc, `sku-${i % n}`, eventTime(0));
      const off = Math.abs(many.result(acc) - n);
      expect(off).toBeLessThanOrEqual(n <= 64 ? 0 : 5 * (1.04 / 64) * n);
    }
  });

  test("top-k: counts are bounds of the true counts, and nothing frequent is missed", () => {
    const skewed = fc.array(
      fc.nat({ max: 30 }).map((n) => `v${Math.floor(n ** 2 / 30)}`),
      { maxLength: 200, size: "max" },
    );
    fc.assert(
      fc.property(skewed, skewed, (here, there) => {
        const top = topK(5, 8);
        const whole = top.merge(
          folded(top, here) as ReturnType<typeof top.init>,
          folded(top, there) as ReturnType<typeof top.init>,
        );
        const all = [...here, ...there];
        const truth = (value: string): number => all.filter((v) => v === value).length;
        const seen: readonly Heavy[] = topK(8, 8).result(whole);
        for (const { value, count: n, error } of seen) {
          expect(truth(value)).toBeLessThanOrEqual(n);
          expect(truth(value)).toBeGreaterThanOrEqual(n - error);
        }
        for (const value of new Set(all)) {
          if (truth(value) > (2 * all.length) / 8) {
            expect(seen.map((heavy) => heavy.value)).toContain(value);
          }
        }
      }),
    );
  });

  test("quantiles are within the relative accuracy", () => {
    const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1 });
    const asked = [0, 0.1, 0.5, 0.9, 1];
    fc.assert(
      fc.property(values, (all) => {
        const sketch = quantiles(asked, 0.01);
        const said = sketch.result(folded(sketch, all) as ReturnType<typeof sketch.init>);
        const sorted = all.toSorted((a, b) => a - b);
        for (const [i, q] of asked.entries()) {
          const exact = sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
          const allowed = Math.max(exact * 0.0101, 1e-8);
          expect(Math.abs((said[i] ?? -1) - exact)).toBeLessThanOrEqual(allowed);
        }
      }),
    );
  });
});
