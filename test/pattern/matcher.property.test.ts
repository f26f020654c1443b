import fc from "fast-check";
import { expect, test } from "vitest";
import { Matcher, type Outcome } from "../../src/pattern/matcher.ts";
import type { Stages } from "../../src/pattern/spec.ts";
import { type EventTime, MAX_TIME } from "../../src/time/event-time.ts";
import { build, type Letter, letterPattern, letters } from "./letters.ts";
import { allMatches } from "./oracle.ts";

const RUNS = { numRuns: 400 };

const keyOf = (events: Readonly<Record<string, readonly unknown[]>>): string =>
  Object.entries(events)
    .filter(([, taken]) => taken.length > 0)
    .map(([name, taken]) => `${name}:${taken.map((event) => (event as Letter).id).join(",")}`)
    .join(" ");

function matchAll(matcher: Matcher<Letter, Stages>, stream: readonly Letter[]): string[] {
  const state = matcher.init();
  const outcomes: Outcome<Stages>[] = stream.map((event) =>
    matcher.match(state, event, event.at as EventTime),
  );
  outcomes.push(matcher.advance(state, MAX_TIME));
  return outcomes.flatMap(({ matches }) => matches.map((match) => keyOf(match.events)));
}

test("finds exactly the matches that trying every assignment finds", () => {
  fc.assert(
    fc.property(letterPattern, letters(9), (of, stream) => {
      const matcher = new Matcher(build(of), { partialMatches: 1e6, events: 1e6 });
      const expected = allMatches(of, stream).map(({ key }) => key);
      expect(matchAll(matcher, stream).sort()).toEqual(expected.sort());
    }),
    RUNS,
  );
});
