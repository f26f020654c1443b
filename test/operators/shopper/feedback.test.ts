import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ShopEvent } from "../../../operators/event.ts";
import { feedbackSpec, type Made, type Outcome } from "../../../operators/shopper/feedback.ts";
import type { Node, Operator } from "../../../src/flow/operator.ts";
import { type EventTime, millis } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, clock, DAY, HOUR, line, MIN, probe, shopEvent, T0 } from "./support.ts";

const job = { timeZone: "Asia/Shanghai", seed: 1, maxAge: millis(7 * DAY), files: {} };

/** Stands where the rules do: recommends what an event of type `recommend` says. */
const recommender: Node = {
  from: ["events"],
  operator: {
    name: "rule",
    version: 1,
    order: "arrival",
    key: (event) => (event.type === "recommend" ? event.person : undefined),
    init: () => null,
    onEvent({ props, at, person }, state, ctx) {
      ctx.emit({
        kind: "recommended",
        person,
        rec_id: String(props["rec_id"]),
        rec_kind: "product",
        channel: "mp",
        skus: [String(props["sku"])],
        at,
      });
      return state;
    },
  } satisfies Operator<ShopEvent, Made, null>,
};

async function outcomes(script: readonly ScriptLine[]) {
  const told: Outcome[] = [];
  const nodes = [
    recommender,
    { operator: feedbackSpec.make({}, job), from: ["rule", "events"] },
    probe(["feedback"], told),
  ];
  const { task } = await play(nodes, script);
  return { told, task };
}
const said = (told: readonly Outcome[]) =>
  told.map(({ rec_id, what, at }) => `${rec_id} ${what} ${(at - T0) / MIN}`);

const act = (ms: number, type: string, props: ShopEvent["props"]) =>
  line(shopEvent(ms, type, props));
const rec = (ms: number, id: string, sku = "a") => act(ms, "recommend", { rec_id: id, sku });
const exposed = (ms: number, id: string) => act(ms, "feedback.exposed", { rec_id: id });
const clicked = (ms: number, id: string) => act(ms, "feedback.clicked", { rec_id: id });
const paid = (ms: number, sku: string) => act(ms, "order.paid", { order_id: "o", sku });

describe("feedback", () => {
  test("four shown, one clicked and bought: what a rate of a quarter is made of", async () => {
    const ids = ["r1", "r2", "r3", "r4"];
    const { told } = await outcomes([
      ...ids.map((id) => rec(0, id, id)),
      ...ids.map((id) => exposed(MIN, id)),
      clicked(2 * MIN, "r2"),
      paid(3 * MIN, "r2"),
      clock(2 * DAY),
    ]);
    const count = (what: string) => told.filter((outcome) => outcome.what === what).length;
    expect(["shown", "clicked", "purchased", "ignored"].map(count)).toEqual([4, 1, 1, 3]);
    expect(told[0]).toMatchObject({ person: ANN, rec_kind: "product", channel: "mp" });
  });

  test("silence is ignored 24 hours after it was shown, an hour after it was not", async () => {
    const { told, task } = await outcomes([
      rec(0, "r1"),
      rec(0, "r2"),
      exposed(10 * MIN, "r1"),
      clock(3 * DAY),
    ]);
    expect(said(told)).toEqual(["r1 shown 10", "r2 ignored 60", `r1 ignored ${10 + 24 * 60}`]);
    expect(task.stateOf("feedback", ANN)).toBeUndefined();
  });

  test("one who clicks has seen it; saying it again says nothing", async () => {
    const { told } = await outcomes([
      rec(0, "r1"),
      clicked(MIN, "r1"),
      exposed(2 * MIN, "r1"),
      clicked(3 * MIN, "r1"),
      act(4 * MIN, "feedback.purchased", { rec_id: "r1" }),
      act(5 * MIN, "feedback.purchased", { rec_id: "r1" }),
      clicked(6 * MIN, "nobody's"),
      clock(3 * DAY),
    ]);
    expect(said(told)).toEqual(["r1 shown 1", "r1 clicked 1", "r1 purchased 4"]);
  });

  test.each`
    lines                                                 | credit    | why
    ${[exposed(1, "r1"), paid(HOUR, "a")]}                | ${["r1"]} | ${"seen, then bought"}
    ${[exposed(1, "r1"), paid(24 * HOUR + 2, "a")]}       | ${[]}     | ${"too long after it"}
    ${[paid(HOUR / 2, "a")]}                              | ${[]}     | ${"it was never seen"}
    ${[exposed(1, "r1"), paid(HOUR, "c")]}                | ${[]}     | ${"other goods"}
    ${[clicked(1, "r1"), exposed(2, "r2"), paid(3, "a")]} | ${["r1"]} | ${"the one clicked before the one seen last"}
    ${[exposed(1, "r1"), exposed(2, "r2"), paid(3, "a")]} | ${["r2"]} | ${"the one seen last"}
  `("a payment is due to $credit: $why", async ({ lines, credit }) => {
    const { told } = await outcomes([rec(0, "r1"), rec(0, "r2"), ...lines, clock(3 * DAY)]);
    const bought = told.filter(({ what }) => what === "purchased");
    expect(bought.map(({ rec_id }) => rec_id)).toEqual(credit);
  });

  test("what a page was served is followed like what was pushed", async () => {
    const served = { rec_id: "r1", slot: "mp.home.first", items: ["a", "b"], kind: "product" };
    const { told } = await outcomes([
      act(0, "recommendation.served", served),
      exposed(1000, "r1"),
      paid(MIN, "b"),
    ]);
    expect(told.map(({ what, channel }) => `${what} ${channel}`)).toEqual([
      "shown mp",
      "purchased mp",
    ]);
  });

  test("law: every recommendation comes to an end, once, and no more than 32 are followed", async () => {
    const doing = fc.record({
      pause: fc.integer({ min: 0, max: 3 * HOUR }),
      what: fc.constantFrom("recommend", "recommend", "exposed", "clicked", "closed", "purchased"),
      id: fc.nat({ max: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(doing, { maxLength: 90 }), async (doings) => {
        let ms = 0;
        const script = doings.flatMap(({ pause, what, id }): ScriptLine[] => {
          ms += pause;
          const event =
            what === "recommend"
              ? rec(ms, `r${id}`)
              : act(ms, `feedback.${what}`, { rec_id: `r${id}` });
          return [{ watermark: T0 + ms - 1 }, event];
        });
        const { told, task } = await outcomes([...script, clock(60 * DAY)]);
        const half = await outcomes(script);
        const state = half.task.stateOf("feedback", ANN) as { open: unknown[] } | undefined;
        expect(state?.open.length ?? 0).toBeLessThanOrEqual(32);
        expect(task.stateOf("feedback", ANN)).toBeUndefined();
        const made = doings.filter(({ what }) => what === "recommend").map(({ id }) => `r${id}`);
        for (const id of new Set(made)) {
          const ends = told.filter(({ rec_id, what }) => rec_id === id && what !== "shown");
          expect(ends.length, id).toBeGreaterThanOrEqual(1);
        }
        if (new Set(made).size === made.length) {
          const all = told.map(({ rec_id, what }) => `${rec_id} ${what}`);
          expect(new Set(all).size).toBe(all.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("the 33rd closes the oldest", async () => {
    const { told } = await outcomes(Array.from({ length: 33 }, (_, i) => rec(i * 1000, `r${i}`)));
    expect(told).toMatchObject([{ rec_id: "r0", what: "ignored", at: (T0 + 32_000) as EventTime }]);
  });
});
