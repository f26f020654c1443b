import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "../../../operators/simulated-shop/random.ts";

const draws = (random: Random, count: number): number[] =>
  Array.from({ length: count }, () => random.bits());

test("a fork depends on seed and names alone, never on what was drawn", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.string(),
      fc.nat(),
      fc.nat({ max: 9 }),
      (seed, name, n, before) => {
        const used = new Random(seed);
        draws(used, before);
        expect(draws(used.fork(name, n), 4)).toEqual(draws(new Random(seed).fork(name, n), 4));
      },
    ),
  );
});

test("ten thousand streams of one seed all begin differently", () => {
  const root = new Random(1);
  const first = new Set<string>();
  for (let n = 0; n < 5000; n += 1) {
    first.add(draws(root.fork("person", n), 2).join());
    first.add(draws(root.fork(`person${n}`), 2).join());
  }
  expect(first.size).toBe(10_000);
});

test("fractions fill [0, 1) evenly", () => {
  const random = new Random(42);
  const tenths = new Array<number>(10).fill(0);
  for (let n = 0; n < 100_000; n += 1) {
    const place = Math.floor(random.fraction() * 10);
    tenths[place] = (tenths[place] ?? 0) + 1;
  }
  for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});
