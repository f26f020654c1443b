import fc from "fast-check";
import { expect, test } from "vitest";
import { ruleOperator } from "../../../operators/shopper/rule.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import { readRules } from "../../../src/config/rule-file.ts";
import { readTrackingPlan } from "../../../src/config/tracking-plan.ts";
import { millis } from "../../../src/time/event-time.ts";
import { shippedText, yaml } from "../../config/shipped.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, DAY, HOUR, line, MIN, shopEvent, T0 } from "./support.ts";

const RULES = `
version: 1
rules:
  - id: r
    when: {absent: {after: {event: cart.added}, key: [sku], within: 1h, of: [{event: order.paid, match: [sku]}]}}
    then: {recommend: {offer: coupon, sku: $sku, channel: mp, value: v}}
contact: {pages: [mp], stale_after: 30d}
`;

const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value;
if (plan === undefined) throw new Error("the shipped tracking plan is broken");
const file = readRules(yaml(RULES), plan, [], "UTC").value;
if (file === undefined) throw new Error("these rules are broken");
const job = { timeZone: "UTC", seed: 1, maxAge: millis(7 * DAY), files: {} };

interface Happened {
  readonly ms: number;
  readonly paid: boolean;
  readonly sku: string;
  /** How long after it happened it was heard of. */
  readonly late: number;
}
const happened = fc.uniqueArray(
  fc.record({
    ms: fc.integer({ min: 0, max: 6 * HOUR }),
    paid: fc.boolean(),
    sku: fc.constantFrom("A", "B"),
    late: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 4000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 * DAY }) },
    ),
  }),
  { selector: ({ ms }) => ms, minLength: 1, maxLength: 14 },
);

/** The moments at which a cart of the sku has been unpaid for an hour, by the whole history. */
function slowly(all: readonly Happened[], sku: string): number[] {
  const of = all.filter((one) => one.sku === sku).toSorted((a, b) => a.ms - b.ms);
  const fired: number[] = [];
  let since: number | undefined;
  for (const { ms, paid } of [...of, { ms: 30 * DAY, paid: false }]) {
    if (since !== undefined && ms > since + HOUR) {
      fired.push(since + HOUR);
      since = undefined;
    }
    if (paid) since = undefined;
    else since ??= ms;
  }
  return fired;
}

test("law: in whatever order it is heard of, each unpaid cart has one message that stands", async () => {
  let late = 0;
  await fc.assert(
    fc.asyncProperty(happened, async (all) => {
      const heard = all.toSorted((a, b) => a.ms + a.late - (b.ms + b.late));
      const script = heard.flatMap(({ ms, paid, sku, late: by }): ScriptLine[] => [
        { watermark: T0 + ms + by - 5000 },
        line(shopEvent(ms, paid ? "order.paid" : "cart.added", { sku, order_id: "o" })),
      ]);
      const { outputs } = await play(
        [
          { operator: sessionSpec.make({}, job), from: ["events"] },
          { operator: ruleOperator(file, job), from: ["session"] },
        ],
        [...script, { watermark: T0 + 6 * DAY }],
      );
      const back = new Set(outputs.map(({ data }) => data["supersedes"]));
      late += outputs.filter(({ data }) => data["supersedes"] !== undefined).length;
      for (const sku of ["A", "B"]) {
        const standing = outputs.filter(
          ({ subject, data }) =>
            subject.startsWith("recommendation.") &&
            data["sku"] === sku &&
            !back.has(data["rec_id"]),
        );
        expect(standing.length, sku).toBe(slowly(all, sku).length);
        if (all.every((one) => one.late < 5 * MIN && one.late <= 4000))
          expect(standing.map(({ data }) => Date.parse(String(data["at"])) - T0).sort()).toEqual(
            slowly(all, sku).sort(),
          );
      }
    }),
    { numRuns: 300 },
  );
  expect(late).toBeGreaterThan(0);
});

const BOB = "p_00000000000000b0";

test("law: of two who turn out to be one, each cart that the one never paid has one message that stands", async () => {
  let back = 0;
  await fc.assert(
    fc.asyncProperty(
      happened,
      fc.func(fc.boolean()),
      fc.integer({ min: 0, max: 9 * HOUR }),
      async (all, isBobs, linkAt) => {
        const link: ScriptLine = { join: BOB, key: ANN, at: T0 + linkAt };
        const script: ScriptLine[] = [];
        for (const { ms, paid, sku } of all.toSorted((a, b) => a.ms - b.ms)) {
          const linked = script.includes(link);
          if (!linked && ms > linkAt) script.push({ watermark: T0 + linkAt - 5000 }, link);
          const person = ms <= linkAt && isBobs(ms) ? BOB : ANN;
          const type = paid ? "order.paid" : "cart.added";
          script.push(
            { watermark: T0 + ms - 5000 },
            line(shopEvent(ms, type, { sku, order_id: "o" }, { person })),
          );
        }
        if (!script.includes(link)) script.push({ watermark: T0 + linkAt - 5000 }, link);
        const { outputs, task } = await play(
          [
            { operator: sessionSpec.make({}, job), from: ["events"] },
            { operator: ruleOperator(file, job), from: ["session"] },
          ],
          [...script, { watermark: T0 + 6 * DAY }],
        );
        const undone = new Set(outputs.map(({ data }) => data["supersedes"]));
        back += outputs.filter(({ data }) => data["supersedes"] !== undefined).length;
        expect(task.stateOf("rule", BOB)).toBeUndefined();
        for (const sku of ["A", "B"]) {
          const standing = outputs.filter(
            ({ subject, data }) =>
              subject.startsWith("recommendation.") &&
              data["sku"] === sku &&
              !undone.has(data["rec_id"]),
          );
          // One that went for a firing that was only of another time stands.
          expect(standing.length, sku).toBe(slowly(all, sku).length);
        }
      },
    ),
    { numRuns: 300 },
  );
  // Some had been sent, and turned out to be wrong of the one.
  expect(back).toBeGreaterThan(0);
});
