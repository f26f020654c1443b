import { expect, test } from "vitest";
import { DAY, HOUR, happens, MIN, saidOf } from "./said.ts";

const NEVER = 0;

/** Tag, on or off, and time after noon. */
async function tagsOf(lines: readonly object[], until: number) {
  const said = await saidOf(lines, until, /^tag\./);
  return said.map(({ subject, at }) => [...subject.split(".").slice(1), at]);
}

const view = (ms: number, category: string) =>
  happens(ms, "product.viewed", { sku: "s1", category });
const consent = (ms: number, status: string) =>
  happens(ms, "privacy.consent", { purpose: "profiling", status });
const ten = (category: string) => Array.from({ length: 10 }, (_, i) => view(i * MIN, category));

/** The score of additions, each [time, weight], as of a time. */
const scoreOf = (adds: readonly (readonly [number, number])[], at: number, halfLife: number) =>
  adds.reduce((sum, [time, weight]) => sum + weight * 2 ** ((time - at) / halfLife), 0);

test("C22: ten digital events make a 科技极客, off by the clock when the score has faded", async () => {
  const [on, off] = await saidOf(ten("digital"), 60 * DAY, /^tag\./);
  const adds = Array.from({ length: 10 }, (_, i) => [i * MIN, 1] as const);
  const reached = adds.slice(0, 10);
  expect(on?.subject).toBe("tag.tech_geek.on");
  expect(on?.at).toBe(9 * MIN);
  expect(on?.data["score"]).toBeCloseTo(scoreOf(reached, 9 * MIN, 30 * DAY), 9);
  expect(off?.subject).toBe("tag.tech_geek.off");
  // The first millisecond at which it is less than 5.
  expect(scoreOf(adds, off?.at ?? NEVER, 30 * DAY)).toBeLessThan(5);
  expect(scoreOf(adds, (off?.at ?? NEVER) - 1, 30 * DAY)).toBeGreaterThanOrEqual(5);
});

test("C22: nine events are not enough, nor are ten of other goods", async () => {
  expect(await tagsOf(ten("digital").slice(0, 9), DAY)).toEqual([]);
  expect(await tagsOf(ten("garden"), DAY)).toEqual([]);
});

test("C23: without consent to profiling nobody is a 母婴宝妈; with it, until it is withdrawn", async () => {
  expect(await tagsOf(ten("baby"), 30 * DAY)).toEqual([]);
  const agreed = [...ten("baby"), consent(HOUR, "granted")];
  expect(await tagsOf(agreed, 2 * HOUR)).toEqual([["mother_baby", "on", HOUR]]);
  expect(await tagsOf([...agreed, consent(3 * HOUR, "withdrawn")], 4 * HOUR)).toEqual([
    ["mother_baby", "on", HOUR],
    ["mother_baby", "off", 3 * HOUR],
  ]);
});

test("C23: withdrawn consent takes every tag; a consent that comes late is judged at its time", async () => {
  expect(await tagsOf([...ten("digital"), consent(HOUR, "withdrawn")], 2 * HOUR)).toEqual([
    ["tech_geek", "on", 9 * MIN],
    ["tech_geek", "off", HOUR],
  ]);
  const late = happens(
    MIN,
    "privacy.consent",
    { purpose: "profiling", status: "granted" },
    { late: HOUR },
  );
  expect(await tagsOf([...ten("baby"), late], 2 * HOUR)).toEqual([["mother_baby", "on", 9 * MIN]]);
});

test("C24: hanfu makes a 国风爱好者", async () => {
  const lines = [
    happens(0, "searched", { query: "汉服 马面裙" }),
    view(MIN, "hanfu"),
    happens(2 * MIN, "cart.added", { sku: "s1", category: "hanfu" }),
    happens(3 * MIN, "order.paid", { order_id: "o1", sku: "s1", category: "hanfu" }),
  ];
  expect(await tagsOf(lines, DAY)).toEqual([["guofeng", "on", 3 * MIN]]);
});

const article = (ms: number, touchpoint = "gzh") =>
  happens(ms, "article.opened", { content_id: "c1", category: "outdoor" }, { touchpoint });
const search = (ms: number, touchpoint = "mp") =>
  happens(ms, "searched", { query: "徒步鞋" }, { touchpoint });
const chat = (ms: number, touchpoint = "group") =>
  happens(ms, "group.message.posted", { group_id: "g", keyword: "camping" }, { touchpoint });

test("C16: an article, a search and a question in the group together are an interest in the outdoors", async () => {
  const [on] = await saidOf([article(0), search(HOUR), chat(2 * HOUR)], 3 * HOUR, /^tag\./);
  expect(on?.subject).toBe("tag.outdoor.on");
  expect(on?.at).toBe(2 * HOUR);
  expect(on?.data["sources"]).toEqual(["group", "gzh", "mp"]);
  expect(on?.data["evidence"]).toMatchObject([
    { event: "article.opened" },
    { event: "searched" },
    { event: "group.message.posted" },
  ]);
});

test("C16: as much from two places only, or from three too far apart, is none", async () => {
  const two = [article(0), search(HOUR), chat(2 * HOUR, "mp"), article(3 * HOUR)];
  expect(await tagsOf(two, 4 * HOUR)).toEqual([]);
  const apart = [article(0), search(29 * DAY), search(29 * DAY + 1), chat(29 * DAY + 2)];
  expect(await tagsOf(apart, 30 * DAY)).toEqual([]);
});

test("B11: a like raises the score of the tag by its weight", async () => {
  const like = happens(20 * MIN, "content.liked", { content_id: "c1", category: "digital" });
  const seven = ten("digital").slice(0, 8);
  expect(await tagsOf(seven, DAY)).toEqual([]);
  const [on] = await saidOf([...seven, like], DAY, /^tag\./);
  const adds = seven.map((_, i) => [i * MIN, 1] as const);
  const before = scoreOf(adds, 20 * MIN, 30 * DAY);
  expect(on?.at).toBe(20 * MIN);
  expect(on?.data["score"]).toBeCloseTo(before + 2, 9);
});
