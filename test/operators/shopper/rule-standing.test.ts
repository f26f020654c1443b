import fc from "fast-check";
import { expect, test } from "vitest";
import { ruleOperator } from "../../../operators/shopper/rule.ts";
import type { StandingOf, Step } from "../../../operators/shopper/signals.ts";
import { readRules } from "../../../src/config/rule-file.ts";
import { readTrackingPlan } from "../../../src/config/tracking-plan.ts";
import { type EventTime, millis } from "../../../src/time/event-time.ts";
import { shippedText, yaml } from "../../config/shipped.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, DAY, HOUR, shopEvent, T0 } from "./support.ts";

type Standings = Readonly<Record<string, string | undefined>>;

/** Rules that fire when a level comes true, told word for word. */
const LEVELS: Readonly<Record<string, (now: Standings) => boolean>> = {
  both: (now) => now["life"] === "churn_risk" && now["affinity"] === "gzh",
  one_not: (now) => now["life"] === "churn_risk" && now["affinity"] !== "gzh",
  either: (now) => now["life"] === "churn_risk" || now["scene"] === "commute",
};
const RULES = `
version: 1
rules:
  - {id: both, when: {all: [{life: churn_risk}, {affinity: gzh}]}, then: {recommend: {offer: coupon, channel: mp, value: v}}}
  - {id: one_not, when: {all: [{life: churn_risk}, {not: {affinity: gzh}}]}, then: {recommend: {offer: coupon, channel: mp, value: v}}}
  - {id: either, when: {any: [{life: churn_risk}, {scene: commute}]}, then: {recommend: {offer: coupon, channel: mp, value: v}}}
  - {id: carts, when: {all: [{event: cart.added}, {affinity: gzh}]}, then: {recommend: {offer: coupon, channel: mp, value: v}}}
  - {id: waits, when: {all: [{absent: {after: {event: cart.added}, key: [sku], within: 1h, of: [{event: order.paid, match: [sku]}]}}, {affinity: gzh}]}, then: {recommend: {offer: coupon, channel: mp, value: v}}}
contact: {pages: [mp], stale_after: 30d}
`;

const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value;
if (plan === undefined) throw new Error("the shipped tracking plan is broken");
const file = readRules(yaml(RULES), plan, [], "UTC").value;
if (file === undefined) throw new Error("these rules are broken");
const job = { timeZone: "UTC", seed: 1, maxAge: millis(7 * DAY), files: {} };

/** A cart is filled, or the person stands somewhere else. */
type Happened = { readonly ms: number } & (
  | { readonly topic: "cart" }
  | { readonly topic: "life" | "affinity" | "scene"; readonly value: string }
);
const standing = (topic: "life" | "affinity" | "scene", ...values: string[]) =>
  fc.record({
    ms: fc.integer({ min: 0, max: 6 * HOUR }),
    topic: fc.constant(topic),
    value: fc.constantFrom(...values),
  });
const happened: fc.Arbitrary<Happened[]> = fc.uniqueArray(
  fc.oneof(
    standing("life", "churn_risk", "active", "new"),
    standing("affinity", "gzh", "mp", "channels"),
    standing("scene", "commute", "home"),
    fc.record({ ms: fc.integer({ min: 0, max: 6 * HOUR }), topic: fc.constant("cart" as const) }),
  ),
  { selector: ({ ms }) => ms, minLength: 1, maxLength: 30 },
);

const signalOf = (one: Happened): StandingOf | Step => {
  const at = (T0 + one.ms) as EventTime;
  if (one.topic === "cart") {
    const event = shopEvent(one.ms, "cart.added", { sku: "A" });
    return { kind: "step", person: ANN, event, session: null };
  }
  return { kind: "standing", person: ANN, topic: one.topic, value: one.value, on: true, at };
};

/** By rule, when it fires, by the whole history in order. */
function slowly(all: readonly Happened[]): Record<string, number[]> {
  const fired: Record<string, number[]> = {
    both: [],
    one_not: [],
    either: [],
    carts: [],
    waits: [],
  };
  const before = (ms: number): Standings => {
    const now: Record<string, string> = {};
    for (const one of all) if (one.ms <= ms && one.topic !== "cart") now[one.topic] = one.value;
    return now;
  };
  let due = -1;
  for (const { ms, topic } of all) {
    for (const [rule, holds] of Object.entries(LEVELS)) {
      if (holds(before(ms)) && !holds(before(ms - 1))) fired[rule]?.push(ms);
    }
    if (topic !== "cart") continue;
    if (before(ms)["affinity"] === "gzh") fired["carts"]?.push(ms);
    if (ms <= due) continue;
    due = ms + HOUR;
    if (before(due)["affinity"] === "gzh") fired["waits"]?.push(due);
  }
  return fired;
}

test("law: a rule fires whenever what it asks of standings comes true, wherever else people stand before", async () => {
  let fired = 0;
  await fc.assert(
    fc.asyncProperty(happened, async (some) => {
      const all = some.toSorted((a, b) => a.ms - b.ms);
      const script = all.flatMap((one): ScriptLine[] => [
        { watermark: T0 + one.ms - 5000 },
        { at: T0 + one.ms, key: ANN, event: signalOf(one), id: `e${one.ms}` },
      ]);
      const { outputs } = await play(
        [{ operator: ruleOperator(file, job), from: ["events"] }],
        [...script, { watermark: T0 + DAY }],
      );
      const slow = slowly(all);
      for (const [rule, times] of Object.entries(slow)) {
        const told = outputs.filter(({ data }) => data["rule"] === rule);
        expect(
          told.map(({ data }) => Date.parse(String(data["at"])) - T0),
          rule,
        ).toEqual(times);
        fired += times.length;
      }
    }),
    { numRuns: 300 },
  );
  expect(fired).toBeGreaterThan(300);
});
