import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bucketTime, type PartialCounts } from "../../../operators/demand/partial.ts";
import { surprise } from "../../../operators/demand/surprise.ts";
import { trendSpec } from "../../../operators/demand/trend.ts";
import type { Output } from "../../../src/flow/output.ts";
import { type Line, playDemand, T0, views } from "./support.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const job = { timeZone: "UTC", seed: 1, maxAge: HOUR as never, files: {} };
const nodes = [{ operator: trendSpec.make({}, job), from: ["events"] }];
const FILE = fileURLToPath(
  new URL("../../../../shared/data/taobao/UserBehavior-2h.csv", import.meta.url),
);

interface Row {
  readonly at: number;
  readonly item: string;
  readonly category: string;
}

function readRows(): Row[] {
  const rows: Row[] = [];
  for (const line of readFileSync(FILE, "utf8").split("\n")) {
    const [, item = "", category = "", , second = ""] = line.split(",");
    if (/^\d{10}$/.test(second)) rows.push({ at: Number(second) * 1000, item, category });
  }
  return rows.sort((a, b) => a.at - b.at);
}

/** One partial a key and second, as the shopper groups count them. */
function partials(rows: readonly Row[], scope: "item" | "category"): Line[] {
  const since = bucketTime(rows[0]?.at ?? 0);
  const seconds = new Map<string, { at: number; key: string; count: number }>();
  for (const row of rows) {
    const at = bucketTime(row.at);
    const id = `${at} ${row[scope]}`;
    const known = seconds.get(id);
    if (known !== undefined) known.count += 1;
    else seconds.set(id, { at, key: row[scope], count: 1 });
  }
  const payload = (count: number): PartialCounts =>
    scope === "item"
      ? views(since, count)
      : ["category", [since, 100, 100], [["x", count, 0, 0, 0, 0]]];
  return [...seconds.values()].map(({ at, key, count }) => ({
    at,
    key: `${scope}:${key}`,
    payload: payload(count),
  }));
}

async function spikes(rows: readonly Row[], scope: "item" | "category"): Promise<Output[]> {
  const lines = partials(rows, scope);
  const { outputs } = await playDemand(nodes, lines, rows.at(-1)?.at ?? 0, { hotRows: 1_000_000 });
  return outputs.filter(({ subject }) => subject === `trend.spike.${scope}`);
}

/** Deterministic: the same items and seconds every time. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const present = existsSync(FILE);
const say = (text: string) => process.stdout.write(`${text}\n`);
if (!present) say(`skipped: ${FILE} is not there`);
/** First to last row: 01:00 to 02:55. */
const HOURS = 115 / 60;

test.skipIf(!present)(
  "on real behaviour, at most one false onset per 1,000 key-hours",
  { timeout: 120_000 },
  async () => {
    const rows = readRows();
    for (const scope of ["item", "category"] as const) {
      const keys = new Set(rows.map((row) => row[scope])).size;
      const told = await spikes(rows, scope);
      const perThousand = told.length / ((keys * HOURS) / 1000);
      say(`${scope}: ${told.length} onsets, ${perThousand.toFixed(2)} per 1,000 key-hours`);
      expect(perThousand).toBeLessThanOrEqual(1);
    }
  },
);

test.skipIf(!present)(
  "a spike of five times what a quiet item did is found within 60 s of event time",
  { timeout: 120_000 },
  async () => {
    const rows = readRows();
    const seen = new Map<string, number>();
    for (const { item } of rows) seen.set(item, (seen.get(item) ?? 0) + 1);
    // Quiet: at most once in any five minutes, so ×5 is five events where there was one.
    const quiet = [...seen].filter(([, count]) => count <= 5).map(([item]) => item);
    const seed = 20171126;
    const next = generator(seed);
    const injected = new Map<string, number>();
    const extra: Row[] = [];
    const start = rows[0]?.at ?? 0;
    while (injected.size < 50) {
      const item = quiet[next(quiet.length)] ?? "";
      if (injected.has(item)) continue;
      const at = start + (30 + next(80)) * MINUTE + next(60) * 1000;
      injected.set(item, at);
      for (let i = 0; i < 5; i += 1) {
        extra.push({ at: at + next(60) * 1000, item, category: "x" });
      }
    }
    const told = await spikes(
      [...rows, ...extra].sort((a, b) => a.at - b.at),
      "item",
    );
    const delays: number[] = [];
    for (const { data, time } of told) {
      const at = injected.get(String(data["sku"]));
      if (at !== undefined && time >= at && time <= at + MINUTE) delays.push(time - at);
    }
    delays.sort((a, b) => a - b);
    say(
      `seed ${seed}: ${delays.length} of 50 found, median after ${(delays[delays.length >> 1] ?? 0) / 1000} s`,
    );
    expect(delays.length).toBeGreaterThanOrEqual(40);
  },
);

/** `count` views of one key, evenly from `from` to `to`. */
function evenly(key: string, from: number, to: number, count: number, since = T0): Line[] {
  return Array.from({ length: count }, (_, i) => ({
    at: from + Math.floor(((to - from) * i) / count),
    key,
    payload: views(since, 1),
  }));
}
const byTime = (lines: readonly Line[]): Line[] => [...lines].sort((a, b) => a.at - b.at);
const told = (outputs: readonly Output[]) =>
  outputs.map(({ subject, data }) => [
    subject,
    Math.round((Date.parse(String(data["at"])) - T0) / MINUTE),
  ]);

test("a spike has one onset, holds while it lasts and ends", async () => {
  const lines = byTime([
    ...evenly("item:tea", T0, T0 + 4 * HOUR, 240),
    ...evenly("item:tea", T0 + 2 * HOUR, T0 + 2 * HOUR + 20 * MINUTE, 200),
  ]);
  const { outputs } = await playDemand(nodes, lines, T0 + 4 * HOUR);
  expect(told(outputs)).toEqual([
    ["trend.spike.item", 121],
    ["trend.end.item", 149],
  ]);
  expect(outputs[1]?.data).toMatchObject({ sku: "tea", scope: "item" });
});

test("the threshold is the key's own past: what is news for one is routine for another", async () => {
  const rush = (key: string) => evenly(key, T0 + 2 * HOUR, T0 + 2 * HOUR + 5 * MINUTE, 50);
  const busy = evenly("item:busy", T0, T0 + 2 * HOUR, 1200);
  const quiet = evenly("item:quiet", T0, T0 + 2 * HOUR, 12);
  const lines = byTime([...busy, ...quiet, ...rush("item:busy"), ...rush("item:quiet")]);
  const { outputs } = await playDemand(nodes, lines, T0 + 2 * HOUR + 5 * MINUTE);
  expect(outputs.map(({ data }) => data["key"])).toEqual(["quiet"]);
});

test("nothing is a surprise in a shop that has just opened", async () => {
  const lines = evenly("item:tea", T0, T0 + 9 * MINUTE, 900);
  expect((await playDemand(nodes, lines, T0 + HOUR)).outputs).toEqual([]);
});

test("a rush that does not stop becomes the usual", async () => {
  const lines = byTime([
    ...evenly("item:tea", T0, T0 + HOUR, 60),
    ...evenly("item:tea", T0 + HOUR, T0 + 6 * HOUR, 3000),
  ]);
  const { outputs } = await playDemand(nodes, lines, T0 + 6 * HOUR);
  expect(outputs.map(({ subject }) => subject)).toEqual(["trend.spike.item", "trend.end.item"]);
});

test("surprise grows with the count, shrinks with what is expected and with what is unknown", () => {
  expect(surprise(5, 5, 10)).toBe(0);
  expect(surprise(3, 5, 10)).toBe(0);
  expect(surprise(20, 5, 10)).toBeGreaterThan(surprise(15, 5, 10));
  expect(surprise(20, 5, 10)).toBeGreaterThan(surprise(20, 6, 10));
  expect(surprise(20, 5, 100)).toBeGreaterThan(surprise(20, 5, 10));
  // Against the Poisson limit: √(2 (20 ln 4 − 15)) = 5.045
  expect(surprise(20, 5, 1e9)).toBeCloseTo(5.045, 3);
});
