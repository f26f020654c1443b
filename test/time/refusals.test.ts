import { expect, test } from "vitest";
import { Matcher } from "../../src/pattern/matcher.ts";
import { pattern } from "../../src/pattern/pattern.ts";
import { count } from "../../src/time/aggregate.ts";
import {
  type EventTime,
  eventTime,
  MAX_TIME,
  type Millis,
  millis,
} from "../../src/time/event-time.ts";
import { IntervalJoin } from "../../src/time/interval-join.ts";
import { KeyedHost } from "../../src/time/keyed-host.ts";
import { requireVersion } from "../../src/time/snapshot-version.ts";
import { SplitWatermarks } from "../../src/time/split-watermarks.ts";
import { Suppress } from "../../src/time/suppress.ts";
import { Timers } from "../../src/time/timers.ts";
import { atWatermark, continuously, everyCount, everyDelay } from "../../src/time/trigger.ts";
import { BoundedDisorder, DisorderWithClock, IdlenessTimer } from "../../src/time/watermark.ts";
import { WatermarkCombiner } from "../../src/time/watermark-combiner.ts";
import { WindowJoin } from "../../src/time/window-join.ts";
import { session, sliding, tumbling } from "../../src/time/window-kind.ts";
import { windowed } from "../../src/time/windowed.ts";

const late = () => ({});
const SINK = { emit: () => {}, late: () => {} };
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
  ["splits", SplitWatermarks.restore, new SplitWatermarks().snapshot()],
  [
    "idleness",
    (data) => IdlenessTimer.restore(millis(1), data),
    new IdlenessTimer(millis(1)).snapshot(),
  ],
  [
    "windows",
    (data) => KeyedHost.restore(windowed(options), SINK, data),
    new KeyedHost(windowed(options), SINK).snapshot(),
  ],
])("a snapshot of %s of another version is refused", (_what, restore, snapshot) => {
  restore(snapshot);
  const newer = { ...(snapshot as object), version: 2 };
  expect(() => restore(newer)).toThrow("version 2");
  expect(() => requireVersion("x", 2, 2)).not.toThrow();
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 0.5])(
  "a timer at %s is refused where it is set, not where its snapshot is read",
  (at) => {
    const host = new KeyedHost<null, never, null>(
      {
        version: 1,
        init: () => null,
        onEvent(_event, state, ctx) {
          ctx.setTimer("own", at as EventTime);
          return state;
        },
        onTimer: (_timer, state) => state,
      },
      SINK,
    );
    expect(() => host.element("k", eventTime(1), null)).toThrow(RangeError);
    expect(host.pendingTimers).toBe(0);
  },
);

test("limits without an end do not set timers past the end of time", () => {
  const forever = MAX_TIME as number as Millis;
  const at = eventTime(1_800_000_000_000);
  const late = () => ({});
  const join = new IntervalJoin<number>({ lower: millis(0), upper: forever, late });
  const joined = new KeyedHost(join, SINK);
  joined.element("k", at, { side: "left", value: 1 });
  KeyedHost.restore(join, SINK, joined.snapshot());
  const matcher = new Matcher(pattern<number>().begin("a").followedBy("b").within(forever));
  const state = matcher.init();
  matcher.match(state, 1, at);
  expect(matcher.deadline(state)).toBeUndefined();
  const windows = sliding(millis(30), millis(10));
  const kept = new KeyedHost(windowed({ ...options, windows, allowedLateness: forever }), SINK);
  kept.element("k", at, null);
  kept.advance((at + 1000) as EventTime);
  expect(kept.states.size).toBe(1);
});
