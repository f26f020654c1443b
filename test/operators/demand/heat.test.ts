import fc from "fast-check";
import { expect, test } from "vitest";
import { heatOperator } from "../../../operators/demand/heat.ts";
import { millis, minutes, seconds } from "../../../src/time/event-time.ts";
import { itemRow, type Line, playDemand, probe, T0, views } from "./support.ts";

const SIZE = 300_000;
const SLIDE = 10_000;
const nodesOf = (everySlide: boolean) => [
  {
    operator: heatOperator({ size: minutes(5), slide: seconds(10), everySlide }),
    from: ["events"],
  },
  { operator: probe("seen"), from: ["heat"] },
];
const nodes = nodesOf(true);

/** `key end count` of everything told. */
async function heatOf(lines: readonly Line[], until: number, everySlide = true): Promise<string[]> {
  const { outputs } = await playDemand(nodesOf(everySlide), lines, until);
  return outputs
    .map(({ data }) => `${data["dim"]}:${data["key"]} ${data["end"]} ${data["count"]}`)
    .sort();
}

const viewsOf = ({ payload }: Line): number =>
  payload[0] === "item" ? (payload[2][0]?.[1] ?? 0) : 0;

/** Every window that ends by `until` is counted again from the whole input. */
function recount(lines: readonly Line[], until: number): string[] {
  const told: string[] = [];
  for (let end = T0 - SIZE; end - 1 <= until; end += SLIDE) {
    const held = lines.filter(({ at }) => at >= end - SIZE && at < end);
    for (const key of new Set(held.map((line) => line.key))) {
      const counts = held.filter((line) => line.key === key).map(viewsOf);
      told.push(`${key} ${end} ${counts.reduce((a, b) => a + b, 0)}`);
    }
  }
  return told.sort();
}

/** What is left of lines `key end count` without those that repeat the slide before. */
function changes(told: readonly string[]): string[] {
  const all = new Set(told);
  return told.filter((line) => {
    const [key, end, count] = line.split(" ");
    return !all.has(`${key} ${Number(end) - SLIDE} ${count}`);
  });
}

test("every slide tells what a recount of the window [end - 5 min, end) gives", async () => {
  const line = fc.record({
    at: fc.oneof(
      fc.integer({ min: T0, max: T0 + 1_500_000 }),
      fc.integer({ min: 0, max: 150 }).map((n) => T0 + n * SLIDE),
      fc.integer({ min: 0, max: 150 }).map((n) => T0 + n * SLIDE + 9_999),
    ),
    key: fc.constantFrom("item:a", "item:b", "item:c"),
    count: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 40 }),
      fc.integer({ min: T0, max: T0 + 2_000_000 }),
      async (made, stop) => {
        const lines = made
          .sort((a, b) => a.at - b.at)
          .map(({ at, key, count }) => ({ at, key, payload: views(T0, count) }));
        const until = Math.max(stop, lines.at(-1)?.at ?? 0);
        const told = await heatOf(lines, until);
        expect(told).toEqual(recount(lines, until));
        const atChanges = await heatOf(lines, until, false);
        expect(told).toEqual(expect.arrayContaining(atChanges));
        expect(atChanges).toEqual(expect.arrayContaining(changes(told)));
      },
    ),
    { numRuns: 60 },
  );
});

test("what comes late still counts in the windows that are open, and is told late after that", async () => {
  const lines: Line[] = [
    { at: T0, key: "item:a", payload: views(T0, 1) },
    { at: T0 + 400_000, key: "item:b", payload: views(T0, 1) },
    { at: T0 + 109_999, key: "item:a", payload: views(T0, 5) },
    { at: T0 + 110_000, key: "item:a", payload: views(T0, 1) },
    { at: T0 + 150_000, key: "item:a", payload: views(T0, 7) },
  ];
  // The window that ends at 400 s was told when the watermark passed it: [110 s, 410 s) is the next.
  const { outputs } = await playDemand(nodes, lines, T0 + 440_000);
  const late = outputs.filter(({ subject }) => subject === "late.heat");
  expect(late.map(({ data }) => [data["key"], data["count"]])).toEqual([["item:a", 5]]);
  const seen = outputs.filter(
    ({ data }) => data["key"] === "a" && Number(data["end"]) > T0 + 400_000,
  );
  expect(seen.map(({ data }) => [Number(data["end"]) - T0, data["count"]])).toEqual([
    [410_000, 8],
    [420_000, 7],
    [430_000, 7],
    [440_000, 7],
  ]);
});

test("counts are told by measure and region, and a quiet key is forgotten", async () => {
  const row = (region: string) => itemRow(region, { views: 3, carts: 2, orders: 1, qty: 9 });
  const lines: Line[] = [
    {
      at: T0 + 999,
      key: "item:a",
      payload: ["item", [T0, 100, 100], [row(""), row("east"), row("__proto__")]],
    },
  ];
  const { outputs, task } = await playDemand(nodes, lines, T0 + 10_000);
  expect(outputs).toHaveLength(1);
  expect(outputs[0]?.data).toMatchObject({
    count: 18,
    counts: { views: 9, touches: 0, carts: 6, favs: 0, orders: 3 },
  });
  expect(Object.entries(outputs[0]?.data["regions"] as object)).toContainEqual(["east", 6]);
  expect(task.pendingTimers).toBe(1);
  const quiet = await playDemand(nodes, lines, T0 + SIZE + SLIDE);
  expect(quiet.task.pendingTimers).toBe(0);
  expect(quiet.task.stateOf("heat", "item:a")).toBeUndefined();
});

test("a window must be whole slides", () => {
  expect(() => heatOperator({ size: seconds(25), slide: millis(10_000) })).toThrow(/multiple/);
});
