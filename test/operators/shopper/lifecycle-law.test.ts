import fc from "fast-check";
import { expect, test } from "vitest";
import type { Stage, StageRules } from "../../../operators/shopper/life-stage.ts";
import { lifecycleOperator } from "../../../operators/shopper/lifecycle.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { Output } from "../../../src/flow/output.ts";
import { days, type Millis } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { clock, DAY, HOUR, line, shopEvent, T0 } from "./support.ts";

/**
 * Random lives in random disorder: what was told, corrections applied, is at every moment what the
 * rules say word for word of all that happened.
 */

const MAX_AGE = days(10);
const END = 70 * DAY;

interface Act {
  readonly at: number;
  readonly isPaid: boolean;
  readonly delay: number;
}

const act: fc.Arbitrary<Act> = fc.record({
  // Half days, and a millisecond beside them: edges are met often.
  at: fc
    .tuple(fc.integer({ min: 1, max: 90 }), fc.constantFrom(-1, 0, 0, 0, 1))
    .map(([halves, beside]) => halves * 12 * HOUR + beside),
  isPaid: fc.boolean(),
  delay: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0, max: 10 }).map((n) => n * DAY),
  ),
});
const acts = fc.array(act, { minLength: 1, maxLength: 14 });
const length = (least: number, most: number) =>
  fc.integer({ min: least, max: most }).map((n) => days(n));
const rules: fc.Arbitrary<StageRules> = fc.record({
  newFor: length(1, 12),
  often: fc.record({ orders: fc.integer({ min: 1, max: 3 }), within: length(1, 12) }),
  dormantAfter: length(8, 20),
  churn: fc.record({ times: fc.constantFrom(1, 1.5, 2, 3), least: length(1, 9) }),
});

/** The rules as they are told to people; undefined before anything is known. */
function stageBySpec(all: readonly Act[], t: number, rule: StageRules): Stage | undefined {
  const done = all.filter(({ at }) => at <= t).map(({ at }) => at);
  if (done.length === 0) return undefined;
  const bought = all.filter(({ at, isPaid }) => isPaid && at <= t).map(({ at }) => at);
  bought.sort((a, b) => a - b);
  if (t - Math.max(...done) >= rule.dormantAfter) return "dormant";
  const gaps = bought
    .slice(1)
    .map((at, i) => at - (bought[i] as number))
    .filter((gap) => gap >= DAY)
    .slice(-4)
    .sort((a, b) => a - b);
  if (gaps.length > 0) {
    const half = gaps.length / 2;
    const median =
      gaps.length % 2 === 1
        ? (gaps[Math.floor(half)] as number)
        : ((gaps[half - 1] as number) + (gaps[half] as number)) / 2;
    const allowed = Math.max(Math.floor(median * rule.churn.times), rule.churn.least);
    if (t - (bought.at(-1) as number) > allowed) return "churn_risk";
  }
  const lately = bought.filter((at) => t - at <= rule.often.within);
  if (lately.length >= rule.often.orders) return "active";
  const since = bought[0] ?? Math.min(...done);
  return t - since <= rule.newFor ? "new" : "active";
}

/** Turns that stand after all corrections, oldest first. */
function standing(outputs: readonly Output[]) {
  const turns = new Map<string, { readonly at: number; readonly stage: unknown }>();
  for (const { id, data } of outputs) {
    const { supersedes, stage, reason, at } = data;
    if (typeof supersedes === "string") turns.delete(supersedes);
    if (reason !== "corrected") turns.set(id, { at: Date.parse(String(at)) - T0, stage });
  }
  return [...turns.values()].sort((a, b) => a.at - b.at);
}

/** Times at which something may turn, each with its neighbours, and a coarse grid. */
function probes(all: readonly Act[], rule: StageRules, told: readonly { readonly at: number }[]) {
  const spans = [0, rule.newFor, rule.often.within, rule.dormantAfter, rule.churn.least];
  const edges = all.flatMap(({ at }) => spans.map((span) => at + span));
  const near = [...edges, ...told.map(({ at }) => at)].flatMap((at) => [at - 1, at, at + 1]);
  for (let t = 0; t <= END; t += 8 * HOUR) near.push(t);
  return near.filter((t) => t >= 0 && t <= END);
}

async function live(all: readonly Act[], rule: StageRules, hotRows = 1000): Promise<Output[]> {
  const job = { timeZone: "Asia/Shanghai", seed: 1, maxAge: MAX_AGE, files: {} };
  const arriving = all.toSorted((a, b) => a.at + a.delay - (b.at + b.delay));
  const script = arriving.flatMap(({ at, isPaid, delay }, i): ScriptLine[] => {
    const type = isPaid ? "order.paid" : "page.viewed";
    const over = { clientId: `a${i}`, id: `${i}`.padStart(32, "0") };
    return [clock(at + delay - 1), line(shopEvent(at, type, {}, over))];
  });
  const nodes = [
    { operator: sessionSpec.make({}, job), from: ["events"] },
    { operator: lifecycleOperator(rule, MAX_AGE, (400 * DAY) as Millis), from: ["session"] },
  ];
  const { outputs } = await play(nodes, [...script, clock(END)], { hotRows });
  return outputs;
}

test("C28–C31: what is told of a life is what the rules say of all of it, in whatever order it came", async () => {
  await fc.assert(
    fc.asyncProperty(acts, rules, async (all, rule) => {
      const outputs = await live(all, rule);
      const turns = standing(outputs);
      for (const t of probes(all, rule, turns)) {
        const told = turns.findLast(({ at }) => at <= t)?.stage;
        if (told !== stageBySpec(all, t, rule)) {
          expect({ t, stage: told }).toEqual({ t, stage: stageBySpec(all, t, rule) });
        }
      }
      // Whoever goes by the last message alone is right.
      expect(outputs.at(-1)?.data["stage"]).toBe(stageBySpec(all, END, rule));
    }),
    { numRuns: 300 },
  );
});

test("a life kept as bytes between any two events is told the same", async () => {
  await fc.assert(
    fc.asyncProperty(acts, rules, async (all, rule) => {
      expect(await live(all, rule, 0)).toEqual(await live(all, rule, 1000));
    }),
    { numRuns: 30 },
  );
});

test("the state of somebody who buys every day for a year stays small", async () => {
  const all = Array.from({ length: 365 }, (_, i) => ({ at: i * DAY, isPaid: true, delay: 0 }));
  const rule: StageRules = {
    newFor: days(30),
    often: { orders: 2, within: days(30) },
    dormantAfter: days(60),
    churn: { times: 2, least: days(14) },
  };
  const outputs = await live(all, rule);
  expect(outputs.map(({ data }) => data["stage"])).toEqual(["new", "active"]);
});
