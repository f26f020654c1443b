import { expect, test } from "vitest";
import type { PartialCounts } from "../../../operators/demand/partial.ts";
import { restockSpec } from "../../../operators/demand/restock.ts";
import type { Output } from "../../../src/flow/output.ts";
import { itemRow, type Line, playDemand, T0 } from "./support.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const job = { timeZone: "UTC", seed: 1, maxAge: (7 * DAY) as never, files: {} };
/** z 2 and Poisson variance make round numbers. */
const nodes = (options: object = {}) => [
  { operator: restockSpec.make({ z: 2, ...options }, job), from: ["events"] },
];
type Fact = { readonly fact: readonly [string, string, unknown] };
type Told = Readonly<Record<string, unknown>>;

const supply = (terms: object): Fact => ({ fact: ["supply", "tea", { sku: "tea", ...terms }] });
/** Stock as the fact index derives it from inventory. */
const stock = (site: string, onHand: number, reserved = 0): Fact[] => [
  { fact: ["inventory", `${site}.tea`, { site, sku: "tea", on_hand: onHand, reserved }] },
  {
    fact: ["stock", "tea", { sellable: onHand - reserved, sites: { [site]: onHand - reserved } }],
  },
];
const item = (at: number, since: number, ...rows: ReturnType<typeof itemRow>[]): Line => ({
  at,
  key: "item:tea",
  payload: ["item", [since, 100, 100], rows] as unknown as PartialCounts,
});
/** One order an hour of `qty` units for 24 hours; the last at T0 + 23 h 30 min. */
const steady = (qty: number, region = ""): Line[] =>
  Array.from({ length: 24 }, (_, h) =>
    item(T0 + h * HOUR + HOUR / 2, T0, itemRow(region, { views: 5, orders: 1, qty })),
  );
const restocks = (outputs: readonly Output[]): Told[] =>
  outputs.filter(({ subject }) => subject.startsWith("restock.")).map(({ data }) => data);
const CHECKED = T0 + DAY;

test("steady sales: forecast 4 + 1 days of 24, safety 2 · √120, less stock, in multiples of 10", async () => {
  // The stock is told after a day, so the first look is at 24 h: 24 orders of 1 in 24 h.
  // need = 24 · 5 + 2 · √120 − 30 = 120 + 21.909 − 30 = 111.909 → 120
  const script = [supply({ lead_days: 4, review_days: 1, moq: 20, multiple: 10 }), ...steady(1)];
  const late = item(CHECKED - 20_000, T0, itemRow("", { views: 1 }));
  const { outputs } = await playDemand(nodes(), [...script, late, ...stock("w1", 30)], CHECKED);
  expect(restocks(outputs)).toHaveLength(1);
  expect(restocks(outputs)[0]).toMatchObject({
    sku: "tea",
    site: "w1",
    region: "all",
    qty: 120,
    moq: 20,
    multiple: 10,
    forecast: 120,
    safety: 21.909,
    on_hand: 30,
    on_order: 0,
    cover_days: 1.25,
    lead_days: 4,
    lane: "fast",
    // 4 days of 24 until it can arrive, 30 of them at hand
    shortfall: 66,
    evidence: { orders: 24, views: 121, carts: 0, favs: 0, searches: 0, content_views: 0 },
    cause: { organic: 1, rec: 0 },
    need_by: "2026-01-07T06:00:00.000Z",
    supersedes: null,
  });
});

test("what is on order and what is reserved count", async () => {
  // need = 24 · 3 + 2 · √72 − (40 + 25 − 5) = 72 + 16.971 − 60 = 28.971 → 29
  const script = [supply({ lead_days: 2, review_days: 1, on_order: 25 }), ...steady(1)];
  const late = item(CHECKED - 20_000, T0, itemRow("", { views: 1 }));
  const { outputs } = await playDemand(nodes(), [...script, late, ...stock("w1", 40, 5)], CHECKED);
  expect(restocks(outputs)[0]).toMatchObject({ qty: 29, on_hand: 40, reserved: 5, on_order: 25 });
});

test("the minimum order is kept, in whole multiples", async () => {
  // need = 24 · 2 + 2 · √48 − 30 = 48 + 13.856 − 30 = 31.856 → at least 50, in twelves → 60
  const script = [supply({ lead_days: 1, moq: 50, multiple: 12 }), ...steady(1)];
  const late = item(CHECKED - 20_000, T0, itemRow("", { views: 1 }));
  const { outputs } = await playDemand(nodes(), [...script, late, ...stock("w1", 30)], CHECKED);
  expect(restocks(outputs)[0]).toMatchObject({ qty: 60 });
});

test("a surge of carts and searches speaks before the first order", async () => {
  // A shop one hour old: 300 carts and 200 searches in it. Units: 0.2 · 300 + 0.02 · 200 = 64 an
  // hour, 1,536 a day; usual and recent rate are the same hour, so there is no surge on top.
  // need = 1,536 · 2 + 2 · √3,072 − 1,500 = 3,072 + 110.851 − 1,500 = 1,682.851 → 1,683
  const at = T0 + HOUR - 20_000;
  const script = [
    supply({ lead_days: 1 }),
    ...stock("w1", 1500),
    item(at, T0, itemRow("", { carts: 300, searches: 200 })),
  ];
  const { outputs } = await playDemand(nodes(), script, T0 + HOUR);
  expect(restocks(outputs)[0]).toMatchObject({
    qty: 1683,
    evidence: { orders: 0, carts: 300, searches: 200 },
    confidence: 0.99,
  });
});

test("a surge adds what it sells while it lasts", async () => {
  // Ten days of history, the window holds 24 h: 23 older orders and the 73 of the last hour = 96
  // units a day as usual; of late 73 an hour = 1,752 a day, 1,656 more, for 6 h = 414 units.
  // need = 96 · 5 + 414 + 2 · √894 − 100 = 480 + 414 + 59.799 − 100 = 853.799 → 900 (multiple 50)
  const since = T0 - 10 * DAY;
  const older = Array.from({ length: 23 }, (_, h) =>
    item(T0 + h * HOUR + HOUR / 2, since, itemRow("", { orders: 1 })),
  );
  const hit = item(CHECKED - 20_000, since, itemRow("", { orders: 73 }));
  const script = [supply({ lead_days: 4, multiple: 50 }), ...older, hit, ...stock("w1", 100)];
  const { outputs } = await playDemand(nodes(), script, CHECKED);
  expect(restocks(outputs)[0]).toMatchObject({ qty: 900, forecast: 894, surge: 18.25 });
});

test("regions get their share of the demand and are told apart", async () => {
  // 24 orders of east, 8 of west, and 8 that name no region: 40 a day, east 3/4, west 1/4.
  // east: 30 · 2 + 2 · √80 · √0.75 − 20 = 60 + 15.492 − 20 = 55.492 → 56
  // west: 10 · 2 + 2 · √80 · √0.25 − 4 = 20 + 8.944 − 4 = 24.944 → 25
  const west = steady(1).slice(0, 8);
  const lines = [
    ...steady(1, "east"),
    ...west.map((line) => ({ ...line, at: line.at + 1 })),
    ...steady(1, "West")
      .slice(0, 8)
      .map((line) => ({ ...line, at: line.at + 2 })),
  ].sort((a, b) => a.at - b.at);
  const facts: Fact[] = [
    { fact: ["site", "e1", { site: "e1", region: "east" }] },
    { fact: ["site", "w1", { site: "w1", region: "West" }] },
    { fact: ["stock", "tea", { sellable: 24, sites: { e1: 20, w1: 4 } }] },
  ];
  const late = item(CHECKED - 20_000, T0, itemRow("", { searches: 1 }));
  const script = [supply({ lead_days: 1 }), ...lines, late, ...facts];
  const { outputs } = await playDemand(nodes(), script, CHECKED);
  const told = restocks(outputs).map(({ region, qty, on_hand }) => [region, qty, on_hand]);
  expect(told).toEqual([
    ["West", 25, 4],
    ["east", 56, 20],
  ]);
  expect(outputs.map(({ subject }) => subject)).toEqual([
    expect.stringMatching(/^restock\.h[0-9a-f]{8}$/),
    "restock.east",
  ]);
  expect(new Set(restocks(outputs).map(({ plan_id }) => plan_id)).size).toBe(1);
});

test("it is due when stock and orders would not last the lead time with safety", async () => {
  // Reorder point: 24 · 4 + 2 · √96 = 115.596; then 24 · 5 + 2 · √120 − 115 = 26.909 → 27
  const script = [supply({ lead_days: 4 }), ...steady(1)];
  const late = item(CHECKED - 20_000, T0, itemRow("", { views: 1 }));
  const above = await playDemand(nodes(), [...script, late, ...stock("w1", 116)], CHECKED);
  expect(restocks(above.outputs)).toEqual([]);
  const below = await playDemand(nodes(), [...script, late, ...stock("w1", 115)], CHECKED);
  expect(restocks(below.outputs)[0]).toMatchObject({ qty: 27 });
});

test("without supply terms or stock nothing is said", async () => {
  const without = [...steady(9), ...stock("w1", 0)];
  expect(restocks((await playDemand(nodes(), without, CHECKED)).outputs)).toEqual([]);
  const unknown = [supply({ lead_days: 4 }), ...steady(9)];
  expect(restocks((await playDemand(nodes(), unknown, CHECKED)).outputs)).toEqual([]);
});

test("no events, no signal, however empty the shelf", async () => {
  const script = [supply({ lead_days: 4 }), ...stock("w1", 0)];
  expect((await playDemand(nodes(), script, CHECKED)).outputs).toEqual([]);
});

test("the same need is one signal; a grown one supersedes it; an arrival ends it", async () => {
  const early = [supply({ lead_days: 4 }), ...stock("w1", 30)];
  const quiet = steady(1).map((line) => ({ ...line, at: line.at + DAY }));
  const jump = item(T0 + 2 * DAY, T0, itemRow("", { orders: 60 }));
  const script = [...early, ...steady(1), ...quiet, jump];
  const { outputs } = await playDemand(nodes(), script, T0 + 2 * DAY + HOUR);
  const told = restocks(outputs);
  expect(told.length).toBeGreaterThan(1);
  expect(told.length).toBeLessThan(10);
  for (let i = 1; i < told.length; i += 1) {
    expect(told[i]?.["supersedes"]).toBe(told[i - 1]?.["signal_id"]);
    expect(told[i]?.["plan_id"]).toBe(told[0]?.["plan_id"]);
    expect(Number(told[i]?.["qty"])).toBeGreaterThan(1.5 * Number(told[i - 1]?.["qty"]));
  }
  const arrived = [...early, ...steady(1), ...stock("w1", 900), ...quiet];
  const after = restocks((await playDemand(nodes(), arrived, T0 + 2 * DAY)).outputs);
  expect(after.every(({ at }) => Date.parse(String(at)) < T0 + DAY)).toBe(true);
});

test("a need that recommendations made names them as its cause", async () => {
  const hit = item(T0 + HOUR, T0, itemRow("", { carts: 100, recViews: 100, recCarts: 100 }));
  const script = [supply({ lead_days: 4 }), ...stock("w1", 0), hit];
  const { outputs } = await playDemand(nodes(), script, T0 + 2 * HOUR);
  expect(restocks(outputs)[0]?.["cause"]).toEqual({ organic: 0, rec: 1 });
});
