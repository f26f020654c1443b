import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Condition,
  insertMatch,
  isMet,
  type Match,
  thinMatches,
} from "../../../operators/shopper/match-list.ts";
import { type EventTime, millis } from "../../../src/time/event-time.ts";

const condition: fc.Arbitrary<Condition> = fc.record({
  within: fc.integer({ min: 0, max: 12 }).map(millis),
  atLeast: fc.integer({ min: 1, max: 3 }),
  distinct: fc.boolean(),
});
const match = fc
  .tuple(fc.nat({ max: 60 }), fc.constantFrom("s", "t"))
  .map(([at, counted]): Match => [at as EventTime, "", counted, "x"]);

const listOf = (matches: readonly Match[]): Match[] => {
  const list: Match[] = [];
  for (const one of matches) insertMatch(list, one);
  return list;
};
const truths = (list: readonly Match[], asked: Condition, from: number): boolean[] =>
  Array.from({ length: 100 - from }, (_, i) => isMet(list, asked, (from + i) as EventTime));

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
        const asked = { within: millis(100), atLeast, distinct: false };
        let at = 0;
        let list: Match[] = [];
        for (const pause of pauses) {
          at += pause;
          insertMatch(list, [at as EventTime, "", "", "x"]);
          list = thinMatches(list, asked, at - 100);
          expect(list.length).toBeLessThanOrEqual(6 * atLeast + 6);
        }
      },
    ),
    { numRuns: 30 },
  );
});
