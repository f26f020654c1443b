import { expect, test } from "vitest";
import { ConditionReader } from "../../src/config/condition-reader.ts";
import type { TriggerSource } from "../../src/config/condition-schema.ts";
import { MatcherReader } from "../../src/config/matcher-reader.ts";
import { readTrackingPlan } from "../../src/config/tracking-plan.ts";
import { TriggerReader } from "../../src/config/trigger-reader.ts";
import { days, hours } from "../../src/time/event-time.ts";
import { shippedText, yaml } from "./shipped.ts";

const { value: plan } = readTrackingPlan(yaml(shippedText("tracking-plan")));
if (plan === undefined) throw new Error("the shipped tracking plan is broken");

function read(text: string) {
  const file = yaml(`when: ${text}`);
  const let_ = { paid: { event: "order.paid" }, added: { event: "cart.added" } };
  const matchers = new MatcherReader(file, plan as NonNullable<typeof plan>, { let: let_ });
  const conditions = new ConditionReader(matchers, ["price_sensitive"]);
  const reader = new TriggerReader(matchers, conditions, plan as NonNullable<typeof plan>);
  const { when } = file.value as { when: TriggerSource };
  return { trigger: reader.trigger(when, ["when"]), problems: matchers.problems };
}

test.each([
  ["{event: order.received}", { op: "event", of: { events: ["order.received"], where: [] } }],
  ["{of: paid}", { op: "event", of: { name: "paid" } }],
  ["{in: price_sensitive}", { op: "becomes", when: { topic: "segment" } }],
  [
    "{all: [{intent: learn_features}, {affinity: gzh}]}",
    { op: "becomes", when: { op: "all", of: [{ topic: "intent" }, { topic: "affinity" }] } },
  ],
  [
    "{all: [{owns: {age_over: 730d}}, {event: product.viewed}]}",
    { op: "guard", trigger: { op: "event" }, when: { op: "all", of: [{ op: "owns" }] } },
  ],
  [
    "{any: [{of: paid}, {life: churn_risk}]}",
    { op: "any", of: [{ op: "event" }, { op: "becomes" }] },
  ],
  [
    "{absent: {after: added, key: [pid, sku], within: 24h, of: [{of: paid, match: [sku]}, {event: cart.removed, match: [sku]}]}}",
    {
      op: "absent",
      key: ["sku"],
      within: hours(24),
      of: [{ match: ["sku"] }, { match: ["sku"] }],
      restart: "keep",
    },
  ],
  [
    "{sequence: [{as: live, event: live.left, where: {live.kind: launch, completion: {gte: 0.9}}}, {next: {event: mp.entered}, within: 30d}]}",
    {
      op: "sequence",
      steps: [
        { as: "live", within: null },
        { as: "step2", within: days(30) },
      ],
    },
  ],
  [
    "{after: {event: order.received}, delay: 90d, repeat: true, until: {event: service.done, match: [sku]}}",
    { op: "after", delay: days(90), repeat: true, until: { match: ["sku"] } },
  ],
  [
    "{score: {of: {paid: 10, added: 1}, tiers: {gold: 50, silver: 20}}}",
    { op: "score", halfLife: null, tiers: [{ name: "silver" }, { name: "gold" }] },
  ],
  [
    "{score: {of: {added: {weight: 2, limit: {distinct: sku, every: 1d}}}}}",
    { op: "score", tiers: [], add: [{ limit: { distinct: "sku", max: 64, every: days(1) } }] },
  ],
])("when %s", (text, trigger) => {
  const found = read(text);
  expect(found.problems).toEqual([]);
  expect(found.trigger).toMatchObject(trigger);
});

test.each([
  ["{all: [{of: paid}, {of: added}]}", "VALUE_INVALID", /sequence/],
  [
    "{absent: {after: added, key: [sku], within: 24h, of: [{event: mp.entered, match: [sku]}]}}",
    "PROPERTY_UNKNOWN",
    /./,
  ],
  [
    "{absent: {after: added, within: 24h, of: [{of: paid, match: [sku]}]}}",
    "VALUE_INVALID",
    /Name none/,
  ],
  ["{sequence: [{next: paid}, {next: added}]}", "KEY_UNKNOWN", /as: first/],
  ["{sequence: [{of: paid}, {of: added, as: b}]}", "KEY_MISSING", /next/],
  ["{after: paid, delay: 30m, repeat: true}", "VALUE_RANGE", /1h/],
  ["{after: {event: mp.entered}, delay: 30m}", "PROPERTY_UNKNOWN", /./],
  [
    "{score: {of: {added: {weight: 2, limit: {distinct: service, every: 1d}}}}}",
    "PROPERTY_UNKNOWN",
    /./,
  ],
  ["{after: {event: order.received}, delay: sku.weekday}", "PROPERTY_UNKNOWN", /facts/],
])("a mistake is told: when %s", (text, code, remedy) => {
  const { problems } = read(text);
  expect(problems.map((problem) => problem.code)).toContain(code);
  expect(problems.find((problem) => problem.code === code)?.remedy).toMatch(remedy);
});
