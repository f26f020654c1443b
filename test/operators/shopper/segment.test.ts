import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { segmentOperator, segmentSpec } from "../../../operators/shopper/segment.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { Matcher, When } from "../../../src/config/condition-ast.ts";
import type { SegmentFile } from "../../../src/config/segment-ast.ts";
import type { Output } from "../../../src/flow/output.ts";
import { days, type EventTime, isoTime, type Millis } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, clock, DAY, HOUR, line, MIN, shopEvent, T0 } from "./support.ts";

const PREMIUM: Matcher = {
  index: 0,
  name: "premium_view",
  events: ["product.viewed"],
  where: [{ field: { of: "sku", name: "line" }, tests: [{ op: "eq", value: "premium" }] }],
};
const ORDER: Matcher = { ...PREMIUM, index: 1, name: undefined, events: ["order.paid"] };

const fileOf = (when: When, matchers: readonly Matcher[] = [PREMIUM, ORDER]): SegmentFile => ({
  version: 1,
  timeZone: "Asia/Shanghai",
  matchers,
  segments: [{ id: "seg", title: undefined, goal: undefined, when, leave: null, hash: "v1" }],
});
const highValue = (distinct: "event" | "sku" | "session" = "event"): When => ({
  op: "all",
  of: [
    { op: "count", of: PREMIUM, within: days(30), atLeast: 3, distinct, same: null },
    { op: "none", of: ORDER, within: days(30) },
  ],
});

const job = (file: SegmentFile, maxAge: Millis = days(7)) => ({
  timeZone: "Asia/Shanghai",
  seed: 1,
  maxAge,
  files: { segments: file },
});

async function segments(file: SegmentFile, script: readonly ScriptLine[], maxAge?: Millis) {
  const setting = job(file, maxAge);
  return await play(
    [
      { operator: sessionSpec.make({}, setting), from: ["events"] },
      { operator: segmentSpec.make({}, setting), from: ["session"] },
    ],
    script,
  );
}

const turn = ({ subject, data }: Output) =>
  `${subject.split(".").at(-1)} ${(Date.parse(data["at"] as string) - T0) / DAY}d ${data["reason"]}`;

const view = (ms: number, person = ANN) =>
  line(shopEvent(ms, "product.viewed", { sku: "s", line: "premium" }, { person }));
const order = (ms: number) => line(shopEvent(ms, "order.paid", { sku: "s", line: "premium" }));

describe("the boundary cases of a segment", () => {
  interface Expected {
    pid: string;
    never?: boolean;
    entered?: string;
    exited?: string;
    exit_reason?: string;
  }
  const fixture = new URL("../../fixtures/E17-high-value", import.meta.url);
  const { expect: cases } = JSON.parse(readFileSync(`${fixture.pathname}.expect.json`, "utf8")) as {
    expect: Expected[];
  };
  const events = readFileSync(`${fixture.pathname}.events.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((text) => {
      const { id, type, ts, ids, props } = JSON.parse(text);
      const at = Date.parse(ts) - T0;
      return shopEvent(at, type, props, { clientId: id, person: ids[0].v });
    });

  test.each(cases)("three premium views in 30 days and no order: $pid", async (expected) => {
    const script = [
      ...events.map((event) => line(event)),
      { watermark: Date.UTC(2026, 11, 5, 16) },
    ];
    const { outputs } = await segments(fileOf(highValue()), script);
    const told = outputs.filter(({ data }) => data["person"] === expected.pid);
    if (expected.never === true) expect(told).toEqual([]);
    else expect(told[0]?.data["at"]).toBe(expected.entered);
    if (expected.exited !== undefined) {
      expect(told[1]?.data).toMatchObject({ at: expected.exited, reason: expected.exit_reason });
    }
  });

  test("three views in one session are no three sessions", async () => {
    const script = [
      ...events.map((event) => line(event)),
      { watermark: Date.UTC(2026, 11, 5, 16) },
    ];
    const { outputs } = await segments(fileOf(highValue("session")), script);
    expect(new Set(outputs.map(({ data }) => data["person"]))).toEqual(new Set(["a", "c", "d"]));
  });
});

describe("a segment", () => {
  test("is left by the clock alone, a millisecond after the oldest view needed left the window", async () => {
    const script = [view(0), view(DAY), view(2 * DAY), { watermark: T0 + 30 * DAY }];
    const until = await segments(fileOf(highValue()), script);
    expect(until.outputs.map(turn)).toEqual(["entered 2d count"]);
    const past = await segments(fileOf(highValue()), [...script, { watermark: T0 + 30 * DAY + 1 }]);
    expect(past.outputs.map(turn)).toEqual([
      "entered 2d count",
      `exited ${(30 * DAY + 1) / DAY}d window`,
    ]);
    expect(past.outputs[0]?.data).toMatchObject({
      segment: "seg",
      person: ANN,
      evidence: [{ event: "product.viewed" }, {}, { time: isoTime((T0 + 2 * DAY) as EventTime) }],
    });
  });

  test("a late order takes the entry back, by a message that supersedes it", async () => {
    const script = [view(0), view(DAY), view(2 * DAY), order(1.5 * DAY)];
    const { outputs } = await segments(fileOf(highValue()), script);
    expect(outputs.map(turn)).toEqual(["entered 2d count", "exited 2d order"]);
    expect(outputs[1]?.data["supersedes"]).toBe(outputs[0]?.id);
    expect(outputs[0]?.data).not.toHaveProperty("supersedes");
  });

  test("a late view moves the entry to where it belongs", async () => {
    const script = [view(0), view(2 * DAY), view(3 * DAY), view(DAY)];
    const { outputs } = await segments(fileOf(highValue()), script);
    expect(outputs.map(turn)).toEqual(["entered 3d count", "entered 2d count"]);
    expect(outputs[1]?.data["supersedes"]).toBe(outputs[0]?.id);
  });

  test("reads the line of the goods from the catalog before what the event says", async () => {
    const script: ScriptLine[] = [
      { fact: ["catalog", "s", { line: "basic" }] },
      { fact: ["catalog", "t", { title: "tent" }] },
      ...[0, 1, 2].map((hour) => view(hour * HOUR)),
    ];
    expect((await segments(fileOf(highValue()), script)).outputs).toEqual([]);
    const other = [3, 4, 5].map((hour) =>
      line(shopEvent(hour * HOUR, "product.viewed", { sku: "t", line: "premium" })),
    );
    expect((await segments(fileOf(highValue()), [...script, ...other])).outputs).toHaveLength(1);
  });

  test("an order of several lines forbids when one of them is of that line", async () => {
    const lines = [{ sku: "x" }, { sku: "s" }];
    const script: ScriptLine[] = [
      { fact: ["catalog", "s", { line: "premium" }] },
      ...[0, 1, 2].map((hour) => view(hour * HOUR)),
      line(shopEvent(3 * HOUR, "order.paid", { order_id: "o", lines })),
    ];
    const { outputs } = await segments(fileOf(highValue()), script);
    expect(outputs.map(({ data }) => data["reason"])).toEqual(["count", "order"]);
  });

  test("is left by the event that a `not` forbids, however it is put", async () => {
    const when: When = {
      op: "all",
      of: [
        { op: "count", of: PREMIUM, within: days(30), atLeast: 1, distinct: "event", same: null },
        {
          op: "not",
          of: {
            op: "count",
            of: ORDER,
            within: days(30),
            atLeast: 1,
            distinct: "event",
            same: null,
          },
        },
      ],
    };
    const { outputs } = await segments(fileOf(when), [view(0), order(DAY)]);
    expect(outputs.map(turn)).toEqual(["entered 0d count", "exited 1d order"]);
  });

  test("of `none` alone is entered when the person is first seen, and the moment then goes with them", async () => {
    const when: When = { op: "none", of: ORDER, within: days(30) };
    const script = [view(DAY), order(2 * DAY), { watermark: T0 + 40 * DAY }, view(38 * DAY)];
    const { outputs } = await segments(fileOf(when), script);
    const left = (30 + 2) * DAY + 1;
    expect(outputs.map(turn)).toEqual([
      "entered 1d seen",
      "exited 2d order",
      `entered ${left / DAY}d window`,
    ]);
    const late = await segments(fileOf(when), [view(DAY), view(0)]);
    expect(late.outputs.map(turn)).toEqual(["entered 1d seen", "entered 0d seen"]);
    expect(late.outputs[1]?.data["supersedes"]).toBe(late.outputs[0]?.id);
  });

  test("is entered by the event that ends a run which forbade it", async () => {
    const other: Matcher = {
      ...PREMIUM,
      index: 2,
      name: undefined,
      events: ["mp.entered"],
      where: [],
    };
    const among: Matcher = { ...other, index: 3, events: ["order.paid", "mp.entered"] };
    const ordered: When = {
      op: "run",
      of: ORDER,
      among,
      atLeast: 1,
      distinct: "event",
      maxGap: null,
    };
    const looked: When = {
      op: "count",
      of: PREMIUM,
      within: days(30),
      atLeast: 1,
      distinct: "event",
      same: null,
    };
    const when: When = { op: "all", of: [looked, { op: "not", of: ordered }] };
    const file = fileOf(when, [PREMIUM, ORDER, other, among]);
    const script = [order(0), view(DAY), line(shopEvent(2 * DAY, "mp.entered"))];
    const { outputs } = await segments(file, script);
    expect(outputs.map(turn)).toEqual(["entered 2d run"]);
  });

  test("a fading score is kept up by an event of the very millisecond at which it would go off", async () => {
    const when: When = {
      op: "decay",
      add: [
        { of: PREMIUM, weight: 2, field: null },
        { of: ORDER, weight: 0.5, field: null },
      ],
      halfLife: days(1),
      onAt: 2,
      offAt: 1,
    };
    // At one half-life the score is 1: still on. A millisecond later it is not.
    const { outputs } = await segments(fileOf(when), [view(0), order(DAY + 1), clock(DAY + 1)]);
    expect(outputs.map(turn)).toEqual(["entered 0d decay"]);
    const alone = await segments(fileOf(when), [view(0), clock(DAY + 1)]);
    expect(alone.outputs.map(turn)).toEqual([
      "entered 0d decay",
      `exited ${(DAY + 1) / DAY}d window`,
    ]);
    const late = await segments(fileOf(when), [view(0), order(DAY + 2), clock(DAY + 2)]);
    expect(late.outputs).toHaveLength(2);
  });

  test("keeps no more of a busy person than the definition can need, and nothing of a gone one", async () => {
    const operator = segmentOperator(fileOf(highValue()), days(7));
    const setting = job(fileOf(highValue()));
    const nodes = [
      { operator: sessionSpec.make({}, setting), from: ["events"] },
      { operator, from: ["session"] },
    ];
    const views = Array.from({ length: 2000 }, (_, i) => view(i * 20 * MIN));
    const busy = await play(nodes, views);
    const state = busy.task.stateOf("segment", ANN) as { histories: Record<string, unknown[]> };
    expect(Object.values(state.histories).map((list) => list.length)).toSatisfy(
      (sizes: number[]) => Math.max(...sizes) <= 24,
    );
    const gone = await play(nodes, [...views, clock(100 * DAY)]);
    expect(gone.task.stateOf("segment", ANN)).toBeUndefined();
    expect(gone.outputs.map((output) => output.subject)).toEqual([
      "segment.seg.entered",
      "segment.seg.exited",
    ]);
  });
});
