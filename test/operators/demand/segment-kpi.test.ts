import { expect, test } from "vitest";
import type { DemandRecord, SegmentPartial } from "../../../operators/demand/partial.ts";
import { segmentKpiOperator } from "../../../operators/demand/segment-kpi.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";

const NOON = Date.UTC(2026, 10, 2, 4);
const DAY = 86_400_000;

const record = (ms: number, segment: string, ...counts: readonly number[]): ScriptLine => {
  const time = (NOON + ms) as EventTime;
  const payload = ["segment", ...counts] as unknown as SegmentPartial;
  const event: DemandRecord = { key: `segment:${segment}`, time, cause: "c", payload };
  return { at: time, key: event.key, event };
};
const clock = (ms: number): ScriptLine => ({ watermark: NOON + ms });

async function kpis(script: readonly ScriptLine[]) {
  const goals = new Map([
    ["keen", "conversion"],
    ["upset", "churn"],
    ["reader", "stickiness"],
  ] as const);
  const operator = segmentKpiOperator({ interval: "60s" }, () => goals, "Asia/Shanghai");
  const { outputs } = await play([{ operator, from: ["events"] }], script, { ordered: true });
  return outputs.map(({ subject, data: { segment, at: _, ...counts } }) => [
    subject,
    segment,
    counts,
  ]);
}

test("size: the groups' changes add up, told once an interval", async () => {
  const script = [
    record(0, "plain", 2, 0, 2, 0, 2),
    record(1, "plain", 1, 0, 1, 0, 1),
    record(2, "plain", -1, 0, 0, 0, 0),
    clock(61_000),
  ];
  expect(await kpis(script)).toEqual([["kpi.segment_size", "plain", { members: 2 }]]);
});

test("conversion looks back over 30 local days, today included", async () => {
  const script = [
    record(-DAY * 30, "keen", 4, 0, 4, 4, 4),
    clock(-DAY * 30 + 61_000),
    record(-DAY, "keen", 3, 0, 3, 0, 3),
    clock(-DAY + 61_000),
    record(0, "keen", -1, 0, 1, 1, 1),
    clock(61_000),
  ];
  expect((await kpis(script)).slice(-2)).toEqual([
    ["kpi.segment_size", "keen", { members: 6 }],
    ["kpi.segment_conversion", "keen", { entered: 4, converted: 1, rate: 0.25 }],
  ]);
});

test("churn is the part of the members who have gone silent, stickiness the part who came today", async () => {
  const churn = await kpis([record(0, "upset", 8, 2, 8, 0, 8), clock(61_000)]);
  expect(churn.at(-1)).toEqual(["kpi.segment_churn", "upset", { members: 8, lost: 2, rate: 0.25 }]);
  const script = [
    record(-DAY, "reader", 10, 0, 10, 0, 10),
    clock(-DAY + 61_000),
    record(0, "reader", 0, 2, 0, 0, 4),
    clock(61_000),
  ];
  expect((await kpis(script)).at(-1)).toEqual([
    "kpi.segment_stickiness",
    "reader",
    { daily: 4, monthly: 8, rate: 0.5 },
  ]);
});
