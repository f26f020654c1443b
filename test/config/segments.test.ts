import { expect, test } from "vitest";
import type { SegmentFile } from "../../src/config/segment-ast.ts";
import { readSegments } from "../../src/config/segments.ts";
import { readTrackingPlan } from "../../src/config/tracking-plan.ts";
import { days } from "../../src/time/event-time.ts";
import { shippedText, yaml } from "./shipped.ts";

const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value;
if (plan === undefined) throw new Error("the shipped tracking plan is broken");

function segmentsOf(text: string): SegmentFile {
  const { value, problems } = readSegments(
    yaml(text),
    plan as NonNullable<typeof plan>,
    "Asia/Tokyo",
  );
  if (value === undefined) throw new Error(problems.map((p) => p.message).join("; "));
  return value;
}
const one = (when: string) => segmentsOf(`version: 1\nsegments:\n  - {id: a, when: ${when}}\n`);
const firstTests = (where: string, event = "product.viewed") =>
  one(`{none: {within: 1d, of: {event: ${event}, where: {${where}}}}}`).matchers[0]?.where;

const matcherOf = (file: SegmentFile, name: string) =>
  file.matchers.find((matcher) => matcher.name === name);

test("the shipped segments mean what the examples say", () => {
  const file = segmentsOf(shippedText("segments"));
  const [high, service, science, price] = file.segments;
  const view = matcherOf(file, "premium_view");
  const premium = { field: { of: "sku", name: "line" }, tests: [{ op: "eq", value: "premium" }] };
  expect(file.timeZone).toBe("Asia/Shanghai");
  expect(view).toMatchObject({ events: ["product.viewed"], where: [premium] });
  expect(high).toEqual({
    id: "high_value_interest",
    title: "高价值兴趣群组",
    goal: "conversion",
    leave: null,
    hash: expect.stringMatching(/^[0-9a-f]{16}$/),
    when: {
      op: "all",
      of: [
        { op: "count", of: view, within: days(30), atLeast: 3, distinct: "event", same: null },
        { op: "none", of: expect.objectContaining({ where: [premium] }), within: days(30) },
      ],
    },
  });
  expect(service).toMatchObject({
    goal: "churn",
    when: {
      op: "sum",
      field: "dur_ms",
      bound: { op: "more_than", value: 900_000 },
      within: null,
      per: { latest: matcherOf(file, "order_paid"), key: "order_id" },
    },
  });
  expect(science).toMatchObject({
    goal: "stickiness",
    when: { op: "run", atLeast: 3, distinct: "content_id", maxGap: days(30) },
    leave: { after: days(30), unless: matcherOf(file, "science") },
  });
  expect(price?.when).toMatchObject({ op: "any", of: [{}, {}, { distinct: "coupon_id" }] });
});

test.each([
  ["{in: b}", { op: "standing", topic: "segment", value: "b" }],
  ["{intent: buy}", { op: "standing", topic: "intent", value: "buy" }],
  ["{tag: tech_geek}", { op: "standing", topic: "tag", value: "tech_geek" }],
  [
    "{decay: {add: {paid: 8, spent: {weight: 0.01, field: total_minor}}, half_life: 30d, on_at: 20, off_at: 12}}",
    {
      op: "decay",
      add: [
        { weight: 8, field: null },
        { weight: 0.01, field: "total_minor" },
      ],
      halfLife: days(30),
      onAt: 20,
      offAt: 12,
    },
  ],
  [
    "{owns: {age_over: 730d}}",
    { op: "owns", of: { events: ["order.received"] }, ageOver: days(730) },
  ],
  [
    "{sum: {of: paid, field: total_minor, at_least: 100000, within: 90d}}",
    { op: "sum", bound: { op: "at_least", value: 100_000 }, within: days(90), per: null },
  ],
  [
    "{count: {of: {event: product.viewed}, within: 1d, at_least: 2, distinct: sku, same: category}}",
    { op: "count", distinct: "sku", same: "category" },
  ],
  [
    "{none: {within: 1d, of: {event: group.message.posted, where: {keyword: {in: dict.size}}}}}",
    { of: { where: [{ tests: [{ op: "in", values: ["k1", "k2"] }] }] } },
  ],
])("when %s", (when, read) => {
  const file = segmentsOf(`version: 1
dict: {size: [k1, k2]}
let: {paid: {event: order.paid}, spent: {event: order.paid, where: {total_minor: {gt: 0}}}}
segments:
  - {id: a, when: ${when}}
  - {id: b, when: {none: {of: paid, within: 1d}}}
`);
  expect(file.segments.find(({ id }) => id === "a")?.when).toMatchObject(read);
});

test.each([
  ["{in: nobody}", "NAME_UNKNOWN", /`a`|Choose|one of/],
  ["{in: a}", "GRAPH_CYCLE", /Write out/],
  ["{intent: compare_prices}", "NAME_UNKNOWN", /`compare_price`/],
  ["{life: churned}", "NAME_UNKNOWN", /churn_risk/],
  ["{affinity: ghz}", "NAME_UNKNOWN", /`gzh`/],
  [
    "{sum: {of: paid, field: total_minor, more_than: 1, within: 1d, per: {latest: paid, key: order_id}}}",
    "KEY_UNKNOWN",
    /per/,
  ],
  ["{sum: {of: paid, field: total_minor, more_than: 1}}", "KEY_MISSING", /within/],
  ["{sum: {of: paid, field: source, more_than: 1, within: 1d}}", "TYPE_WRONG", /number/],
  [
    "{sum: {of: {event: cs.ended}, field: dur_ms, more_than: 15 minutes, within: 1d}}",
    "UNIT_MISMATCH",
    /15m/,
  ],
  ["{sum: {of: paid, field: total, more_than: 1, within: 1d}}", "PROPERTY_UNKNOWN", /total_minor/],
  ["{run: {of: paid, among: paid, at_least: 3, more_than: 2}}", "KEY_UNKNOWN", /at_least/],
  ["{run: {of: paid, among: unpaid, at_least: 3}}", "NAME_UNKNOWN", /paid/],
  ["{count: {of: paid, within: 1d, at_least: 2, distinct: colour}}", "PROPERTY_UNKNOWN", /./],
  ["{decay: {add: {paid: 1}, on_at: 1, off_at: 2}}", "VALUE_RANGE", /lower/],
  ["{owns: {age_over: 9999d}}", "VALUE_RANGE", /3650d/],
  [
    "{none: {within: 1d, of: {event: searched, where: {query: {in: dict.sizes}}}}}",
    "NAME_UNKNOWN",
    /size/,
  ],
])("a mistake is told: when %s", (when, code, remedy) => {
  const text = `version: 1
dict: {size: [k1]}
let: {paid: {event: order.paid}}
segments:
  - {id: a, when: ${when}}
`;
  const { value, problems } = readSegments(yaml(text), plan as NonNullable<typeof plan>, "UTC");
  expect(value).toBeUndefined();
  expect(problems.map((problem) => problem.code)).toEqual([code]);
  expect(problems[0]?.remedy).toMatch(remedy);
  expect(problems[0]?.line).toBe(5);
});

test("a segment comes after those that it names, and `leave` is part of its meaning", () => {
  const file = segmentsOf(`version: 1
let: {paid: {event: order.paid}}
segments:
  - {id: a, when: {in: b}}
  - {id: b, when: {none: {of: paid, within: 1d}}}
  - {id: c, when: {none: {of: paid, within: 1d}}, leave: {after: 2d, unless: paid}}
`);
  expect(file.segments.map(({ id }) => id)).toEqual(["b", "a", "c"]);
  const [b, , c] = file.segments;
  expect(b?.hash).not.toBe(c?.hash);
});

test.each([
  ["sku: a", [{ op: "eq", value: "a" }]],
  [
    "dwell_ms: {gte: 15m, lt: 3600000}",
    [
      { op: "gte", value: 900_000 },
      { op: "lt", value: 3_600_000 },
    ],
  ],
  ["section: {in: [spec, review]}", [{ op: "in", values: ["spec", "review"] }]],
  [
    "title: {any: [ABC, 价格], prefix: x}",
    [
      { op: "any", texts: ["abc", "价格"] },
      { op: "prefix", text: "x" },
    ],
  ],
  ["price_minor: 2000", [{ op: "eq", value: 2000 }]],
])("where {%s}", (where, tests) => {
  expect(firstTests(where)?.[0]?.tests).toEqual(tests);
});

test("a share is a ratio, and a fact may be read where the event names its thing", () => {
  expect(firstTests("completion: {gte: 90%}", "article.read")?.[0]?.tests).toEqual([
    { op: "gte", value: 0.9 },
  ]);
  expect(firstTests("content.category: science", "article.opened")?.[0]?.field).toEqual({
    of: "content",
    name: "category",
  });
});

test("more_than n is at least n + 1; the time zone of the job holds where none is named", () => {
  const file = one("{count: {of: {event: order.paid}, within: 1w, more_than: 2}}");
  expect(file.segments[0]?.when).toMatchObject({ op: "count", atLeast: 3, within: days(7) });
  expect(file.timeZone).toBe("Asia/Tokyo");
});

test("equal matchers are one, and a segment's hash depends on its meaning alone", () => {
  const named = `version: 1
let: {b: {event: order.paid, where: {sku: x}}}
segments:
  - {id: a, when: {none: {of: b, within: 1d}}}
  - {id: b, when: {none: {of: {event: order.paid, where: {sku: x}}, within: 24h}}}
  - {id: c, when: {none: {of: {event: order.paid, where: {source: x}}, within: 24h}}}
`;
  const file = segmentsOf(named);
  const [a, b, c] = file.segments;
  expect(file.matchers.map(({ index }) => index)).toEqual([0, 1]);
  expect(a?.hash).toBe(b?.hash);
  expect(a?.hash).not.toBe(c?.hash);
});

test("a mistake deep within alternatives is found as fast as the file is long", () => {
  const deep = `${"{all: [".repeat(13)}{cuont: 1}${"]}".repeat(13)}`;
  const lines = Array.from({ length: 300 }, (_, i) => `  - {id: a${i}, when: ${deep}}`);
  const text = `version: 1\nsegments:\n${lines.join("\n")}\n`;
  const { problems } = readSegments(yaml(text), plan as NonNullable<typeof plan>, "UTC");
  expect(problems[0]?.message).toBe("unknown key `cuont`");
  expect(problems[0]?.remedy).toMatch(/count/);
});
