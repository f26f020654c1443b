import fc from "fast-check";
import { expect, test } from "vitest";
import { FORGET } from "../../src/flow/operator.ts";
import { Each } from "../../src/stream/each.ts";
import { between } from "../../src/stream/join-bounds.ts";
import { rehearse } from "../../src/stream/rehearse.ts";
import { stream } from "../../src/stream/stream.ts";
import { count, sum } from "../../src/time/aggregate.ts";
import { eventTime, millis } from "../../src/time/event-time.ts";
import type { WindowResult } from "../../src/time/open-window.ts";
import { atWatermark } from "../../src/time/trigger.ts";
import { tumbling } from "../../src/time/window-kind.ts";
import { windowed } from "../../src/time/windowed.ts";
import { atEnd, emitted, ran, scripts, type Tick } from "./tap.ts";

const ticks = stream<Tick>("ticks").keyBy(({ key }) => key);
const only = (kind: Tick["kind"]) =>
  stream<Tick>(kind)
    .filter((tick) => tick.kind === kind)
    .keyBy(({ key }) => key);

test("a result held back survives the eviction of its row, and only the last is told", async () => {
  const held = ticks
    .streamTime({ windows: tumbling(millis(20)), grace: millis(9), emit: "onUpdate" })
    .aggregate(count())
    .suppress(({ start }) => `${start}`, { maxRecords: 1, whenFull: "emit" });
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      expect(await ran(held, script, 0)).toEqual(await ran(held, script, 1000));
    }),
    { numRuns: 40 },
  );
});

test("a behaviour that forgets its key forgets its timers, though results of it are still held back", async () => {
  const own = ticks
    .process<number, number>({
      version: 1,
      init: () => 0,
      onEvent({ kind, n }, seen, ctx) {
        ctx.setTimer(`quiet-${n % 2}`, eventTime(ctx.now + 100));
        ctx.emit(seen);
        return kind === "b" ? FORGET : seen + 1;
      },
      onTimer(_timer, seen, ctx) {
        ctx.emit(-1 - seen);
        return FORGET;
      },
    })
    .suppress(String, { maxRecords: 1 });
  const event = (at: number, kind: "a" | "b") =>
    ({ at: eventTime(at), event: { key: "k", kind, n: at } }) as const;
  const script = [event(1, "a"), event(2, "b"), { watermark: eventTime(300) }, event(400, "a")];
  // The second and the third result push out the one before; the timers set at 1 and 2 are gone.
  expect(await rehearse(own, script)).toEqual([0, 1]);
});

test("a value gets the version valid at its time, in whatever order they came", async () => {
  const results = only("a")
    .asOf(only("b"), { keep: millis(1000), most: 1000 })
    .select(({ value, fact }) => [value.n, fact?.n ?? null]);
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const events = script.filter((line) => "event" in line);
      const { told } = await ran(results, events, 0);
      expect(await ran(results, events, 1000)).toMatchObject({ told });
      const inOrder = events.toSorted((x, y) => x.at - y.at || x.event.n - y.event.n);
      const expected = inOrder.flatMap((line, i) => {
        if (line.event.kind !== "a") return [];
        const versions = inOrder
          .slice(0, i)
          .filter(({ key, event }) => key === line.key && event.kind === "b");
        return [[line.event.n, versions.at(-1)?.event.n ?? null]];
      });
      expect(told.map(({ out }) => out)).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});

test("windows over windows of the same end add up to all that was in time", async () => {
  const inner = ticks.window(tumbling(millis(10))).aggregate(count());
  const outer = stream<WindowResult<number>>("outer")
    .from("ticks")
    .keyBy(() => "all")
    .window(tumbling(millis(20)))
    .aggregate(sum(), ({ value }) => value)
    .select(({ value }) => value);
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const events = script.filter((line) => "event" in line);
      const operators = [inner.operator(), outer.operator()];
      const { told, late } = await emitted(operators, atEnd(events), 0, [["events"], ["ticks"]]);
      expect(late).toEqual([]);
      const perWindow = new Map<number, number>();
      for (const { at } of events) {
        const window = Math.floor(at / 20);
        perWindow.set(window, (perWindow.get(window) ?? 0) + 1);
      }
      const expected = [...perWindow].sort(([a], [b]) => a - b).map(([, n]) => n);
      expect(told.map(({ out }) => out)).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});

test("an event that belongs to both sides under two keys is refused by name", async () => {
  const right = stream<Tick>("right").keyBy(({ n }) => `${n}`);
  const results = ticks.join(right, between(millis(0), millis(1)));
  const script = [{ at: eventTime(1), event: { key: "k", kind: "a", n: 1 } }] as const;
  await expect(rehearse(results, script)).rejects.toThrow("ticks: an event that belongs to both");
});

test("a stream of a new version lifts the state of the old one", () => {
  const operator = ticks
    .window(tumbling(millis(10)))
    .aggregate(count())
    .version(2, (state, from) => ({ state, from }))
    .operator();
  expect(operator.version).toBe(2);
  expect(operator.migrate?.("old", 1)).toEqual({ state: "old", from: 1 });
});

test("two streams of one type merged are the stream of both", async () => {
  const of = (kinds: string) => stream<Tick>("merged").filter(({ kind }) => kinds.includes(kind));
  const counted = (one: ReturnType<typeof of>) =>
    one
      .keyBy(({ key }) => key)
      .window(tumbling(millis(10)))
      .aggregate(count());
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const merged = await ran(counted(of("a").merge(of("b"))), script, 0);
      expect(merged).toEqual(await ran(counted(of("ab")), script, 1000));
    }),
    { numRuns: 40 },
  );
  const fed = of("a").from("one", "two").merge(of("b").from("two", "three"));
  expect(counted(fed).spec("shopper").from).toEqual(["one", "two", "three"]);
});

test("an event both merged streams take counts twice, and may not have two keys", async () => {
  const script = [{ at: eventTime(1), event: { key: "k", kind: "a", n: 1 } }] as const;
  const all = stream<Tick>("all");
  const twice = all.merge(all).keyBy(({ key }) => key);
  expect(await rehearse(twice.each(), script)).toHaveLength(2);
  const torn = all
    .map(({ n }) => n)
    .merge(all.map(({ n }) => n + 1))
    .keyBy((n) => `${n}`);
  await expect(rehearse(torn.each(), script)).rejects.toThrow(
    "all: one event has values of several",
  );
});

test("a logic of one's own gets state and timers as the engine's own do", async () => {
  const windows = tumbling(millis(10));
  const trigger = atWatermark();
  const value = ({ n }: Tick) => n;
  const own = windowed({ windows, trigger, aggregate: sum(), value, late: () => ({}) });
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const given = await ran(ticks.process(own), script, 0);
      expect(given).toEqual(await ran(ticks.window(windows).aggregate(sum(), value), script, 1000));
    }),
    { numRuns: 40 },
  );
  const order = [3, 1, 2].map(
    (n) => ({ at: eventTime(n), event: { key: "k", kind: "a", n } }) as const,
  );
  const sorted = ticks.process(new Each<Tick>(), "event-time").select(({ n }) => n);
  expect(await rehearse(sorted, [...order, { watermark: eventTime(9) }])).toEqual([1, 2, 3]);
});
