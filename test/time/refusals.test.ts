import { expect, test } from "vitest";
import { count } from "../../src/time/aggregate.ts";
import { eventTime, millis } from "../../src/time/event-time.ts";
import { IntervalJoin } from "../../src/time/interval-join.ts";
import { requireVersion } from "../../src/time/snapshot-version.ts";
import { Suppress } from "../../src/time/suppress.ts";
import { Timers } from "../../src/time/timers.ts";
import { atWatermark, continuously, everyCount, everyDelay } from "../../src/time/trigger.ts";
import { BoundedDisorder, DisorderWithClock } from "../../src/time/watermark.ts";
import { WatermarkCombiner } from "../../src/time/watermark-combiner.ts";
import { WindowJoin } from "../../src/time/window-join.ts";
import { session, sliding, tumbling } from "../../src/time/window-kind.ts";
import { windowed } from "../../src/time/windowed.ts";

const late = () => ({});
const options = {
  windows: tumbling(millis(5)),
  trigger: atWatermark(),
  aggregate: count(),
  value: () => 1,
  late,
};

test.each<readonly [what: string, build: () => unknown]>([
  ["a window without a size", () => tumbling(millis(0))],
  ["a slide that goes back", () => sliding(millis(5), millis(-1))],
  ["a negative gap", () => session(millis(-1))],
  ["an event's negative gap", () => session(() => millis(-1)).window(eventTime(0), {}, "k")],
  ["a firing every 0 elements", () => everyCount(0)],
  ["a firing every 0 ms", () => continuously(millis(0))],
  ["an early firing that goes back", () => everyDelay(millis(-1))],
  ["negative lateness", () => windowed({ ...options, allowedLateness: millis(-1) })],
  [
    "an empty join window",
    () => new WindowJoin({ kind: "inner", before: millis(-2), after: millis(1), late }),
  ],
  ["an empty join interval", () => new IntervalJoin({ lower: millis(2), upper: millis(1), late })],
])("%s is refused when it is built", (_what, build) => {
  expect(build).toThrow(RangeError);
});

test.each<readonly [what: string, restore: (data: unknown) => unknown, snapshot: unknown]>([
  ["timers", Timers.restore, new Timers().snapshot()],
  ["watermarks", WatermarkCombiner.restore, new WatermarkCombiner(2).snapshot()],
  ["held updates", (data) => Suppress.restore({}, data), new Suppress({}).snapshot()],
  [
    "disorder",
    (data) => BoundedDisorder.restore(millis(1), data),
    new BoundedDisorder(millis(1)).snapshot(),
  ],
  [
    "disorder with a clock",
    (data) => DisorderWithClock.restore(millis(1), data),
    new DisorderWithClock(millis(1)).snapshot(),
  ],
])("a snapshot of %s of another version is refused", (_what, restore, snapshot) => {
  restore(snapshot);
  const newer = { ...(snapshot as object), version: 2 };
  expect(() => restore(newer)).toThrow("version 2");
  expect(() => requireVersion("x", 2, 2)).not.toThrow();
});
