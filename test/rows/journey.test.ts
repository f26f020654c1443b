import { expect, test } from "vitest";
import { run } from "../replay/run.ts";

const NOON = Date.UTC(2026, 10, 2, 4);
const SEC = 1000;
const MIN = 60 * SEC;
const DAY = 1440 * MIN;

type Props = Readonly<Record<string, unknown>>;
let ids = 0;
const event = (ms: number, touchpoint: string, type: string, props: Props = {}, src?: Props) => {
  ids += 1;
  const who = [{ k: "unionid", v: "ann" }];
  return { id: `j${ids}`, type, ts: NOON + ms, touchpoint, ids: who, props, src };
};

interface Hop {
  readonly at: string;
  readonly touchpoint: string;
  readonly type: string;
  readonly about: string | null;
  readonly session: string | null;
}
interface Said {
  readonly subject: string;
  readonly stage: string;
  readonly step: number;
  readonly at: string;
  readonly from: string | null;
  readonly stayed_ms: number | null;
  readonly repurchase: boolean;
  readonly path: readonly Hop[];
}

/** What is published of the journey when the shipped job hears of these events. */
async function journey(lines: readonly unknown[]): Promise<Said[]> {
  const said: Said[] = [];
  await run({
    lines: lines.map((line) => JSON.stringify(line)),
    format: "events",
    onLine: ({ subject, data }) => {
      if (subject.startsWith("lifecycle.journey_")) said.push({ ...(data as Said), subject });
    },
  });
  return said;
}

test("B19: from an article into the mini program within the gap is one session; another campaign is not", async () => {
  const way = (src: Props | undefined) => [
    event(0, "gzh", "article.read", { content_id: "c1" }),
    event(20 * SEC, "mp", "mp.entered", {}, { scene: "1058" }),
    event(30 * SEC, "mp", "product.viewed", { sku: "s1" }, { utm: { campaign: "autumn" } }),
    event(60 * SEC, "wecom", "cs.started", { topic: "product" }, src),
  ];
  const sessions = async (src?: Props) =>
    (await journey(way(src))).at(-1)?.path.map(({ session }) => session) ?? [];
  const one = await sessions();
  expect(one).toHaveLength(4);
  expect(one[0]).toMatch(/^s_/);
  expect(new Set(one).size).toBe(1);
  const other = await sessions({ utm: { campaign: "winter" } });
  expect(new Set(other.slice(0, 3)).size).toBe(1);
  expect(new Set(other).size).toBe(2);
  // The scene of an advertisement, where the session came by a campaign.
  expect(new Set(await sessions({ scene: 1045 })).size).toBe(2);
  expect(new Set(await sessions({ scene: 1089 })).size).toBe(1);
});

test("B20: six events, six stages, with the time in each, and the repurchase is flagged", async () => {
  const said = await journey([
    event(0, "gzh", "article.read", { content_id: "c1" }),
    event(10 * MIN, "group", "group.message.posted", { group_id: "g1", keyword: "tent" }),
    event(DAY, "mp", "order.placed", { order_id: "o1", sku: "s1" }),
    event(DAY + MIN, "pay", "order.paid", { order_id: "o1", sku: "s1" }),
    event(4 * DAY, "wecom", "cs.started", { topic: "aftersales", order_id: "o1" }),
    event(6 * DAY, "group", "order.paid", { order_id: "o2", sku: "s2" }),
  ]);
  expect(said.map(({ stage, step, from, stayed_ms }) => [step, stage, from, stayed_ms])).toEqual([
    [1, "seeding", null, null],
    [2, "consulting", "seeding", 10 * MIN],
    [3, "ordering", "consulting", DAY - 10 * MIN],
    [4, "paying", "ordering", MIN],
    [5, "aftersales", "paying", 3 * DAY - MIN],
    [6, "repurchase", "aftersales", 2 * DAY],
  ]);
  expect(said.map(({ repurchase }) => repurchase)).toEqual([
    false,
    false,
    false,
    false,
    false,
    true,
  ]);
  expect(said.map(({ subject, stage }) => subject === `lifecycle.journey_${stage}`)).not.toContain(
    false,
  );
});

test("B21: five hops in whatever order they come are a path in the order they happened", async () => {
  const hops = [
    event(0, "channels", "video.played", { content_id: "v1", completion: 0.9 }),
    event(MIN, "gzh", "article.read", { content_id: "c1" }),
    event(2 * MIN, "mp", "searched", { query: "徒步鞋" }),
    event(3 * MIN, "mp", "product.viewed", { sku: "s1" }),
    event(4 * MIN, "pay", "order.paid", { order_id: "o1", sku: "s1" }),
  ];
  const [a, b, c, d, e] = hops;
  const expected = [
    ["channels", "video.played", "v1"],
    ["gzh", "article.read", "c1"],
    ["mp", "searched", "徒步鞋"],
    ["mp", "product.viewed", "s1"],
    ["pay", "order.paid", "s1"],
  ];
  for (const arrival of [
    [a, b, c, d, e],
    [c, b, d, a, e],
  ]) {
    const path = (await journey(arrival)).at(-1)?.path ?? [];
    expect(path.map(({ touchpoint, type, about }) => [touchpoint, type, about])).toEqual(expected);
    expect(path.map(({ at }) => Date.parse(at) - NOON)).toEqual(
      [0, 1, 2, 3, 4].map((m) => m * MIN),
    );
  }
});
