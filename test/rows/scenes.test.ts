import { expect, test } from "vitest";
import { ruleOperator } from "../../operators/shopper/rule.ts";
import { sessionSpec } from "../../operators/shopper/session.ts";
import type { SessionSignal, StandingOf } from "../../operators/shopper/signals.ts";
import { readRules } from "../../src/config/rule-file.ts";
import { readTrackingPlan } from "../../src/config/tracking-plan.ts";
import type { Operator } from "../../src/flow/operator.ts";
import { days } from "../../src/time/event-time.ts";
import { shippedText, yaml } from "../config/shipped.ts";
import { DAY, line, shopEvent } from "../operators/shopper/support.ts";
import { play } from "../support/play.ts";

const { value: plan } = readTrackingPlan(yaml(shippedText("tracking-plan")));
if (plan === undefined) throw new Error("the shipped tracking plan is broken");

const RULES = `version: 1
rules:
  - id: short_read
    when: {all: [{event: mp.entered}, {scene: commute}]}
    then: {recommend: {kind: info, offer: clip, channel: mp, value: a minute}}
  - id: long_read
    when: {all: [{event: mp.entered}, {scene: leisure}]}
    then: {recommend: {kind: info, offer: story, channel: mp, value: an evening}}
contact: {}
`;

/** Tells the scene that an event itself names. */
const scene: Operator<SessionSignal, StandingOf, null> = {
  name: "scene",
  version: 1,
  order: "arrival",
  key: ({ person }) => person,
  init: () => null,
  onEvent(signal, state, ctx) {
    const value = signal.kind === "step" ? signal.event.props["scene"] : undefined;
    if (typeof value === "string") {
      const at = ctx.now;
      ctx.emit({ kind: "standing", person: ctx.key, topic: "scene", value, on: true, at });
    }
    return state;
  },
};

test("D16: one person in two scenes gets two different recommendations", async () => {
  const { value: file, problems } = readRules(
    yaml(RULES),
    plan as NonNullable<typeof plan>,
    [],
    "Asia/Shanghai",
  );
  expect(problems).toEqual([]);
  if (file === undefined) return;
  const job = { timeZone: "Asia/Shanghai", seed: 1, maxAge: days(7), files: {} };
  const enters = (ms: number, name: string) => line(shopEvent(ms, "mp.entered", { scene: name }));
  const { outputs } = await play(
    [
      { operator: sessionSpec.make({}, job), from: ["events"] },
      { operator: scene, from: ["session"] },
      { operator: ruleOperator(file, job), from: ["session", "scene"] },
    ],
    [enters(0, "commute"), enters(2 * DAY, "leisure"), enters(4 * DAY, "shopping")],
  );
  expect(outputs.map(({ subject, data }) => [subject, data["rule"]])).toEqual([
    ["recommendation.mp.info", "short_read"],
    ["recommendation.mp.info", "long_read"],
  ]);
});
