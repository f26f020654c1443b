import { expect, test } from "vitest";
import { meet, newPace, paceAt, pass } from "../../../operators/demand/pace.ts";
import { trendSpec } from "../../../operators/demand/trend.ts";
import { type Line, playDemand, T0 } from "./support.ts";

const SECOND = 1000;
const HOUR = 3_600_000;
const job = { timeZone: "UTC", seed: 1, maxAge: HOUR as never, files: {} };

/** The pace after an hour at `before` items a second and five minutes at `now` items a second. */
function paceAfter(before: number, now: number): number {
  const pace = { ...newPace(), since: T0 + 999 };
  for (let s = 0; s < 3900; s += 1) pass(pace, T0 + s * SECOND + 999, s < 3600 ? before : now);
  return paceAt(pace, T0 + 3899 * SECOND + 999)[1];
}

test("the pace is how much busier the shop is than it was", () => {
  expect(paceAfter(4, 4)).toBeGreaterThan(98);
  expect(paceAfter(4, 4)).toBeLessThan(105);
  // (2,400 + 30) / (1,200 + 30) = 198 %
  expect(paceAfter(4, 8)).toBeGreaterThan(190);
  expect(paceAfter(4, 8)).toBeLessThan(206);
  expect(paceAfter(4, 400)).toBe(500);
});

test("a shop that has just begun, or hardly has customers, has no pace of its own", () => {
  expect(paceAt(newPace(), T0)).toEqual([0, 100, 100]);
  expect(paceAfter(0, 0)).toBe(100);
});

test("clicks in a row on one item make bursts; the same person elsewhere ends the run", () => {
  const single = newPace();
  for (let i = 0; i < 5000; i += 1) meet(single, `p${i % 50}`, `s${i}`, 1);
  expect(paceAt(single, T0)[2]).toBe(100);
  const runs = newPace();
  // Runs of four: three of four events repeat, so (1 + 0.75) / (1 - 0.75) = 700 %.
  for (let i = 0; i < 5000; i += 1) meet(runs, `p${i % 50}`, `s${i}`, 4);
  expect(paceAt(runs, T0)[2]).toBeGreaterThan(680);
  expect(paceAt(runs, T0)[2]).toBeLessThanOrEqual(700);
});

test("habits fade: what a shop does now outweighs what it did", () => {
  const pace = newPace();
  for (let i = 0; i < 10_000; i += 1) meet(pace, `p${i}`, "tea", 4);
  for (let i = 0; i < 200_000; i += 1) meet(pace, `p${i}`, `s${i}`, 1);
  expect(paceAt(pace, T0)[2]).toBeLessThan(105);
  expect(pace.events).toBeLessThan(20_000);
});

test("what the whole shop does more of, and one visit's many clicks, are no item's news", async () => {
  const nodes = [{ operator: trendSpec.make({}, job), from: ["events"] }];
  const rush = async (pace: number, burst: number): Promise<number> => {
    const line = (at: number): Line => ({
      at,
      key: "item:tea",
      payload: ["item", [T0, pace, burst], [["", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]],
    });
    const usual = Array.from({ length: 60 }, (_, i) => line(T0 + i * 60 * SECOND));
    const now = Array.from({ length: 12 }, (_, i) => line(T0 + HOUR + i * 5 * SECOND));
    const { outputs } = await playDemand(nodes, [...usual, ...now], T0 + HOUR + 60 * SECOND);
    return outputs.filter(({ subject }) => subject === "trend.spike.item").length;
  };
  expect(await rush(100, 100)).toBe(1);
  expect(await rush(50, 100)).toBe(1);
  expect(await rush(400, 100)).toBe(0);
  expect(await rush(100, 500)).toBe(0);
});
