import fc from "fast-check";
import { expect, test } from "vitest";
import { dealtOut, wholeJob } from "../../src/flow/job-part.ts";
import { threadsFor } from "../../src/threads/thread-count.ts";

test("every group runs on one thread, no thread is idle, and none has two groups more than another", () => {
  const sizes = fc.record({
    groups: fc.integer({ min: 1, max: 64 }),
    demandGroups: fc.integer({ min: 1, max: 16 }),
  });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 32 }), (job, threads) => {
      const parts = dealtOut(job, threads);
      const { shoppers, demands } = wholeJob(job);
      const sorted = (all: readonly number[]) => [...all].sort((a, b) => a - b);
      expect(sorted(parts.flatMap((part) => part.shoppers))).toEqual(shoppers);
      expect(sorted(parts.flatMap((part) => part.demands))).toEqual(demands);
      expect(parts.map(({ intake }) => intake)).toEqual(parts.map((_, p) => p === 0));
      expect(parts[0]?.shoppers[0]).toBe(0);
      const sizesOf = parts.map((part) => part.shoppers.length + part.demands.length);
      expect(Math.min(...sizesOf)).toBeGreaterThan(0);
      // Collect counts for two: the first may have fewer, and one that it has to have.
      const [first = 0, ...others] = sizesOf;
      if (others.length === 0) return;
      expect(first).toBeLessThanOrEqual(Math.max(...others));
      expect(Math.max(...others) - Math.min(...others)).toBeLessThan(2);
    }),
    { seed: 1126 },
  );
});

test("one thread has the whole job", () => {
  expect(dealtOut({ groups: 16, demandGroups: 4 }, 1)).toEqual([
    wholeJob({ groups: 16, demandGroups: 4 }),
  ]);
});

test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 3],
  [64, 8],
])("auto on %i processors is %i threads", (processors, threads) => {
  expect(threadsFor("auto", processors)).toBe(threads);
  expect(threadsFor(5, processors)).toBe(5);
});
