import fc from "fast-check";
import { expect, test } from "vitest";
import { covisitSpec } from "../../../operators/demand/covisit.ts";
import { learningSpec } from "../../../operators/demand/learning.ts";
import { popularitySpec } from "../../../operators/demand/popularity.ts";
import { publisherSpec } from "../../../operators/demand/publisher.ts";
import { addTo, newRanking, scaleAt, top } from "../../../operators/demand/ranking.ts";
import type { Output } from "../../../src/flow/output.ts";
import { type Line, playDemand, T0 } from "./support.ts";

const MINUTE = 60_000;
const job = { timeZone: "UTC", seed: 1, maxAge: 0 as never, files: {} };
const nodes = (options: { covisit?: object; publisher?: object } = {}) => [
  { operator: popularitySpec.make({}, job), from: ["events"] },
  { operator: covisitSpec.make(options.covisit ?? {}, job), from: ["events"] },
  { operator: learningSpec.make({}, job), from: ["events"] },
  {
    operator: publisherSpec.make(options.publisher ?? {}, job),
    from: ["popularity", "covisit", "learning"],
  },
];

/** The last value of each fact, and how many messages it took. */
function facts(outputs: readonly Output[]): { known: Map<string, unknown>; messages: number } {
  const known = new Map<string, unknown>();
  const told = outputs.filter(({ subject }) => subject.startsWith("in.knowledge."));
  for (const { subject, data } of told) {
    expect(subject).toMatch(new RegExp(`^in\\.knowledge\\.${data["kind"]}\\.\\d+$`));
    for (const [key, value] of Object.entries(data["entries"] as object)) {
      known.set(`${data["kind"]} ${key}`, value);
    }
  }
  return { known, messages: told.length };
}
const category = (at: number, key: string, skus: [string, number, number][]): Line => ({
  at,
  key: `category:${key}`,
  payload: [
    "category",
    [T0, 100, 100],
    skus.map(([sku, views, orders]) => [sku, views, 0, 0, 0, orders]),
  ],
});
const covisit = (at: number, a: string, pairs: [string, number][]): Line => ({
  at,
  key: `covisit:${a}`,
  payload: ["covisit", pairs],
});

test("popularity: the heaviest first, older weight decays, orders weigh six views", async () => {
  const lines = [
    category(T0, "tea", [
      ["old", 10, 0],
      ["sold", 0, 2],
    ]),
    category(T0 + 360 * MINUTE, "tea", [["new", 8, 0]]),
  ];
  const { outputs } = await playDemand(nodes(), lines, T0 + 362 * MINUTE);
  // Six hours are one half-life: old 10 → 5, sold 12 → 6, new 8; a minute later a little less.
  const value = facts(outputs).known.get("popular tea") as [string, number][];
  expect(value.map(([sku]) => sku)).toEqual(["new", "sold", "old"]);
  expect(value[0]?.[1]).toBeCloseTo(8, 1);
  expect(value[1]?.[1]).toBeCloseTo(6, 1);
});

test("only changes are told, in few messages, and what is over is taken back", async () => {
  const lines = Array.from({ length: 100 }, (_, i) => covisit(T0 + i, `a${i}`, [["b", 1]])).flatMap(
    (line) => [line, { ...line, at: line.at + 1000 }],
  );
  lines.sort((a, b) => a.at - b.at);
  const played = await playDemand(nodes(), lines, T0 + 10 * MINUTE);
  const { known, messages } = facts(played.outputs);
  expect(known.size).toBe(100);
  expect(messages).toBeLessThanOrEqual(100);
  const ids = played.outputs.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const months = await playDemand(nodes(), lines, T0 + 60 * 24 * 60 * MINUTE, { hotRows: 1000 });
  const after = facts(months.outputs);
  expect([...after.known.values()].every((value) => value === null)).toBe(true);
  expect(months.task.pendingTimers).toBe(0);
});

test("co-visits: a share of the item's meetings, shrunk; one meeting is none", async () => {
  const lines = [
    covisit(T0, "tea", [
      ["mug", 2],
      ["once", 1],
    ]),
    covisit(T0 + 1000, "tea", [["mug", 2]]),
  ];
  const { outputs } = await playDemand(nodes(), lines, T0 + 2 * MINUTE);
  // 4 of 5 meetings, 5 more with nobody: 4 / 10; decay of a minute at most is below a thousandth.
  const value = facts(outputs).known.get("covisit tea") as [string, number][];
  expect(value).toHaveLength(1);
  expect(value[0]?.[0]).toBe("mug");
  expect(value[0]?.[1]).toBeCloseTo(0.4, 2);
});

test("learning: click-through and conversion per kind, of what was shown", async () => {
  const lines: Line[] = [
    { at: T0, key: "feedback:coupon", payload: ["feedback", 8, 2, 0, 1, 3] },
    { at: T0 + 1, key: "feedback:article", payload: ["feedback", 4, 3, 1, 0, 0] },
  ];
  const { outputs } = await playDemand(nodes(), lines, T0 + 2 * MINUTE);
  const kpis = outputs
    .filter(({ subject }) => subject.startsWith("kpi."))
    .map(({ subject, data }) => [subject, data["kind"], data["value"], data["shown"]]);
  expect(kpis.sort()).toEqual([
    ["kpi.conversion", "article", 0, 4],
    ["kpi.conversion", "coupon", 0.125, 8],
    ["kpi.ctr", "article", 0.75, 4],
    ["kpi.ctr", "coupon", 0.25, 8],
  ]);
  expect(facts(outputs).known.get("kinds article")).toEqual({
    shown: 4,
    clicked: 3,
    purchased: 0,
  });
});

test("a message holds at most max_entries", async () => {
  const lines = Array.from({ length: 50 }, (_, i) => category(T0 + i, `c${i}`, [["a", 1, 0]]));
  const shards = { publisher: { shards: 1, linger: "2m", max_entries: 20 } };
  const { outputs } = await playDemand(nodes(shards), lines, T0 + 10 * MINUTE);
  const sizes = outputs.map(({ data }) => Object.keys(data["entries"] as object).length);
  expect(sizes.reduce((a, b) => a + b, 0)).toBe(50);
  expect(Math.max(...sizes)).toBe(20);
});

test("a bounded ranking never misses a key that has more than its share", () => {
  const stream = fc.array(
    fc.oneof(fc.constantFrom("hot", "warm"), fc.integer({ min: 0, max: 60 }).map(String)),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(stream, (keys) => {
      const bound = 10;
      const ranking = newRanking(0);
      const counts = new Map<string, number>();
      for (const key of keys) {
        addTo(ranking, key, scaleAt(ranking, 0, 1), bound);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const kept = top(ranking, { n: bound, support: 1, at: 0, halfLife: 1 });
      for (const [key, count] of counts) {
        if (count <= keys.length / bound) continue;
        const weight = kept.find(([name]) => name === key)?.[1];
        expect(weight).toBeGreaterThanOrEqual(count);
      }
    }),
  );
});

test("weights are kept in range however long a ranking lives", () => {
  const ranking = newRanking(0);
  for (let day = 0; day < 400; day += 1) {
    addTo(ranking, "a", scaleAt(ranking, day * 24, 6), 5);
  }
  const [[, weight] = ["", 0]] = top(ranking, { n: 1, support: 1, at: 399 * 24, halfLife: 6 });
  // 1 + 1/16 + 1/256 + …
  expect(weight).toBeCloseTo(16 / 15, 9);
});
