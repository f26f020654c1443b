import fc from "fast-check";
import { expect, test } from "vitest";
import { type Contender, compare, holds, median, ratio } from "../../bench/harness.ts";
import { byHand, byMatcher, contender as ofPatterns } from "../../bench/patterns.ts";
import { type Load, contender as ofWindows, PEERS } from "../../bench/windows.ts";
import { millis } from "../../src/time/event-time.ts";

const saying = (name: string, digest: string, share = 1): Contender => ({
  name,
  share,
  run: () => ({ seconds: 2, units: name.length, digest }),
});
const setting = { title: "t", what: "w", unit: "u/s", rounds: 2 };

test("a comparison takes medians and refuses peers that do not do the same", async () => {
  const comparison = await compare(setting, [saying("four", "x"), saying("by", "x")]);
  expect(ratio(comparison, "four", "by")).toBe(2);
  expect(comparison.rates.map((rate) => rate.median)).toEqual([2, 1]);
  await expect(compare(setting, [saying("a", "x"), saying("b", "y")])).rejects.toThrow("gives y");
  const partly = await compare(setting, [saying("a", "x"), saying("b", "y", 0.1)]);
  expect(partly.rates[1]?.share).toBe(0.1);
});

test.each`
  values          | middle
  ${[3]}          | ${3}
  ${[9, 1, 2]}    | ${2}
  ${[4, 1, 3, 2]} | ${2.5}
`("the median of $values is $middle", ({ values, middle }) => {
  expect(median(values)).toBe(middle);
});

test.each`
  value | kind       | held
  ${5}  | ${"least"} | ${true}
  ${4}  | ${"least"} | ${false}
  ${5}  | ${"most"}  | ${true}
  ${6}  | ${"most"}  | ${false}
`("$value against a bound of at $kind 5: $held", ({ value, kind, held }) => {
  expect(holds({ name: "f", value, unit: "B", bound: { kind, value: 5 } })).toBe(held);
});

test("all sliding counters tell the same windows, whatever the load", async () => {
  const loads = fc.record({
    panes: fc.integer({ min: 1, max: 40 }),
    slide: fc.integer({ min: 1, max: 20 }),
    keys: fc.integer({ min: 1, max: 12 }),
    slides: fc.integer({ min: 1, max: 60 }),
    eventsASlide: fc.nat({ max: 8 }),
    warm: fc.integer({ min: 1, max: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(loads, async ({ panes, slide, ...rest }) => {
      const load: Load = { ...rest, size: millis(panes * slide), slide: millis(slide) };
      const runs = await Promise.all(PEERS.map((peer) => ofWindows(peer, load).run()));
      const digests = new Set(runs.map(({ digest }) => digest));
      expect([...digests]).toHaveLength(1);
    }),
    { numRuns: 60 },
  );
});

test("the matcher and the state machine written by hand find the same matches", async () => {
  const size = { events: 4000, keys: 50 };
  const runs = await Promise.all(
    [byMatcher, byHand].map((make) => ofPatterns("any", make, size).run()),
  );
  expect(runs[0]?.digest).toBe(runs[1]?.digest);
  expect(runs[0]?.digest).not.toMatch(/^0 matches/);
});
