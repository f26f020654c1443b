import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type EventTime,
  eventTime,
  MAX_TIME,
  MIN_TIME,
  millis,
} from "../../src/time/event-time.ts";
import { SplitWatermarks } from "../../src/time/split-watermarks.ts";
import { BoundedDisorder, DisorderWithClock, IdlenessTimer } from "../../src/time/watermark.ts";
import { WatermarkCombiner } from "../../src/time/watermark-combiner.ts";

const at = fc.integer({ min: -50, max: 200 }).map(eventTime);
const moves = fc.array(
  fc.record({
    kind: fc.constantFrom("advance", "advance", "advance", "idle", "active", "restore"),
    input: fc.nat({ max: 2 }),
    at,
  }),
  { maxLength: 60, size: "max" },
);

describe("watermarks", () => {
  test("bounded disorder never calls an element late that is within the bound", () => {
    const bound = fc.nat({ max: 30 }).map((n) => millis(n));
    fc.assert(
      fc.property(fc.array(at), bound, (times, disorder) => {
        let generator = new BoundedDisorder(disorder);
        let largest = Number.NEGATIVE_INFINITY;
        let before: EventTime = MIN_TIME;
        for (const time of times) {
          expect(time <= generator.watermark).toBe(time < largest - disorder);
          generator.observe(time);
          largest = Math.max(largest, time);
          expect(generator.watermark).toBeGreaterThanOrEqual(before);
          before = generator.watermark;
          generator = BoundedDisorder.restore(disorder, decode(encode(generator.snapshot())));
        }
      }),
    );
  });

  test("one that goes on with the clock never moves back, restored at any step", () => {
    const events = fc.array(fc.tuple(fc.nat({ max: 20 }), fc.option(at)));
    fc.assert(
      fc.property(events, (list) => {
        let generator = new DisorderWithClock(millis(5));
        let [clock, before] = [0, MIN_TIME];
        for (const [pause, time] of list) {
          clock += pause;
          generator.tick(clock);
          if (time !== null) {
            const late = time <= generator.watermark;
            expect(generator.observe(time)).toBe(late);
          }
          expect(generator.watermark).toBeGreaterThanOrEqual(before);
          before = generator.watermark;
          generator = DisorderWithClock.restore(millis(5), decode(encode(generator.snapshot())));
        }
      }),
    );
  });

  test("idleness is told alike, restored at any check", () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 8 }), fc.boolean()));
    fc.assert(
      fc.property(steps, (list) => {
        const whole = new IdlenessTimer(millis(10));
        let stopped = new IdlenessTimer(millis(10));
        let clock = 0;
        for (const [pause, active] of list) {
          clock += pause;
          if (active) for (const timer of [whole, stopped]) timer.activity();
          else expect(stopped.isIdle(clock)).toBe(whole.isIdle(clock));
          stopped = IdlenessTimer.restore(millis(10), decode(encode(stopped.snapshot())));
        }
      }),
    );
  });

  test("the combined one never moves back and never passes an active input that keeps up", () => {
    fc.assert(
      fc.property(moves, (list) => {
        let combiner = new WatermarkCombiner(3);
        const inputs = [0, 1, 2].map(() => ({ at: MIN_TIME, idle: false }));
        let before = MIN_TIME;
        for (const move of list) {
          combiner = moveInput(combiner, inputs, move);
          expect(combiner.watermark).toBeGreaterThanOrEqual(before);
          before = combiner.watermark;
          const active = inputs.filter((input) => !input.idle);
          const keepUp = active.filter((input) => input.at >= combiner.watermark);
          const least = Math.min(...keepUp.map((input) => input.at), MAX_TIME);
          if (keepUp.length === 0) continue;
          expect(combiner.watermark).toBeLessThanOrEqual(least);
          if (keepUp.length === active.length) expect(combiner.watermark).toBe(least);
        }
      }),
    );
  });

  test("splits that come, go and wake behind do not move time back", () => {
    const splits = fc.array(
      fc.record({
        kind: fc.constantFrom("advance", "advance", "idle", "register", "unregister", "restore"),
        split: fc.constantFrom("a", "b", "c"),
        at,
      }),
      { maxLength: 60, size: "max" },
    );
    fc.assert(
      fc.property(splits, (list) => {
        let source = new SplitWatermarks();
        const known = new Set<string>();
        let before: EventTime = MIN_TIME;
        for (const move of list) {
          source = moveSplit(source, known, move);
          expect(source.watermark ?? MIN_TIME).toBeGreaterThanOrEqual(before);
          before = source.watermark ?? MIN_TIME;
        }
      }),
    );
  });
});

function moveInput(
  combiner: WatermarkCombiner,
  inputs: readonly { at: EventTime; idle: boolean }[],
  { kind, input, at: time }: { kind: string; input: number; at: EventTime },
): WatermarkCombiner {
  const one = inputs[input] ?? { at: MIN_TIME, idle: false };
  if (kind === "restore") return WatermarkCombiner.restore(decode(encode(combiner.snapshot())));
  if (kind === "advance") {
    const changes = combiner.advance(input, time);
    if (!one.idle && time > one.at) one.at = time;
    expect(changes.every((change) => change.watermark === combiner.watermark)).toBe(true);
  } else {
    if (kind === "idle") combiner.markIdle(input);
    else combiner.markActive(input);
    one.idle = kind === "idle";
  }
  return combiner;
}

function moveSplit(
  source: SplitWatermarks,
  known: Set<string>,
  { kind, split, at: time }: { kind: string; split: string; at: EventTime },
): SplitWatermarks {
  if (kind === "restore") return SplitWatermarks.restore(decode(encode(source.snapshot())));
  if (kind === "unregister") {
    known.delete(split);
    source.unregister(split);
  } else if (!known.has(split)) {
    known.add(split);
    source.register(split);
  } else if (kind === "idle") source.markIdle(split);
  else source.advance(split, time);
  return source;
}
