import fc from "fast-check";
import { expect, test } from "vitest";
import { loadDuckDb } from "../../bench/duckdb.ts";
import { countsContender, countsPeers, smallCounts } from "../../bench/small-counts.ts";
import { smallEvents, smallMessage } from "../../bench/small-job.ts";
import { RxjsJob } from "../../bench/small-job-rxjs.ts";
import { eventTime, millis } from "../../src/time/event-time.ts";

const peers = countsPeers(await loadDuckDb());

/** Each window of each key, as the definition has it. */
function slowly(
  events: readonly { sku: string; at: number }[],
  { size, slide, until }: { size: number; slide: number; until: number },
): string {
  let windows = 0;
  let counted = 0;
  for (let end = slide; end <= until; end += slide) {
    const within = events.filter(({ at }) => at >= end - size && at < end);
    windows += new Set(within.map(({ sku }) => sku)).size;
    counted += within.length;
  }
  return `${windows} windows, ${counted} counted`;
}

test("all who count the small job's events tell the same windows, which are those of the definition", async () => {
  const loads = fc.record({
    panes: fc.integer({ min: 1, max: 6 }),
    slide: fc.integer({ min: 1, max: 20 }),
    steps: fc.array(fc.tuple(fc.nat({ max: 15 }), fc.nat({ max: 4 })), {
      minLength: 1,
      maxLength: 20,
    }),
  });
  await fc.assert(
    fc.asyncProperty(loads, async ({ panes, slide, steps }) => {
      let at = 0;
      const events = steps.map(([step, sku]) => {
        at += step;
        return { sku: `sku-${sku}`, at: eventTime(at) };
      });
      const size = panes * slide;
      const grid = { size: millis(size), slide: millis(slide) };
      const digests = new Set<string>();
      for (const peer of peers) {
        digests.add((await countsContender(peer, events, grid, size).run()).digest);
      }
      const [digest = "", ...others] = digests;
      expect(others).toEqual([]);
      expect(digest).toMatch(`${slowly(events, { size, slide, until: at + size })}, `);
    }),
    { numRuns: 20 },
  );
});

test("the counts alone are those of the whole job, and others are refused", async () => {
  const events = smallEvents(2000);
  const whole = new RxjsJob(() => undefined);
  for (const [i, event] of events.entries()) whole.next(Buffer.from(smallMessage(event, i)[1]));
  whole.finish();
  const { comparison, leftOut } = await smallCounts(events, whole.result, 1);
  expect(comparison.rates.map(({ name }) => name)).toEqual(peers.map(({ name }) => name));
  expect(comparison.rates.length + leftOut.length).toBe(4);
  const other = { ...whole.result, counted: whole.result.counted + 1 };
  await expect(smallCounts(events, other, 1)).rejects.toThrow("the whole job");
});

test("a package that nobody brought is no peer", async () => {
  expect(await loadDuckDb("@duckdb/never-brought")).toBeUndefined();
});
