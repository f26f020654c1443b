import fc from "fast-check";
import { expect, test } from "vitest";
import { Matcher } from "../../src/pattern/matcher.ts";
import { OrderedMatcher } from "../../src/pattern/ordered-matcher.ts";
import type { Outcome } from "../../src/pattern/outcome.ts";
import type { Stages } from "../../src/pattern/spec.ts";
import { type EventTime, MAX_TIME } from "../../src/time/event-time.ts";
import { build, type Letter, letterPattern, letters, PLAIN } from "./letters.ts";

const DISORDER = 6;

/** Events as they arrive: each up to DISORDER behind its time. */
const shuffled = fc
  .tuple(letters(12), fc.array(fc.nat(DISORDER), { minLength: 12, maxLength: 12 }))
  .map(([stream, delays]) =>
    stream
      .map((event, i) => ({ event, arrives: event.at + (delays[i] ?? 0) }))
      .toSorted((a, b) => a.arrives - b.arrives)
      .map(({ event }) => event),
  );

/** Matches in order, then timeouts in order: how the two interleave depends on who asked when. */
const textOf = (outcomes: readonly Outcome<Stages>[]): string[] => [
  ...outcomes.flatMap(({ matches }) => matches.map((match) => JSON.stringify(match))),
  ...outcomes.flatMap(({ timeouts }) => timeouts.map((timeout) => JSON.stringify(timeout))),
];

test("any order within the allowed disorder gives what the sorted order gives", () => {
  fc.assert(
    fc.property(letterPattern, shuffled, (of, arrivals) => {
      const pattern = build(of);
      const ordered = new OrderedMatcher(pattern);
      const state = ordered.init();
      const outcomes: Outcome<Stages>[] = [];
      let highest = 0;
      for (const event of arrivals) {
        highest = Math.max(highest, event.at);
        expect(ordered.offer(state, event, event.at as EventTime)).toBe("waiting");
        outcomes.push(ordered.advance(state, (highest - DISORDER - 1) as EventTime));
      }
      outcomes.push(ordered.advance(state, MAX_TIME));

      const matcher = new Matcher(pattern);
      const direct = matcher.init();
      const sorted = arrivals.toSorted((a, b) => a.at - b.at);
      const expected = sorted.map((event) => matcher.match(direct, event, event.at as EventTime));
      expected.push(matcher.advance(direct, MAX_TIME));
      expect(textOf(outcomes)).toEqual(textOf(expected));
    }),
    { numRuns: 400 },
  );
});

const ANY = build({
  stages: [{ ...PLAIN, name: "s0", contiguity: "begin", fits: "abxy" }],
  within: null,
});

test("every event is matched, late or refused, and the state is plain data", () => {
  const kinds = { waiting: 0, late: 0, full: 0 };
  fc.assert(
    fc.property(shuffled, fc.integer({ min: 1, max: 6 }), (arrivals, waiting) => {
      const ordered = new OrderedMatcher(ANY, { waiting });
      let state = ordered.init();
      let highest = 0;
      let matched = 0;
      let turnedAway = 0;
      for (const event of arrivals) {
        highest = Math.max(highest, event.at);
        const watermark = state.watermark ?? Number.NEGATIVE_INFINITY;
        const offered = ordered.offer(state, event, event.at as EventTime);
        kinds[offered] += 1;
        expect(offered === "late").toBe(event.at <= watermark);
        if (offered !== "waiting") turnedAway += 1;
        expect(state.waiting.length).toBeLessThanOrEqual(waiting);
        matched += ordered.advance(state, (highest - 3) as EventTime).matches.length;
        state = JSON.parse(JSON.stringify(state)) as typeof state;
      }
      matched += ordered.advance(state, MAX_TIME).matches.length;
      expect(matched + turnedAway).toBe(arrivals.length);
      expect(ordered.isIdle(state)).toBe(true);
    }),
    { numRuns: 300 },
  );
  expect(Math.min(...Object.values(kinds))).toBeGreaterThan(20);
});

test("an event at the watermark is late, and a watermark never moves back", () => {
  const ordered = new OrderedMatcher(ANY);
  const state = ordered.init();
  const event = (at: number): Letter => ({ id: at, letter: "a", at });
  ordered.advance(state, 6 as EventTime);
  expect(ordered.offer(state, event(6), 6 as EventTime)).toBe("late");
  ordered.advance(state, 3 as EventTime);
  expect(ordered.offer(state, event(5), 5 as EventTime)).toBe("late");
  expect(ordered.offer(state, event(7), 7 as EventTime)).toBe("waiting");
  expect(ordered.advance(state, 7 as EventTime).matches.length).toBe(1);
});
