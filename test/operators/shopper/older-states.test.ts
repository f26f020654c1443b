import { expect, test } from "vitest";
import { historySpec } from "../../../operators/shopper/history.ts";
import { intentSpec } from "../../../operators/shopper/intent.ts";
import { type IntentFile, readIntents } from "../../../src/config/intents.ts";
import { readTrackingPlan, type TrackingPlan } from "../../../src/config/tracking-plan.ts";
import type { OperatorSpec } from "../../../src/flow/spec.ts";
import { type EventTime, millis } from "../../../src/time/event-time.ts";
import { shippedText, yaml } from "../../config/shipped.ts";
import { ANN, DAY, MIN, T0 } from "./support.ts";

const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value as TrackingPlan;
const intents = readIntents(yaml(shippedText("intents")), plan).value as IntentFile;

/** What a profile shows of a state that an older version of the operator left. */
function shownOf(spec: OperatorSpec, state: unknown, from: number) {
  const operator = spec.make(
    {},
    { timeZone: "Asia/Shanghai", seed: 1, maxAge: millis(DAY), files: { intents } },
  );
  return operator.profile?.(operator.migrate?.(state, from), {
    key: ANN,
    at: T0 as EventTime,
    facts: { get: () => undefined },
    permits: () => true,
  });
}

test("history: what was counted by type goes on", () => {
  const state = {
    first: T0,
    last: T0,
    counts: { "page.viewed": [3, T0], searched: [1, T0 - MIN] },
    traits: {},
    tags: {},
    touches: [],
    origin: "mp",
    armed: true,
  };
  expect(shownOf(historySpec, state, 1)).toMatchObject({
    traits: { origin: "mp" },
    counters: { "page.viewed": 3, searched: 1 },
  });
});

test("intent: odds go on, of before sessions were known only the order", () => {
  const state = {
    session: "s_1",
    evidence: { at: T0, odds: { buy: 8 } },
    probabilities: { browse: 0, buy: 1 },
    clues: [["c1", "cart.added", T0, 8, "cart", "buy"]],
    views: [],
    alternatives: [],
    told: "buy",
    toldProbability: 0.99,
    sku: null,
    category: null,
    orderAt: 0,
    purchase: { at: T0, counts: { "cart.added": 1 } },
  };
  const buyIn = (from: number) => {
    const shown = shownOf(intentSpec, state, from) as { intents: { intent: string }[] };
    return shown.intents.find(({ intent }) => intent === "buy");
  };
  expect(buyIn(2)).toMatchObject({
    probability: expect.closeTo(1, 1),
    evidence: [{ event: "c1", type: "cart.added", weight: 8 }],
  });
  expect(buyIn(1)).toMatchObject({ evidence: [] });
});
