import fc from "fast-check";
import { expect, test } from "vitest";
import type { Operator } from "../../src/flow/operator.ts";
import { millis } from "../../src/time/event-time.ts";
import { play, type ScriptLine } from "../support/play.ts";

const KEEP = 900;

/** Counts the events of a key and of what it knows of it. */
const counter: Operator<string, number, number> = {
  name: "counter",
  version: 1,
  order: "arrival",
  keep: millis(KEEP),
  key: (key) => key,
  init: () => 0,
  onEvent(_key, count, ctx) {
    ctx.emit(count + 1);
    return count + 1;
  },
  publish: (count) => ({ subject: "count.told", data: { count } }),
};

test("a key is kept for as long as the operator says, and forgotten a ninth later at the most", async () => {
  const gaps = fc.array(
    fc.tuple(fc.constantFrom("a", "b"), fc.oneof(fc.nat(400), fc.integer({ min: 850, max: 1100 }))),
    { minLength: 2, maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(gaps, async (list) => {
      const script: ScriptLine[] = [];
      const last = new Map<string, number>();
      const quiet: number[] = [];
      let now = 10_000;
      for (const [key, gap] of list) {
        now += gap;
        script.push({ watermark: now - 1 }, { at: now, key, event: key });
        quiet.push(now - 1 - (last.get(key) ?? Number.NEGATIVE_INFINITY));
        last.set(key, now);
      }
      const { outputs, task } = await play([{ operator: counter, from: ["events"] }], script);
      const counts = new Map<string, number>();
      outputs.forEach(({ key, data }, i) => {
        const known = counts.get(key) ?? 0;
        const silence = quiet[i] as number;
        const { count } = data as { count: number };
        if (silence < KEEP) expect(count).toBe(known + 1);
        else if (silence >= KEEP + KEEP / 9) expect(count).toBe(1);
        else expect([1, known + 1]).toContain(count);
        counts.set(key, count);
      });
      await task.advance((now + 2 * KEEP) as never, [1e6, 0]);
      expect(task.keys).toBe(0);
      expect(task.pendingTimers).toBe(0);
    }),
    { numRuns: 300 },
  );
});
