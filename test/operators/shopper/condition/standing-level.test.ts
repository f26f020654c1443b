import fc from "fast-check";
import { expect, test } from "vitest";
import type { StandingChange } from "../../../../operators/shopper/condition/leaf.ts";
import { standingLevel } from "../../../../operators/shopper/condition/machine-leaf.ts";
import type { EventTime } from "../../../../src/time/event-time.ts";

const BEGINNING = 0 as EventTime;

/** Few times, values and skus, so that the same is said again and again, and corrected. */
const changes = fc.array(
  fc.record({
    value: fc.constantFrom("here", "here", "there"),
    on: fc.constantFrom(true, true, false),
    at: fc.integer({ min: 1, max: 12 }),
    insteadOf: fc.option(fc.integer({ min: 1, max: 12 })),
    sku: fc.option(fc.constantFrom("s1", "s2"), { freq: 2 }),
  }),
  { maxLength: 30 },
);

test("law: what is said again changes nothing of when it stands, nor of what is said of it", () => {
  fc.assert(
    fc.property(changes, fc.integer({ min: 0, max: 13 }), (said, asked) => {
      const level = standingLevel({ topic: "intent", value: "here" });
      let history: Parameters<typeof level.timeline>[0];
      // The plain way: all that was said stays, but for what a later word takes back.
      let all: { readonly at: number; readonly on: boolean; readonly sku: string | null }[] = [];
      for (const { value, on, at, insteadOf, sku } of said) {
        const bound = sku === null ? {} : { sku };
        const change = { topic: "intent", value, on, at, insteadOf, bound } as StandingChange;
        history = level.stand?.(history, change);
        const since = Math.min(at, insteadOf ?? at);
        all = [...all.filter((one) => one.at < since), { at, on: on && value === "here", sku }];
      }
      const turns = all.filter(({ on }, i) => on !== (all[i - 1]?.on ?? false));
      expect(level.timeline(history, BEGINNING)).toEqual({
        before: false,
        turns: turns.map(({ at }) => at),
      });
      const last = all.findLast(({ at }) => at <= asked);
      const bound = last?.on === true && last.sku !== null ? { sku: last.sku } : null;
      expect(level.bound?.(history, asked as EventTime)).toEqual(bound);
    }),
    { numRuns: 500 },
  );
});

test("what says nothing new leaves the very history", () => {
  const level = standingLevel({ topic: "affinity", value: "video" });
  const says = (value: string, at: number) =>
    ({ topic: "affinity", value, on: true, at, insteadOf: null, bound: {} }) as StandingChange;
  expect(level.stand?.(undefined, says("article", 1))).toBeUndefined();
  const on = level.stand?.(undefined, says("video", 2));
  expect(level.stand?.(on, says("video", 3))).toBe(on);
  const off = level.stand?.(on, says("article", 4));
  expect(off).not.toBe(on);
  expect(level.stand?.(off, says("mp", 5))).toBe(off);
});
