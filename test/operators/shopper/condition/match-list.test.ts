import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Asked,
  insertMatch,
  type Match,
  metTimeline,
  thinMatches,
} from "../../../../operators/shopper/condition/match-list.ts";
import { truthAt } from "../../../../operators/shopper/condition/timeline.ts";
import { type EventTime, millis } from "../../../../src/time/event-time.ts";

const condition: fc.Arbitrary<Asked> = fc.record({
  within: fc.integer({ min: 0, max: 12 }).map(millis),
  atLeast: fc.integer({ min: 1, max: 3 }),
  distinct: fc.boolean(),
  grouped: fc.boolean(),
});
const match = fc
  .tuple(fc.nat({ max: 60 }), fc.constantFrom("s", "t"), fc.constantFrom("g", "h"))
  .map(([at, counted, group]): Match => [at as EventTime, "", 0, counted, group]);

const listOf = (matches: readonly Match[]): Match[] => {
  const list: Match[] = [];
  for (const one of matches) insertMatch(list, one);
  return list;
};
const truths = (list: readonly Match[], asked: Asked, from: number): boolean[] => {
  const timeline = metTimeline(list, asked, from as EventTime);
  return Array.from({ length: 100 - from }, (_, i) => truthAt(timeline, (from + i) as EventTime));
};

/** The condition word for word. */
function isMet(list: readonly Match[], asked: Asked, t: number): boolean {
  const inside = list.filter(([at]) => at <= t && at >= t - asked.within);
  const groups = asked.grouped ? new Set(inside.map((one) => one[4])) : new Set([""]);
  return [...groups].some((group) => {
    const mine = inside.filter((one) => !asked.grouped || one[4] === group);
    const size = asked.distinct ? new Set(mine.map((one) => one[3])).size : mine.length;
    return size >= asked.atLeast;
  });
}

test("law: the timeline of a condition is its truth at every millisecond", () => {
  fc.assert(
    fc.property(
      condition,
      fc.array(match, { maxLength: 20 }),
      fc.nat({ max: 60 }),
      (asked, matches, from) => {
        const list = listOf(matches);
        const slow = Array.from({ length: 100 - from }, (_, i) => isMet(list, asked, from + i));
        expect(truths(list, asked, from)).toEqual(slow);
        const { before } = metTimeline(list, asked, from as EventTime);
        expect(before).toBe(isMet(list, asked, from - 1));
      },
    ),
    { numRuns: 1000 },
  );
});

test("law: thinning changes nothing from the horizon on, whatever comes late afterwards", () => {
  fc.assert(
    fc.property(
      condition,
      fc.array(match, { minLength: 12, maxLength: 40 }),
      fc.array(match, { maxLength: 4 }),
      fc.nat({ max: 50 }),
      (asked, matches, late, horizon) => {
        const thinned = thinMatches(listOf(matches), asked, horizon);
        const all = listOf(matches);
        expect(truths(thinned, asked, horizon)).toEqual(truths(all, asked, horizon));
        for (const one of late) {
          insertMatch(thinned, one);
          insertMatch(all, one);
        }
        expect(truths(thinned, asked, horizon)).toEqual(truths(all, asked, horizon));
      },
    ),
    { numRuns: 1500 },
  );
});

test("law: matches that crowd leave no more than the definition can need", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 200, maxLength: 400 }),
      (atLeast, pauses) => {
        const asked = { within: millis(100), atLeast, distinct: false, grouped: false };
        let at = 0;
        let list: Match[] = [];
        for (const pause of pauses) {
          at += pause;
          insertMatch(list, [at as EventTime, "", 0, "", ""]);
          list = thinMatches(list, asked, at - 100);
          expect(list.length).toBeLessThanOrEqual(6 * atLeast + 6);
        }
      },
    ),
    { numRuns: 30 },
  );
});
