import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Matcher, type MatcherState } from "../../src/pattern/matcher.ts";
import type { Outcome } from "../../src/pattern/outcome.ts";
import { NODE, RUN } from "../../src/pattern/runs.ts";
import type { Skip, Stages } from "../../src/pattern/spec.ts";
import { type EventTime, MAX_TIME } from "../../src/time/event-time.ts";
import { build, type Letter, type LetterPattern, letterPattern, letters } from "./letters.ts";
import { allMatches, allTimeouts, type Expected } from "./oracle.ts";

type LetterState = MatcherState<Letter>;
const UNBOUNDED = { partialMatches: 1e6, events: 1e6 };

const anySkip: fc.Arbitrary<Skip> = fc.constantFrom<Skip>(
  { strategy: "noSkip" },
  { strategy: "skipToNext" },
  { strategy: "skipPastLastEvent" },
  { strategy: "skipToFirst", stage: "s0", throwOnMissing: false },
  { strategy: "skipToLast", stage: "s0", throwOnMissing: false },
);

const keyOf = (events: Readonly<Record<string, readonly unknown[]>>): string =>
  Object.entries(events)
    .filter(([, taken]) => taken.length > 0)
    .map(([name, taken]) => `${name}:${taken.map((event) => (event as Letter).id).join(",")}`)
    .join(" ");

/** What every event, and then the end of time, brings forth. */
function play(
  matcher: Matcher<Letter, Stages>,
  stream: readonly Letter[],
  between: (state: LetterState, step: number) => LetterState = (state) => state,
): Outcome<Stages>[] {
  let state = matcher.init();
  const outcomes = stream.map((event, step) => {
    state = between(state, step);
    return matcher.match(state, event, event.at as EventTime);
  });
  outcomes.push(matcher.advance(between(state, stream.length), MAX_TIME));
  return outcomes;
}

const matchKeys = (outcomes: readonly Outcome<Stages>[]): string[] =>
  outcomes.flatMap(({ matches }) => matches.map((match) => keyOf(match.events)));
const timeoutKeys = (outcomes: readonly Outcome<Stages>[]): string[] =>
  outcomes.flatMap(({ timeouts }) => timeouts.map(({ at, events }) => `${at} ${keyOf(events)}`));

test("finds exactly the matches that trying every assignment finds", () => {
  fc.assert(
    fc.property(letterPattern, letters(9), (of, stream) => {
      const found = matchKeys(play(new Matcher(build(of), UNBOUNDED), stream));
      const expected = allMatches(of, stream).map(({ key }) => key);
      expect(found.sort()).toEqual(expected.sort());
    }),
    { numRuns: 4000 },
  );
});

/** Told oldest start first, each told match taking with it those that `falls` names. */
function skipping(all: readonly Expected[], falls: (told: Expected, other: Expected) => boolean) {
  let left = [...all].sort((a, b) => a.start - b.start || a.end - b.end);
  const told: Expected[] = [];
  for (let match = left.shift(); match !== undefined; match = left.shift()) {
    const now = match;
    told.push(now);
    left = left.filter((other) => !falls(now, other));
  }
  return told.map(({ start, end }) => `${start} ${end}`).sort();
}

const lastOf = (key: string): number => Math.max(...(key.match(/\b\d+/g) ?? []).map(Number));

/** Without a limit in time, an old partial match could hold younger matches back for ever. */
const limited = (of: LetterPattern): LetterPattern => ({ ...of, within: of.within ?? 1000 });

/** Only the whole is limited, and what ends it is an event. */
const untrailed = ({ within, stages }: LetterPattern): LetterPattern => ({
  within,
  stages: stages.filter(({ name }) => name !== "end").map((stage) => ({ ...stage, gap: null })),
});

test("a skip strategy leaves of overlapping matches those that begin first", () => {
  fc.assert(
    fc.property(letterPattern.map(limited), letters(9), (of, stream) => {
      const all = allMatches(of, stream);
      const endOf = new Map(all.map(({ key, start, end }) => [key, `${start} ${end}`]));
      // Which of two goes first that begin and end together is nobody's promise.
      const ties = all.map(({ start, end, key }) => ({ at: `${start} ${end}`, key }));
      fc.pre(
        new Set(ties.map(({ at }) => at)).size ===
          new Set(ties.map(({ at, key }) => `${at} ${lastOf(key)}`)).size,
      );
      const told = (strategy: "skipToNext" | "skipPastLastEvent") => {
        const outcomes = play(new Matcher(build(of, { strategy }), UNBOUNDED), stream);
        return matchKeys(outcomes)
          .map((key) => endOf.get(key))
          .sort();
      };
      expect(told("skipToNext")).toEqual(skipping(all, (a, b) => b.start <= a.start));
      expect(told("skipPastLastEvent")).toEqual(skipping(all, (a, b) => b.start <= lastOf(a.key)));
    }),
    { numRuns: 1500 },
  );
});

test("skipping to a stage goes on from its first or last event", () => {
  fc.assert(
    fc.property(letterPattern.map(limited), letters(9), fc.boolean(), (of, stream, first) => {
      const all = allMatches(of, stream);
      fc.pre(new Set(all.map(({ start, end }) => `${start} ${end}`)).size === all.length);
      const stage = of.stages.findLast(({ name }) => name.startsWith("s"))?.name ?? "";
      const strategy = first ? "skipToFirst" : "skipToLast";
      const skip = { strategy, stage, throwOnMissing: false } as const;
      const endOf = new Map(all.map(({ key, start, end }) => [key, `${start} ${end}`]));
      const told = matchKeys(play(new Matcher(build(of, skip), UNBOUNDED), stream));
      const target = (key: string) => {
        const taken = new RegExp(`${stage}:([\\d,]+)`).exec(key)?.[1]?.split(",").map(Number) ?? [];
        return taken.at(first ? 0 : -1) ?? -1;
      };
      expect(told.map((key) => endOf.get(key)).sort()).toEqual(
        skipping(all, (a, b) => b.start < target(a.key)),
      );
    }),
    { numRuns: 1000 },
  );
});

test("a state written and read back at any step goes on as if nothing had happened", () => {
  const copies = [
    (state: LetterState) => JSON.parse(JSON.stringify(state)) as LetterState,
    (state: LetterState) => decode(encode(state)) as LetterState,
  ];
  fc.assert(
    fc.property(letterPattern, anySkip, letters(10), fc.nat(10), (of, skip, stream, at) => {
      const matcher = new Matcher(build(of, skip));
      const whole = play(matcher, stream);
      for (const copy of copies) {
        const restored = (state: LetterState, step: number) => {
          if (step !== at) return state;
          expect(copy(state)).toEqual(state);
          return copy(state);
        };
        expect(play(matcher, stream, restored)).toEqual(whole);
      }
    }),
    { numRuns: 500 },
  );
});

test("how often time is told in between changes nothing", () => {
  fc.assert(
    fc.property(
      letterPattern,
      anySkip,
      letters(10),
      fc.array(fc.nat(30)),
      (of, skip, stream, ticks) => {
        const matcher = new Matcher(build(of, skip));
        const told: Outcome<Stages>[] = [];
        const often = play(matcher, stream, (state, step) => {
          const next = stream[step]?.at ?? 40;
          for (const tick of ticks.filter((t) => t <= next).toSorted((a, b) => a - b)) {
            told.push(matcher.advance(state, tick as EventTime));
          }
          return state;
        });
        const rarely = play(matcher, stream);
        expect(matchKeys([...told, ...often]).sort()).toEqual(matchKeys(rarely).sort());
        expect(timeoutKeys([...told, ...often]).sort()).toEqual(timeoutKeys(rarely).sort());
      },
    ),
    { numRuns: 500 },
  );
});

test("a partial match times out at its start plus within, never before a deadline was named", () => {
  fc.assert(
    fc.property(letterPattern.map(limited), letters(10), (of, stream) => {
      const matcher = new Matcher(build(of));
      const state = matcher.init();
      for (const event of stream) {
        const due = matcher.deadline(state) ?? MAX_TIME;
        const { timeouts } = matcher.match(state, event, event.at as EventTime);
        for (const { start, at } of timeouts) {
          expect(at - start).toBeLessThanOrEqual(of.within ?? 0);
          if (of.stages.every(({ gap }) => gap === null)) expect(at - start).toBe(of.within);
          expect(at).toBeGreaterThanOrEqual(due);
          expect(at).toBeLessThanOrEqual(event.at);
        }
        expect(matcher.deadline(state) ?? MAX_TIME).toBeGreaterThan(event.at);
      }
    }),
    { numRuns: 500 },
  );
});

test("limits hold after every event, what is forgotten is counted, and no match is invented", () => {
  const limits = { partialMatches: 4, events: 8 };
  let forgotten = 0;
  fc.assert(
    fc.property(letterPattern, anySkip, letters(12), (of, skip, stream) => {
      const matcher = new Matcher(build(of, skip), limits);
      const outcomes = play(matcher, stream, (state) => {
        const matches = (state.runs.length + state.held.length) / RUN;
        expect(matches).toBeLessThanOrEqual(limits.partialMatches);
        expect(state.size).toBeLessThanOrEqual(limits.events);
        return state;
      });
      const lost = outcomes.reduce((sum, outcome) => sum + outcome.forgotten, 0);
      forgotten += lost;
      const unlimited = play(new Matcher(build(of), UNBOUNDED), stream);
      const possible = matchKeys(unlimited);
      for (const key of matchKeys(outcomes)) {
        const place = possible.indexOf(key);
        expect(place).toBeGreaterThanOrEqual(0);
        possible.splice(place, 1);
      }
      if (lost === 0 && skip.strategy === "noSkip") expect(possible).toEqual([]);
    }),
    { numRuns: 800 },
  );
  expect(forgotten).toBeGreaterThan(100);
});

test("where nobody asks for timeouts the matches are the same, and nothing is left behind", () => {
  fc.assert(
    fc.property(letterPattern, anySkip, letters(10), (of, skip, stream) => {
      const quiet = new Matcher(build(of, skip), { timeouts: false });
      const outcomes = play(quiet, stream, (state) => {
        if (quiet.isIdle(state)) expect(state).toEqual(quiet.init());
        return state;
      });
      expect(timeoutKeys(outcomes)).toEqual([]);
      expect(matchKeys(outcomes)).toEqual(matchKeys(play(new Matcher(build(of, skip)), stream)));
    }),
    { numRuns: 500 },
  );
});

const rows = <T>(flat: readonly T[], length: number): T[][] =>
  Array.from({ length: flat.length / length }, (_, i) => flat.slice(i * length, (i + 1) * length));

/** How often a list of rows says that each of its rows in use is held. */
const counted = (flat: readonly unknown[], length: number, at: number): Map<number, number> =>
  new Map(
    rows(flat, length)
      .map((row, place) => [place, row[at] as number] as const)
      .filter(([, refs]) => refs > 0),
  );

/** How often each node, and each event, is really held: by what is under way and by newer nodes. */
function reached({ runs, held, nodes }: LetterState) {
  const ofNodes = new Map<number, number>();
  const ofEvents = new Map<number, number>();
  const isNew = (of: Map<number, number>, place: number) =>
    of.set(place, (of.get(place) ?? 0) + 1).get(place) === 1;
  for (const run of [...rows(runs, RUN), ...rows(held, RUN)]) {
    for (let node = run[NODE] ?? -1; node >= 0 && isNew(ofNodes, node); ) {
      const [, event = -1, parent = -1] = nodes.slice(node * 6);
      isNew(ofEvents, event);
      node = parent;
    }
  }
  return { ofNodes, ofEvents };
}

test("the buffer holds what partial matches reach, and nothing else", () => {
  fc.assert(
    fc.property(letterPattern, anySkip, letters(10), (of, skip, stream) => {
      const matcher = new Matcher(build(of, skip));
      play(matcher, stream, (state) => {
        const { nodes, events, size } = state;
        const { ofNodes, ofEvents } = reached(state);
        expect(size).toBe(ofNodes.size);
        expect(counted(nodes, 6, 3)).toEqual(ofNodes);
        expect(counted(events, 2, 1)).toEqual(ofEvents);
        for (const place of ofEvents.keys()) expect(events[place * 2]).toHaveProperty("letter");
        if (matcher.isIdle(state)) expect(state).toEqual(matcher.init());
        return state;
      });
    }),
    { numRuns: 500 },
  );
});

test("tells exactly the partial matches that could still have gone on when their time ran out", () => {
  let told = 0;
  fc.assert(
    fc.property(letterPattern.map(limited).map(untrailed), letters(9), (of, stream) => {
      const found = timeoutKeys(play(new Matcher(build(of), UNBOUNDED), stream));
      told += found.length;
      expect(found.sort()).toEqual(allTimeouts(of, stream).sort());
    }),
    { numRuns: 1500 },
  );
  expect(told).toBeGreaterThan(1000);
});
