import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import { CONFIG_DIR } from "../support/job.ts";
import { DAY, HOUR, happens, MIN, NOON, profileOf } from "./said.ts";

/** The document about a person, as an export and `ask.profile` tell it. */

const iso = (ms: number) => new Date(NOON + ms).toISOString();
const view = (ms: number, category: string, sku = "s1") =>
  happens(ms, "product.viewed", { sku, category, price_minor: 9900 }, { touchpoint: "mp" });
/** Tuesday, 08:10. */
const TUESDAY = 20 * HOUR + 10 * MIN;
const article = (ms: number) =>
  happens(ms, "article.read", { content_id: "c1", category: "camping" }, { touchpoint: "gzh" });

test("B18, C15: a profile has preference, intent, stage and latent need, each with its evidence", async () => {
  const looks = Array.from({ length: 10 }, (_, i) => view(i * MIN, "digital"));
  const [first] = looks;
  const cart = happens(10 * MIN, "cart.added", { sku: "s1", category: "digital" });
  const profile = await profileOf([...looks, cart], 11 * MIN);
  const { person: _, ...schema } = JSON.parse(
    readFileSync(join(CONFIG_DIR, "schemas", "profile.schema.json"), "utf8"),
  ) as { person?: unknown } & TSchema;
  const head = { person: null, at: null, group: "shopper-0", seq: 1, watermark: null };
  expect([...Compile(schema as TSchema).Errors({ ...head, ...profile })]).toEqual([]);
  expect(profile).toMatchObject({
    affinities: { category: [["digital", 1]], touchpoint: [["mp", 1]], cluster: null },
    life: {
      stage: "new",
      since: iso(0),
      reason: "first_seen",
      evidence: [{ event: "product.viewed", id: first?.id, time: iso(0) }],
    },
    journey: { stage: "seeding", step: 1, since: iso(0), stayed_ms: 11 * MIN, purchases: 0 },
    tags: [{ tag: "tech_geek", since: iso(9 * MIN), by: "tags" }],
    needs: [],
    spending: { tier: "none", spend_minor: 0, orders: 0, evidence: [] },
  });
  const intents = profile["intents"] as readonly { intent: string; evidence: readonly object[] }[];
  expect(intents.find(({ intent }) => intent === "buy")?.evidence).not.toEqual([]);
});

test("B18, B20: the stages in a profile are those of its moment, by the clock too", async () => {
  const lines = [
    view(0, "digital"),
    happens(HOUR, "order.placed", { order_id: "o1", sku: "s1" }),
    happens(HOUR + MIN, "order.paid", { order_id: "o1", sku: "s1", total_minor: 9900 }),
  ];
  const paid = HOUR + MIN;
  expect(await profileOf(lines, 2 * HOUR)).toMatchObject({
    life: { stage: "new", since: iso(0), reason: "first_order" },
    journey: {
      stage: "paying",
      step: 4,
      since: iso(paid),
      stayed_ms: 2 * HOUR - paid,
      purchases: 1,
    },
    spending: {
      spend_minor: 9900,
      orders: 1,
      evidence: [{ event: "order.paid", time: iso(paid) }],
    },
  });
  // The 30 days that begin with the first order are over.
  const regular = paid + 30 * DAY + 1;
  expect((await profileOf(lines, regular + MIN))["life"]).toMatchObject({
    stage: "active",
    since: iso(regular),
    reason: "regular",
  });
  const dormant = paid + 60 * DAY;
  expect((await profileOf(lines, dormant + MIN))["life"]).toMatchObject({
    stage: "dormant",
    since: iso(dormant),
    reason: "quiet",
  });
});

test("B21: the path in a profile is the order in which things happened, whatever order they came in", async () => {
  const hops = [
    happens(0, "article.opened", { content_id: "c1" }, { touchpoint: "gzh" }),
    happens(MIN, "mp.entered", { scene: "1058" }, { touchpoint: "mp" }),
    happens(2 * MIN, "searched", { query: "徒步鞋" }, { touchpoint: "mp" }),
    view(3 * MIN, "boots"),
    happens(4 * MIN, "cs.started", { topic: "size" }, { touchpoint: "wecom" }),
  ];
  const order = [0, 3, 1, 4, 2].map((i) => hops[i] as object);
  const { path } = (await profileOf(order, 5 * MIN))["journey"] as { path: readonly object[] };
  expect(path).toMatchObject([
    { touchpoint: "gzh", type: "article.opened", about: "c1", at: iso(0) },
    { touchpoint: "mp", type: "mp.entered", about: "1058", at: iso(MIN) },
    { touchpoint: "mp", type: "searched", about: "徒步鞋", at: iso(2 * MIN) },
    { touchpoint: "mp", type: "product.viewed", about: "s1", at: iso(3 * MIN) },
    { touchpoint: "wecom", type: "cs.started", about: "size", at: iso(4 * MIN) },
  ]);
});

test("C15, C26: the scene in a profile is the one the person is in, and none once its hours are over", async () => {
  const read = article(TUESDAY);
  const ends = TUESDAY + 80 * MIN;
  expect((await profileOf([read], TUESDAY + MIN))["scene"]).toMatchObject({
    scene: "commute_oa",
    until: iso(ends),
    evidence: [{ event: "article.read", id: read.id, time: iso(TUESDAY) }],
  });
  const again = article(ends - MIN);
  expect((await profileOf([read, again], ends))["scene"]).toBe(null);
});
