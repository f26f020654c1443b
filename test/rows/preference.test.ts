import { expect, test } from "vitest";
import { DAY, HOUR, happens, MIN, type Said, saidOf } from "./said.ts";

const paid = (ms: number, person: string, total: number) =>
  happens(ms, "order.paid", { order_id: `${person}-${ms}`, total_minor: total }, { person });

test("C25: tiers by the P50, P80 and P95 of what all buyers spent in 180 days", async () => {
  // 1 to 100 yuan, in an order that is none of size.
  const spends = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) + 1);
  const lines = spends.map((yuan, i) => paid(i * MIN, `p${yuan}`, yuan * 100));
  const said = await saidOf(lines, 4 * DAY, /^spending\./);
  const tiers = new Map<unknown, unknown>();
  for (const { data } of said) tiers.set(Number(data["spend_minor"]) / 100, data["tier"]);
  const exact = (q: number) => spends.toSorted((a, b) => a - b)[Math.floor(q * 99)] ?? 0;
  const [p50, p80, p95] = [exact(0.5), exact(0.8), exact(0.95)];
  const tierOf = (yuan: number) =>
    yuan < p50 ? "low" : yuan < p80 ? "middle" : yuan < p95 ? "high" : "top";
  // The sketch is right to one per cent, which is a neighbour at most.
  const clear = spends.filter((yuan) => [p50, p80, p95].every((p) => Math.abs(yuan - p) > 1));
  expect(clear.length).toBeGreaterThan(90);
  expect(clear.map((yuan) => [yuan, tiers.get(yuan)])).toEqual(
    clear.map((yuan) => [yuan, tierOf(yuan)]),
  );
  // Told anew only when a level moves, so the last few may not be in the number.
  const levels = said.at(-1)?.data["quantiles"] as { readonly buyers: number } | undefined;
  expect(levels?.buyers).toBeGreaterThan(95);
});

test("C25: what is paid back counts no more, and nothing counts after 180 days", async () => {
  const crowd = Array.from({ length: 40 }, (_, i) => paid(i * MIN, `p${i}`, (i + 1) * 1000));
  const rich = paid(HOUR, "rich", 500_000);
  const back = happens(
    2 * DAY,
    "order.refunded",
    { order_id: "o", total_minor: 500_000 },
    { person: "rich" },
  );
  const said = await saidOf([...crowd, rich, back], 3 * DAY, /^spending\./);
  const top = said.find(({ data }) => data["spend_minor"] === 500_000);
  expect(top?.data).toMatchObject({
    tier: "top",
    before: "none",
    evidence: [{ event: "order.paid" }],
  });
  const person = top?.data["person"];
  expect(said.findLast(({ data }) => data["person"] === person)?.data).toMatchObject({
    tier: "none",
    spend_minor: 0,
  });
  const later = await saidOf([...crowd, rich], 181 * DAY, /^spending\./);
  const last = later.findLast(({ data }) => data["person"] === person);
  expect(last?.data).toMatchObject({ tier: "none", before: "top" });
  expect(last?.at).toBe(HOUR + 180 * DAY + 1);
});

/** Six acts of one session of a person of a kind: readers, bargain hunters, buyers. */
function session(ms: number, kind: number, person: string) {
  const at = (i: number) => ms + i * MIN;
  const over = { person, touchpoint: ["gzh", "group", "mp"][kind] ?? "mp" };
  const acts: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ["article.opened", { content_id: "c1", category: "science" }],
    ["coupon.claimed", { coupon_id: "k1" }],
    ["order.paid", { order_id: `${person}-${ms}`, sku: "s1", total_minor: 5000 }],
  ];
  const [type, props] = acts[kind] ?? ["page.viewed", { path: "x" }];
  const more = happens(at(6), "product.viewed", { sku: "s1", category: "tents" }, over);
  return [...Array.from({ length: 6 }, (_, i) => happens(at(i), type, props, over)), more];
}

const CLUSTERS = { "operators.demand.clusters": { clusters: 3, sample: 24, interval: "60s" } };

/** Each person of three kinds comes on two days. */
const crowd = () =>
  [0, 1].flatMap((day) =>
    Array.from({ length: 36 }, (_, i) =>
      session(day * DAY + i * 10 * MIN, i % 3, `k${i % 3}-${i}`),
    ).flat(),
  );

const clusterOf = (said: readonly Said[]) =>
  new Map(said.map(({ data }) => [data["person"], data["cluster"]]));

test("C21: who behaves alike is in one cluster, and its id is the same in every replay", async () => {
  const lines = crowd();
  const until = DAY + 12 * HOUR;
  const said = await saidOf(lines, until, /^cluster\./, { settings: CLUSTERS });
  const byPerson = clusterOf(said);
  expect(byPerson.size).toBe(36);
  const sizes = new Map<unknown, number>();
  for (const cluster of byPerson.values()) sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  expect([...sizes.values()]).toEqual([12, 12, 12]);
  const again = await saidOf(lines, until, /^cluster\./, { settings: CLUSTERS, frames: 1 });
  expect(again).toEqual(said);
});

test("C21: another seed is another choice of first centres, of the same groups", async () => {
  const settings = { ...CLUSTERS, seed: 7 };
  const byPerson = clusterOf(await saidOf(crowd(), DAY + 12 * HOUR, /^cluster\./, { settings }));
  expect(new Set(byPerson.values()).size).toBe(3);
});

test("C15: what is preferred for long is told when a session ends and something else leads", async () => {
  const look = (ms: number, category: string) =>
    happens(ms, "product.viewed", { sku: "s1", category, price_minor: 30_000 });
  const first = Array.from({ length: 6 }, (_, i) => look(i * MIN, "tents"));
  const same = Array.from({ length: 3 }, (_, i) => look(DAY + i * MIN, "tents"));
  const other = Array.from({ length: 20 }, (_, i) => look(2 * DAY + i * MIN, "boots"));
  const said = await saidOf([...first, ...same, ...other], 3 * DAY, /^preference\./);
  expect(said.map(({ data }) => (data["category"] as unknown[])[0])).toMatchObject([
    ["tents", 1],
    ["boots", expect.closeTo(20 / 29, 1)],
  ]);
  expect(said[0]?.data).toMatchObject({
    price_band: [["256", 1]],
    hour: [["12", 1]],
    koc: 0,
    price_sensitivity: 0,
  });
});

test("C33: who sorts by price and takes coupons is sensitive to prices; who posts and answers is heard", async () => {
  const lines = [
    ...Array.from({ length: 5 }, (_, i) =>
      happens(i * MIN, "product.listed", { category: "tents", sort: "price_asc" }),
    ),
    happens(6 * MIN, "group.message.posted", { group_id: "g" }),
    happens(7 * MIN, "group.message.replied", { group_id: "g" }),
    happens(8 * MIN, "product.shared", { sku: "s1" }),
  ];
  const [said] = await saidOf(lines, DAY, /^preference\./);
  expect(said?.data["price_sensitivity"]).toBeCloseTo(5 / (8 + 5), 2);
  expect(said?.data["koc"]).toBeCloseTo(2 + 3 + 2, 1);
});
