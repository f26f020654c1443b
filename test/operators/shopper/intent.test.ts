import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { INTENTS, type ShopEvent } from "../../../operators/event.ts";
import {
  addEvidence,
  noEvidence,
  probabilitiesOf,
} from "../../../operators/shopper/evidence-filter.ts";
import { intentSpec } from "../../../operators/shopper/intent.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { IntentSignal } from "../../../operators/shopper/signals.ts";
import { WordFinder } from "../../../operators/shopper/words.ts";
import { type IntentFile, readIntents } from "../../../src/config/intents.ts";
import { readLexicon } from "../../../src/config/lexicon.ts";
import { readTrackingPlan, type TrackingPlan } from "../../../src/config/tracking-plan.ts";
import { type EventTime, millis, minutes } from "../../../src/time/event-time.ts";
import { shippedText, yaml } from "../../config/shipped.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, clock, DAY, line, MIN, probe, shopEvent } from "./support.ts";

const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value as TrackingPlan;
const shipped = readIntents(yaml(shippedText("intents")), plan).value as IntentFile;
const lexicon = readLexicon(yaml(shippedText("lexicon"))).value;
const job = {
  timeZone: "Asia/Shanghai",
  seed: 1,
  maxAge: millis(7 * DAY),
  files: { intents: shipped, lexicon },
};

async function intents(script: readonly ScriptLine[]) {
  const told: IntentSignal[] = [];
  const nodes = [
    { operator: sessionSpec.make({}, job), from: ["events"] },
    { operator: intentSpec.make({}, job), from: ["session"] },
    probe(["intent"], told),
  ];
  const played = await play(nodes, script);
  return { told, outputs: played.outputs, played };
}
const act = (ms: number, type: string, props: ShopEvent["props"] = {}) =>
  line(shopEvent(ms, type, props));
const view = (ms: number, sku: string, props: ShopEvent["props"] = {}) =>
  act(ms, "product.viewed", { sku, category: "tent", ...props });

describe("intents", () => {
  test("three tents and a list by price are a comparison of prices; three tents alone are not", async () => {
    const views = [view(0, "a"), view(MIN, "b"), view(2 * MIN, "c")];
    expect((await intents(views)).told).toEqual([]);
    const listing = act(3 * MIN, "product.listed", { category: "tent", sort: "price_asc" });
    const { outputs } = await intents([...views, listing]);
    expect(outputs.map((output) => output.subject)).toEqual(["intent.compare_price"]);
    expect(outputs[0]?.data).toMatchObject({ person: ANN, intent: "compare_price", sku: "c" });
    const evidence = outputs[0]?.data["evidence"] as { why: string }[];
    expect(evidence.map(({ why }) => why)).toEqual(["sort:price", "alternatives", "alternatives"]);
  });

  test.each`
    type                | props                                           | intent               | why
    ${"product.viewed"} | ${{ sku: "a", section: "spec", dwell_ms: 9e4 }} | ${"learn_features"}  | ${"90 s on the specification"}
    ${"searched"}       | ${{ query: "退货" }}                            | ${"seek_aftersales"} | ${"one word leaves no doubt"}
    ${"cart.added"}     | ${{ sku: "a" }}                                 | ${"buy"}             | ${"goods in the cart"}
    ${"cs.started"}     | ${{ topic: "aftersales", order_id: "o1" }}      | ${"seek_aftersales"} | ${"a chat about an order"}
    ${"page.viewed"}    | ${{ path: "pages/aftersale/apply" }}            | ${"seek_aftersales"} | ${"the after-sales page"}
    ${"searched"}       | ${{ query: "帐篷" }}                            | ${undefined}         | ${"a plain noun says nothing"}
    ${"product.viewed"} | ${{ sku: "a" }}                                 | ${undefined}         | ${"one look says nothing"}
    ${"product.viewed"} | ${{ sku: "a", dwell_ms: 8000 }}                 | ${undefined}         | ${"nor does a short stay"}
  `("$type $props: $intent ($why)", async ({ type, props, intent }) => {
    const { outputs } = await intents([act(0, type, props)]);
    const expected = intent === undefined ? [] : [`intent.${intent}`];
    expect(outputs.map((output) => output.subject)).toEqual(expected);
  });

  test("who has paid means to buy no longer, and nobody is told but the operators", async () => {
    const { told, outputs } = await intents([
      act(0, "cart.added", { sku: "a" }),
      act(MIN, "order.placed", { order_id: "o", sku: "a" }),
      act(2 * MIN, "order.paid", { order_id: "o", sku: "a" }),
    ]);
    expect(outputs.map((output) => output.subject)).toEqual(["intent.buy", "intent.buy"]);
    expect(told.at(-1)).toMatchObject({ intent: "browse", quiet: true });
  });

  test("an intent ends with its session, and leaves the order behind for a month", async () => {
    const ended = await intents([act(0, "cart.added", { sku: "a" }), clock(DAY)]);
    expect(ended.told.map(({ intent }) => intent)).toEqual(["buy", "browse"]);
    expect(ended.played.task.stateOf("intent", ANN)).toBeUndefined();
    const order = [act(0, "order.paid", { order_id: "o", sku: "a" })];
    const bought = await intents([...order, clock(DAY)]);
    expect(bought.played.task.stateOf("intent", ANN)).toMatchObject({ session: "" });
    const later = await intents([...order, clock(31 * DAY)]);
    expect(later.played.task.stateOf("intent", ANN)).toBeUndefined();
  });

  test("who has bought lately and opens a chat seeks service; who has not, does not", async () => {
    const chat = act(DAY, "cs.started", {});
    const search = act(DAY + MIN, "searched", { query: "物流" });
    const paid = act(0, "order.paid", { order_id: "o", sku: "a" });
    const subjects = async (script: ScriptLine[]) =>
      (await intents(script)).outputs.map((output) => output.subject);
    expect(await subjects([paid, chat, search])).toEqual(["intent.seek_aftersales"]);
    expect(await subjects([chat, search])).toEqual([]);
  });

  test("law: probabilities do not depend on the order in which evidence arrives", () => {
    const clue = fc.record({
      at: fc.integer({ min: 1_000_000, max: 1_000_000 + 40 * MIN }),
      intent: fc.constantFrom(...INTENTS),
      weight: fc.double({ min: -3, max: 4, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(clue, { minLength: 1, maxLength: 20 }),
        fc.infiniteStream(fc.nat()),
        (clues, keys) => {
          const sum = (list: typeof clues) => {
            const evidence = noEvidence(0 as EventTime);
            for (const { at, intent, weight } of list) {
              addEvidence(evidence, at as EventTime, intent, weight, minutes(10));
            }
            return probabilitiesOf(evidence, shipped);
          };
          const shuffled = clues
            .map((value) => ({ value, key: keys.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ value }) => value);
          const [a, b] = [sum(clues), sum(shuffled)];
          expect(a.reduce((x, y) => x + y, 0)).toBeCloseTo(1, 9);
          a.forEach((p, i) => {
            expect(b[i]).toBeCloseTo(p, 9);
          });
        },
      ),
    );
  });

  test("law: no intent is announced below the least probability", async () => {
    const kinds: [string, ShopEvent["props"]][] = [
      ["product.viewed", { sku: "a", category: "tent" }],
      ["product.viewed", { sku: "b", category: "tent", section: "review", dwell_ms: 30_000 }],
      ["product.listed", { category: "tent", sort: "price_desc" }],
      ["searched", { query: "帐篷价格" }],
      ["searched", { query: "怎么退" }],
      ["cart.added", { sku: "a" }],
      ["cart.removed", { sku: "a" }],
      ["order.paid", { order_id: "o", sku: "a" }],
      ["article.read", { content_id: "c", completion: 1 }],
      ["coupon.claimed", { coupon_id: "k" }],
    ];
    const script = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: kinds.length - 1 })), {
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(script, async (acts) => {
        const lines = acts.map(([minute, kind]) =>
          act(minute * MIN, ...(kinds[kind] ?? ["x", {}])),
        );
        const { outputs, told } = await intents([...lines, clock(DAY)]);
        for (const { data } of outputs) {
          expect(data["probability"]).toBeGreaterThanOrEqual(0.6);
          expect(data["intent"]).not.toBe("browse");
        }
        expect(told.length === 0 || told.at(-1)?.intent === "browse").toBe(true);
      }),
      { numRuns: 80 },
    );
  });
});

describe("words", () => {
  const words = (text: string) => [...text];
  const finder = new WordFinder(
    ["退", "退货", "退货运费", "运费", "修", "保修期"].map((text) => ({ text, meaning: text })),
    words,
  );
  test.each`
    query             | found
    ${"退货运费多少"} | ${["退货运费"]}
    ${"运费 退货"}    | ${["运费", "退货"]}
    ${"保修期内能修"} | ${["保修期", "修"]}
    ${"ＡＢＣ"}       | ${[]}
    ${"退退货"}       | ${["退", "退货"]}
    ${""}             | ${[]}
  `("the longest word at each place: $query", ({ query, found }) => {
    expect(finder.find(query).map(({ text }) => text)).toEqual(found);
  });
});
