import fc from "fast-check";
import { expect, test } from "vitest";
import {
  eventCount,
  normalKeyword,
  type PartialCounts,
} from "../../../operators/demand/partial.ts";
import { partialsOperator } from "../../../operators/shopper/partials.ts";
import type { Hop } from "../../../src/flow/operator.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { keysOf, T0 } from "./support.ts";

const SECOND = 1000;
/** Of a shop that has just begun. */
const SHOP = [T0 + 999, 100, 100];
const nodes = (maxOpen = 50_000) => [{ operator: partialsOperator({ maxOpen }), from: ["events"] }];
type Props = Readonly<Record<string, unknown>>;
const event = (at: number, type: string, props: Props) => ({ type, at, props, person: "p_1" });
const line = (at: number, type: string, props: Props): ScriptLine => ({
  at,
  key: "p_1",
  event: event(at, type, props),
});
const hopsOf = async (script: readonly ScriptLine[], maxOpen?: number): Promise<Hop[]> =>
  (await play(nodes(maxOpen), script)).hops;

/** `key second` → counts that are summed over all partials of it. */
function sums(hops: readonly Hop[]): Map<string, unknown> {
  const found = new Map<string, number>();
  for (const { key, time, payload } of hops) {
    const id = `${key} ${time}`;
    found.set(id, (found.get(id) ?? 0) + eventCount(payload as PartialCounts));
  }
  return new Map([...found].filter(([, count]) => count > 0).sort());
}

const made = fc.record({
  at: fc.integer({ min: T0, max: T0 + 8 * SECOND }),
  type: fc.constantFrom("product.viewed", "cart.added", "product.favorited", "order.paid"),
  sku: fc.constantFrom("a", "b", "constructor", "__proto__"),
  category: fc.constantFrom("x", "y"),
});

test("each second is counted once and whole, whatever the order of arrival", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(made, { maxLength: 30 }),
      fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 4 }),
      async (events, marks) => {
        const script: ScriptLine[] = events.map(({ at, type, sku, category }) =>
          line(at, type, { sku, category }),
        );
        // Watermarks anywhere: what comes behind one is late and still counted.
        marks.forEach((mark, i) => {
          script.splice((i + 1) * 5, 0, { watermark: T0 + mark * SECOND - 1 });
        });
        script.push({ watermark: T0 + 60 * SECOND });
        const expected = new Map<string, number>();
        for (const { at, sku, category } of events) {
          const time = Math.floor(at / SECOND) * SECOND + 999;
          for (const key of [`item:${sku}`, `category:${category}`, "category:*"]) {
            expected.set(`${key} ${time}`, (expected.get(`${key} ${time}`) ?? 0) + 1);
          }
        }
        expect(sums(await hopsOf(script))).toEqual(new Map([...expected].sort()));
        expect(sums(await hopsOf(script, 5))).toEqual(new Map([...expected].sort()));
      },
    ),
    { numRuns: 80 },
  );
});

test("events of one open second may come in any order: the partials are the same", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .array(made, { minLength: 2, maxLength: 12 })
        .chain((events) =>
          fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
        ),
      async ([events, shuffled]) => {
        const first = line(T0, "product.viewed", { sku: "first", category: "x" });
        const end: ScriptLine = { watermark: T0 + 60 * SECOND };
        const told = (of: typeof events) =>
          hopsOf([
            first,
            ...of.map(({ at, type, sku, category }) => line(at, type, { sku, category })),
            end,
          ]);
        expect(await told(shuffled)).toEqual(await told(events));
      },
    ),
    { numRuns: 60 },
  );
});

test("a second leaves when the watermark has passed it, at its last millisecond", async () => {
  const seen = line(T0 + 100, "product.viewed", { sku: "a" });
  expect(await hopsOf([seen, { watermark: T0 + 998 }])).toEqual([]);
  const hops = await hopsOf([seen, { watermark: T0 + 999 }]);
  expect(hops.map(({ key, time }) => [key, time])).toEqual([
    ["item:a", T0 + 999],
    ["category:*", T0 + 999],
  ]);
});

test("every dimension has its partial", async () => {
  const hops = await hopsOf([
    { fact: ["catalog", "tea", { sku: "tea", category: "drinks" }] },
    { fact: ["content", "c1", { content_id: "c1", about: "tea" }] },
    line(T0, "order.paid", {
      lines: [
        { sku: "tea", qty: 3 },
        { sku: "mug", qty: 1 },
      ],
      region: "east",
      rec_id: "r_1",
    }),
    line(T0 + 1, "searched", { query: "  绿茶\u3000ＴＥＡ " }),
    line(T0 + 2, "article.opened", { content_id: "c1" }),
    line(T0 + 3, "feedback.clicked", { rec_id: "r_1", item: "tea" }),
    { at: T0 + 4, key: "p_1", event: { kind: "covisit", a: "tea", b: "mug", at: T0 + 4 } },
    {
      at: T0 + 5,
      key: "p_1",
      event: { kind: "feedback", rec_kind: "coupon", what: "clicked", at: T0 + 5 },
    },
    { at: T0 + 6, key: "p_1", event: { kind: "step", at: T0 + 6 } },
    { watermark: T0 + SECOND },
  ]);
  expect(Object.fromEntries(hops.map(({ key, payload }) => [key, payload]))).toEqual({
    "item:tea": [
      "item",
      SHOP,
      [
        ["", 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0],
        ["east", 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 1],
      ],
    ],
    "item:mug": ["item", SHOP, [["east", 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1]]],
    "category:drinks": ["category", SHOP, [["tea", 0, 0, 0, 0, 1]]],
    "category:*": [
      "category",
      SHOP,
      [
        ["mug", 0, 0, 0, 0, 1],
        ["tea", 0, 0, 0, 0, 1],
      ],
    ],
    "region:east": ["region", SHOP, 0, 0, 0, 0, 2, 4],
    "keyword:绿茶 tea": ["keyword", SHOP, 1],
    "covisit:tea": ["covisit", [["mug", 1]]],
    "covisit:mug": ["covisit", [["tea", 1]]],
    "feedback:coupon": ["feedback", 0, 1, 0, 0, 0],
  });
});

test("no person is part of what leaves", async () => {
  const hops = await hopsOf([line(T0, "product.viewed", { sku: "a" }), { watermark: T0 + SECOND }]);
  expect(keysOf(hops)).toHaveLength(2);
  expect(JSON.stringify(hops)).not.toContain("p_1");
});

test("keywords are compared in one form", () => {
  expect(normalKeyword("Ｔｅａ  Pot")).toBe("tea pot");
  expect([...normalKeyword("茶".repeat(100))]).toHaveLength(64);
});
