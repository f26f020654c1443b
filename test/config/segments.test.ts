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

test("high_value_interest: three premium views and no premium order within 30 days", () => {
  const file = segmentsOf(shippedText("segments"));
  const premium = { field: { of: "sku", name: "line" }, tests: [{ op: "eq", value: "premium" }] };
  const views = { index: 0, name: "premium_view", events: ["product.viewed"], where: [premium] };
  const orders = { index: 1, name: undefined, events: ["order.paid"], where: [premium] };
  expect(file.timeZone).toBe("Asia/Shanghai");
  expect(file.matchers).toEqual([views, orders]);
  expect(file.segments).toEqual([
    {
      id: "high_value_interest",
      title: "高价值兴趣群组",
      goal: "conversion",
      leave: null,
      hash: expect.stringMatching(/^[0-9a-f]{16}$/),
      when: {
        op: "all",
        of: [
          { op: "count", of: views, within: days(30), atLeast: 3, distinct: "event", same: null },
          { op: "none", of: orders, within: days(30) },
        ],
      },
    },
  ]);
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
