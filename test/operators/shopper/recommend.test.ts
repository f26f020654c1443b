import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ShopEvent } from "../../../operators/event.ts";
import { shopFacts } from "../../../operators/facts.ts";
import { scoringFunctions } from "../../../operators/scoring.ts";
import { intentSpec } from "../../../operators/shopper/intent.ts";
import {
  DEFAULT_WEIGHTS,
  FEATURES,
  kindAdvantage,
  rank,
  vectorOf,
  type Weights,
} from "../../../operators/shopper/rank.ts";
import { readRecommendOptions, recommendSpec } from "../../../operators/shopper/recommend.ts";
import { ruleSpec } from "../../../operators/shopper/rule.ts";
import { answerSlot, planServing } from "../../../operators/shopper/serve.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { Taste } from "../../../operators/shopper/taste.ts";
import { readIntents } from "../../../src/config/intents.ts";
import { readTrackingPlan } from "../../../src/config/tracking-plan.ts";
import { decodePlain, encodePlain } from "../../../src/state/plain.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import { millis } from "../../../src/time/event-time.ts";
import { shippedText, yaml } from "../../config/shipped.ts";
import { type PlayOptions, play, type ScriptLine } from "../../support/play.ts";
import { ANN, clock, DAY, HOUR, line, MIN, shopEvent, T0 } from "./support.ts";

const { value: plan } = readTrackingPlan(yaml(shippedText("tracking-plan")));
if (plan === undefined) throw new Error("the shipped tracking plan is broken");
const { value: intents } = readIntents(yaml(shippedText("intents")), plan);
const lexicon = {
  version: 1,
  negation: { words: [], factor: 0 },
  intents: { seek_aftersales: [{ term: "退货", weight: 3.5 }] },
};
const job = {
  timeZone: "Asia/Shanghai",
  seed: 1,
  maxAge: millis(7 * DAY),
  files: { intents, lexicon },
};
const nodes = (options: unknown = {}) => [
  { operator: sessionSpec.make({}, job), from: ["events"] },
  { operator: intentSpec.make({}, job), from: ["session"] },
  { operator: recommendSpec.make(options, job), from: ["session", "intent"] },
  { operator: ruleSpec.make({}, job), from: ["session", "recommend"] },
];
const run = (script: readonly ScriptLine[], options: object = {}, playOptions: PlayOptions = {}) =>
  play(nodes({ min_score: 0.5, ...options }), script, {
    functions: scoringFunctions,
    factIndex: shopFacts,
    ...playOptions,
  });

const act = (ms: number, type: string, props: ShopEvent["props"] = {}, touchpoint = "mp") =>
  line(shopEvent(ms, type, props, { touchpoint }));
const view = (ms: number, sku: string) => act(ms, "product.viewed", { sku });

/** A shop of ten tents, `t0` to `t9`, the first the most popular. */
const shop: ScriptLine[] = [
  ...Array.from({ length: 10 }, (_, i): ScriptLine => {
    const item = {
      sku: `t${i}`,
      title: `帐篷${i}`,
      category: "tent",
      price_minor: 20_000 + i * 100,
    };
    return { fact: ["catalog", `t${i}`, { ...item, margin: 0.3 }] };
  }),
  {
    fact: ["popular", "tent", Array.from({ length: 10 }, (_, i) => [`t${i}`, 100 - i * 9])],
  },
  {
    fact: [
      "popular",
      "*",
      [
        ["t0", 100],
        ["t1", 90],
        ["t2", 80],
      ],
    ],
  },
  {
    fact: [
      "covisit",
      "t9",
      [
        ["t5", 0.3],
        ["t6", 0.2],
      ],
    ],
  },
  { fact: ["content", "c1", { content_id: "c1", type: "review", about: "t9", channel: "gzh" }] },
  {
    fact: [
      "content",
      "c2",
      { content_id: "c2", type: "review_clip", about: "t9", channel: "channels" },
    ],
  },
  { fact: ["content", "c3", { content_id: "c3", type: "tutorial", about: "t9", channel: "gzh" }] },
];
const stock = (sku: string, onHand: number): ScriptLine => ({
  fact: ["inventory", `w.${sku}`, { site: "w", sku, on_hand: onHand }],
});

const items = (data: Readonly<Record<string, unknown>>) =>
  (data["items"] as Record<string, unknown>[]).map((item) => item["content_id"] ?? item["sku"]);

describe("recommendations", () => {
  test("come from what others met with what the person looks at", async () => {
    const { outputs } = await run([...shop, view(0, "t9")]);
    expect(outputs.map(({ subject }) => subject)).toEqual(["recommendation.mp.product"]);
    const data = outputs[0]?.data ?? {};
    expect(items(data)[0]).toBe("t5");
    expect(data).toMatchObject({
      person: ANN,
      channel: "mp",
      slot: null,
      kind: "product",
      rule: null,
      model_version: "rank-1",
      reason: {
        code: "covisit",
        zh: "看过「帐篷9」的人也看了它",
        evidence: [{ event: "product.viewed" }],
      },
      policy: { class: "marketing", purpose: "marketing" },
      personalized: true,
      supply: { mode: "normal", sellable: null },
    });
    expect(data["rec_id"]).toMatch(/^r_00000000000000a1_[0-9a-f]{12}$/);
  });

  test("what would have won but is sold out is told once, and another takes its place", async () => {
    const { outputs } = await run([...shop, stock("t5", 0), stock("t6", 4), view(0, "t9")]);
    expect(outputs.map(({ subject }) => subject)).toEqual([
      "suppressed.stock",
      "recommendation.mp.product",
    ]);
    expect(outputs[0]?.data).toMatchObject({
      person: ANN,
      reason: "stock",
      sku: "t5",
      replaced_by: "t6",
    });
    expect(outputs[1]?.data).toMatchObject({ supply: { mode: "normal", sellable: 4 } });
  });

  test("one who compares prices is offered a coupon or a group purchase of the thing", async () => {
    const acts = ["t7", "t8", "t9"].map((sku, i) => view(i * MIN, sku));
    const sorted = act(3 * MIN, "product.listed", { category: "tent", sort: "price_asc" });
    const { outputs } = await run([...shop, ...acts, sorted], { every: "1s" });
    const offer = outputs.find(({ subject }) => subject.endsWith(".activity"));
    expect(offer?.data).toMatchObject({
      items: [{ kind: "activity", sku: "t9" }],
      reason: { code: "compare_price" },
    });
  });

  test("one who wants to know more is shown a review where the person usually is, no tutorial", async () => {
    const study = (touchpoint: string) => [
      ...shop,
      act(0, "mp.entered", {}, touchpoint),
      act(1, "page.viewed", { path: "x" }, touchpoint),
      act(MIN, "product.viewed", { sku: "t9", section: "spec", dwell_ms: 90_000 }, touchpoint),
    ];
    const subjects = async (touchpoint: string) =>
      (await run(study(touchpoint))).outputs
        .filter(({ subject }) => subject.startsWith("rec"))
        .map(({ subject, data }) => [subject, ...items(data)].join(" "));
    expect(await subjects("gzh")).toEqual(["recommendation.gzh.info c1"]);
    expect(await subjects("channels")).toEqual(["recommendation.channels.info c2"]);
  });

  test("one who seeks service is offered service and nothing else", async () => {
    const { outputs } = await run(
      [...shop, act(0, "searched", { query: "退货" }), view(MIN, "t9"), view(2 * MIN, "t8")],
      { every: "1s" },
    );
    const recs = outputs.filter(({ subject }) => subject.startsWith("recommendation"));
    expect(new Set(recs.map(({ data }) => data["kind"]))).toEqual(new Set(["service"]));
    expect(recs[0]?.data).toMatchObject({ policy: { class: "service" }, kind: "service" });
  });

  test("what was closed is left alone, by the recommendation's id alone", async () => {
    const seen = view(0, "t9");
    const again = view(2 * DAY, "t9");
    const first = await run([...shop, seen]);
    const recId = first.outputs[0]?.data["rec_id"] as string;
    const later = async (lines: readonly ScriptLine[]) =>
      items((await run([...shop, seen, ...lines, again])).outputs[1]?.data ?? {});
    const closed = act(MIN, "feedback.closed", { rec_id: recId });
    expect(await later([])).toContain("t5");
    expect(await later([closed])).not.toContain("t5");
    expect(await later([act(MIN, "feedback.closed", { rec_id: "r_x" })])).toContain("t5");
  });

  test("no push below the least score, nor is a scorer asked where nothing can reach it", async () => {
    const { outputs, task } = await run([...shop, view(0, "t9"), view(MIN, "t8")], {
      min_score: 0.99,
    });
    expect(outputs).toEqual([]);
    expect(task.scored).toBe(0);
    expect(task.stateOf("recommend", ANN)).toMatchObject({ pushedAt: 0 });
  });

  test("where all that score enough is sold out the next act may ask again", async () => {
    const soldOut = Array.from({ length: 10 }, (_, i) => stock(`t${i}`, 0));
    const { outputs, task } = await run([...shop, ...soldOut, view(0, "t9"), view(MIN, "t8")]);
    expect(new Set(outputs.map(({ subject }) => subject))).toEqual(new Set(["suppressed.stock"]));
    expect(task.scored).toBe(2);
    expect(task.stateOf("recommend", ANN)).toMatchObject({ pushedAt: 0 });
  });

  test("a person of whom nothing is heard is forgotten", async () => {
    const { task } = await run([...shop, view(0, "t9"), clock(40 * DAY)]);
    expect(task.stateOf("recommend", ANN)).toBeUndefined();
    expect(task.keys).toBe(0);
  });
});

describe("laws of recommendation", () => {
  const doing = fc.record({
    pause: fc.integer({ min: 0, max: 20 * MIN }),
    type: fc.constantFrom(
      "product.viewed",
      "product.viewed",
      "cart.added",
      "searched",
      "order.paid",
    ),
    sku: fc.integer({ min: 0, max: 9 }).map((i) => `t${i}`),
    stock: fc.option(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 1 }))),
  });
  interface Doing {
    pause: number;
    type: string;
    sku: string;
    stock: [number, number] | null;
  }
  const scriptOf = (doings: readonly Doing[]) => {
    let ms = 0;
    return doings.flatMap(({ pause, type, sku, stock: told }): ScriptLine[] => {
      ms += pause;
      const props = type === "searched" ? { query: "帐篷" } : { sku };
      const inventory = told === null ? [] : [stock(`t${told[0]}`, told[1])];
      return [...inventory, act(ms, type, props)];
    });
  };

  /** What must not be recommended at each event: sold out or bought, as known there. */
  function forbidden(script: readonly ScriptLine[]): Map<string, Set<string>> {
    const soldOut = new Set<string>();
    const bought = new Set<string>();
    const byEvent = new Map<string, Set<string>>();
    for (const step of script) {
      if ("fact" in step) {
        const { sku, on_hand } = step.fact[2] as { sku: string; on_hand: number };
        if (on_hand > 0) soldOut.delete(sku);
        else soldOut.add(sku);
      } else if ("event" in step) {
        const { id, type, props } = step.event as ShopEvent;
        if (type === "order.paid") bought.add(String(props["sku"]));
        byEvent.set(id, new Set([...soldOut, ...bought]));
      }
    }
    return byEvent;
  }

  test("at most one push in the time, none below the least score, nothing sold out or bought", async () => {
    let recommended = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(doing, { maxLength: 30 }), async (doings) => {
        const script = scriptOf(doings);
        const { outputs } = await run([...shop, ...script]);
        const pushed = outputs.filter(({ subject }) => subject.startsWith("recommendation"));
        const pauses = pushed.slice(1).map(({ time }, i) => time - (pushed[i]?.time ?? 0));
        expect(Math.min(30 * MIN, ...pauses)).toBe(30 * MIN);
        const never = forbidden(script);
        for (const { cause, data } of pushed) {
          recommended += 1;
          expect(data["score"]).toBeGreaterThanOrEqual(0.5);
          for (const sku of items(data)) expect(never.get(cause)).not.toContain(sku);
        }
      }),
      { numRuns: 60 },
    );
    expect(recommended).toBeGreaterThan(60);
  });

  test("the same bytes whether scores are waited for at once or after many records", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(doing, { maxLength: 25 }), async (doings) => {
        const script = [...shop, ...scriptOf(doings)];
        const [at1, at7] = await Promise.all(
          [1, 7].map((settleEvery) => run(script, { every: "5m" }, { settleEvery })),
        );
        expect(at7?.outputs).toEqual(at1?.outputs);
      }),
      { numRuns: 30 },
    );
  });

  test("the ranking has the same bits after a trip to another thread, and follows its weights", () => {
    const vector = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), {
      minLength: FEATURES.length,
      maxLength: FEATURES.length,
    });
    fc.assert(
      fc.property(
        fc.array(vector, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        (candidates, pick) => {
          const weights = FEATURES.map((feature) => DEFAULT_WEIGHTS[feature]);
          const input = { weights, candidates };
          const scores = rank(input);
          expect(rank(decodePlain(encodePlain(input)))).toEqual(scores);
          const i = 1 + (pick % (FEATURES.length - 1));
          const better = candidates.map((features) =>
            features.map((x, j) => (i === j ? x + 1 : x)),
          );
          rank({ weights, candidates: better }).forEach((score, j) => {
            expect(score).toBeGreaterThanOrEqual(scores[j] ?? 0);
            expect(score).toBeLessThanOrEqual(1);
          });
        },
      ),
    );
  });

  test("a vector has every feature in its place", () => {
    const weights: Weights = { ...DEFAULT_WEIGHTS, seen: 11, covisit: 12 };
    expect(vectorOf(weights)).toEqual(FEATURES.map((feature) => weights[feature]));
  });

  test("a kind of recommendation that is clicked more counts more; an unknown one is ordinary", () => {
    expect(kindAdvantage(0, 0, 0)).toBe(0);
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(999), (shown, clicked) => {
        fc.pre(clicked < shown);
        expect(kindAdvantage(shown, clicked + 1, 0)).toBeGreaterThanOrEqual(
          kindAdvantage(shown, clicked, 0),
        );
        expect(Math.abs(kindAdvantage(shown, clicked, 0))).toBeLessThanOrEqual(2);
      }),
    );
  });
});

describe("answers to a page", () => {
  const options = readRecommendOptions({});
  const slot = { slot: "mp.home.first", n: 4 };

  test("a stranger is shown what is popular and in stock; a known person what fits", async () => {
    const played = await run([...shop, stock("t0", 0), stock("t5", 0), view(0, "t9")]);
    const facts = played.task.facts;
    const now = (T0 + HOUR) as EventTime;
    const stranger = planServing(undefined, facts, slot, now, options);
    expect(stranger).toMatchObject({ answer: { personalized: false, keys: ["t1", "t2"] } });
    const taste = played.task.stateOf("recommend", ANN) as Taste;
    const before = structuredClone(taste);
    const plan = planServing(taste, facts, slot, now, options);
    if (!("request" in plan)) throw new Error("nothing to score for a known person");
    const answer = answerSlot(plan.candidates, rank(plan.request.input), facts, slot, "rank-1");
    expect(answer).toMatchObject({ personalized: true, kind: "product", model_version: "rank-1" });
    expect(answer.items).toHaveLength(4);
    expect(answer.keys).not.toContain("t0");
    expect(answer.keys).not.toContain("t5");
    expect(taste).toEqual(before);
  });
});
