import { expect, test } from "vitest";
import { segmentSpec } from "../../../operators/shopper/segment.ts";
import { segmentGoalOperator } from "../../../operators/shopper/segment-goal.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { Matcher } from "../../../src/config/condition-ast.ts";
import type { SegmentFile } from "../../../src/config/segment-ast.ts";
import { days } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, clock, DAY, HOUR, line, shopEvent } from "./support.ts";

const of = (index: number, type: string): Matcher => ({
  index,
  name: undefined,
  events: [type],
  where: [],
});
const VIEW = of(0, "product.viewed");
const PAID = of(1, "order.paid");
const FILE: SegmentFile = {
  version: 1,
  timeZone: "Asia/Shanghai",
  matchers: [VIEW, PAID],
  segments: [
    {
      id: "keen",
      title: undefined,
      goal: "conversion",
      hash: "v",
      leave: null,
      when: {
        op: "all",
        of: [
          { op: "count", of: VIEW, within: days(30), atLeast: 2, distinct: "event", same: null },
          { op: "none", of: PAID, within: days(30) },
        ],
      },
    },
  ],
};

/** What went to the demand flow, added up: members, silent, entered, converted, active. */
async function counts(script: readonly ScriptLine[]): Promise<readonly number[]> {
  const job = { timeZone: "UTC", seed: 1, maxAge: days(7), files: { segments: FILE } };
  const { hops } = await play(
    [
      { operator: sessionSpec.make({}, job), from: ["events"] },
      { operator: segmentSpec.make({}, job), from: ["session"] },
      { operator: segmentGoalOperator(days(10), "Asia/Shanghai"), from: ["session", "segment"] },
    ],
    script,
  );
  expect(new Set(hops.map(({ key }) => key)).size).toBeLessThanOrEqual(1);
  const sums = [0, 0, 0, 0, 0];
  for (const { payload } of hops) {
    (payload as unknown[]).slice(1).forEach((count, i) => {
      sums[i] = (sums[i] ?? 0) + (count as number);
    });
  }
  return sums;
}

const view = (ms: number, person = ANN) =>
  line(shopEvent(ms, "product.viewed", { sku: "s" }, { person }));
const order = (ms: number) => line(shopEvent(ms, "order.paid", { sku: "s" }));
const BOB = "p_00000000000000b0";

test("a member counts while in, and is active once a local day", async () => {
  expect(await counts([view(0)])).toEqual([0, 0, 0, 0, 0]);
  expect(await counts([view(0), view(HOUR)])).toEqual([1, 0, 1, 0, 1]);
  // T0 is noon in Shanghai: 13 hours later is another day.
  const twice = [view(0), view(HOUR), view(2 * HOUR), view(13 * HOUR), view(14 * HOUR)];
  expect(await counts([...twice, view(0, BOB), view(1, BOB)])).toEqual([2, 0, 2, 0, 3]);
});

test("the order that ends the stay is its conversion", async () => {
  expect(await counts([view(0), view(HOUR), order(DAY)])).toEqual([0, 0, 1, 1, 1]);
  expect(await counts([view(0), view(HOUR), clock(40 * DAY)])).toEqual([0, 0, 1, 0, 1]);
});

test("a stay that a late order takes back never was", async () => {
  expect(await counts([view(0), view(2 * HOUR), order(HOUR)])).toEqual([0, 0, 0, 0, 1]);
});

test("a member who has done nothing for long is lost, until they do something or leave", async () => {
  const quiet = [view(0), view(HOUR), clock(HOUR + 10 * DAY)];
  expect(await counts(quiet)).toEqual([1, 0, 1, 0, 1]);
  expect(await counts([...quiet, clock(HOUR + 10 * DAY + 1)])).toEqual([1, 1, 1, 0, 1]);
  const back = [...quiet, clock(11 * DAY), view(11 * DAY)];
  expect(await counts(back)).toEqual([1, 0, 1, 0, 2]);
  expect(await counts([...quiet, clock(40 * DAY)])).toEqual([0, 0, 1, 0, 1]);
});
