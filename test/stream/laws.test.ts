import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OrderedMatcher } from "../../src/pattern/ordered-matcher.ts";
import { type Pattern, pattern } from "../../src/pattern/pattern.ts";
import type { Stages } from "../../src/pattern/spec.ts";
import { between } from "../../src/stream/join-bounds.ts";
import type { Results } from "../../src/stream/results.ts";
import { stream } from "../../src/stream/stream.ts";
import { count, list, max, sum } from "../../src/time/aggregate.ts";
import { millis } from "../../src/time/event-time.ts";
import { IntervalJoin, type SideEvent } from "../../src/time/interval-join.ts";
import { RecordSliding } from "../../src/time/record-sliding.ts";
import { streamTimeWindows } from "../../src/time/stream-time.ts";
import { anyOf, atWatermark, continuously, everyCount } from "../../src/time/trigger.ts";
import { WindowJoin } from "../../src/time/window-join.ts";
import { global, session, sliding, tumbling } from "../../src/time/window-kind.ts";
import type { WindowOptions } from "../../src/time/window-operator.ts";
import { windowed } from "../../src/time/windowed.ts";
import { atEnd, direct, emitted, type Line, ran, scripts, type Tick, type Told } from "./tap.ts";

const ticks = stream<Tick>("ticks").keyBy(({ key }) => key);
const only = (kind: Tick["kind"]) =>
  stream<Tick>(kind)
    .filter((tick) => tick.kind === kind)
    .keyBy(({ key }) => key);
const n = ({ n: value }: Tick): number => value;
const late = (): Record<string, unknown> => ({});
const all = (tick: Tick): readonly Tick[] => [tick];

interface Case {
  readonly name: string;
  readonly stream: Results<Tick, unknown>;
  direct(script: readonly Line[]): Told[];
}

function windowCase<Acc, Result>(
  name: string,
  results: Results<Tick, unknown>,
  options: Omit<WindowOptions<Tick, number, Acc, Result>, "value" | "late">,
): Case {
  return {
    name,
    stream: results,
    direct: (script) => direct(windowed({ ...options, value: n, late }), all, script),
  };
}

const grid = sliding(millis(12), millis(4), millis(-3));
const sided = (tick: Tick): readonly SideEvent<Tick>[] =>
  tick.kind === "c" ? [] : [{ side: tick.kind === "a" ? "left" : "right", value: tick }];

const CASES: readonly Case[] = [
  windowCase("tumbling", ticks.window(tumbling(millis(10))).aggregate(sum(), n), {
    windows: tumbling(millis(10)),
    trigger: atWatermark(),
    aggregate: sum(),
  }),
  windowCase(
    "sliding, additive, with lateness",
    ticks.window(grid).allowedLateness(millis(9)).aggregate(sum(), n),
    {
      windows: grid,
      trigger: atWatermark(),
      allowedLateness: millis(9),
      aggregate: sum(),
    },
  ),
  windowCase(
    "sliding, merged, retracting",
    ticks.window(grid).allowedLateness(millis(9)).retracting().aggregate(max(), n),
    {
      windows: grid,
      trigger: atWatermark(),
      accumulation: "retracting",
      allowedLateness: millis(9),
      aggregate: max(),
    },
  ),
  windowCase(
    "session",
    ticks.window(session(({ kind }) => millis(kind === "c" ? 9 : 4))).aggregate(list<number>(), n),
    {
      windows: session<Tick>(({ kind }) => millis(kind === "c" ? 9 : 4)),
      trigger: atWatermark(),
      aggregate: list<number>(),
    },
  ),
  windowCase("count", ticks.countWindow(3).aggregate(list<number>(), n), {
    windows: global(),
    trigger: everyCount(3),
    accumulation: "discarding",
    aggregate: list<number>(),
  }),
  windowCase(
    "early firings",
    ticks
      .window(tumbling(millis(20)))
      .trigger(anyOf(everyCount(2), atWatermark()))
      .allowedLateness(millis(5))
      .aggregate(sum(), n),
    {
      windows: tumbling(millis(20)),
      trigger: anyOf(everyCount(2), atWatermark()),
      allowedLateness: millis(5),
      aggregate: sum(),
    },
  ),
  windowCase(
    "stream time, sessions with retractions",
    ticks
      .streamTime({ windows: { gap: millis(6) }, grace: millis(8), emit: "onUpdateRetract" })
      .aggregate(sum(), n),
    streamTimeWindows<Tick, number, number, number>({
      windows: { gap: millis(6) },
      grace: millis(8),
      emit: "onUpdateRetract",
      aggregate: sum(),
      value: n,
      late,
    }),
  ),
  {
    name: "record-sliding",
    stream: ticks.recordSliding(
      { difference: millis(8), grace: millis(4), emit: "onClose" },
      count(),
    ),
    direct: (script) =>
      direct(
        new RecordSliding<Tick, Tick, number, number>({
          difference: millis(8),
          grace: millis(4),
          emit: "onClose",
          aggregate: count(),
          value: (tick) => tick,
          late,
        }),
        all,
        script,
      ),
  },
  {
    name: "interval join",
    stream: only("a").join(only("b"), between(millis(-4), millis(8), { upperOpen: true })),
    direct: (script) =>
      direct(
        new IntervalJoin<Tick>({ lower: millis(-4), upper: millis(8), upperOpen: true, late }),
        sided,
        script,
      ),
  },
  {
    name: "window join",
    stream: only("a").joinWindow(only("b"), "outer", {
      before: millis(4),
      after: millis(4),
      grace: millis(6),
    }),
    direct: (script) =>
      direct(
        new WindowJoin<Tick>({
          kind: "outer",
          before: millis(4),
          after: millis(4),
          grace: millis(6),
          late,
        }),
        sided,
        script,
      ),
  },
];

describe("a stream is the class behind it", () => {
  test.each(CASES)("$name", async (one) => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const cold = await ran(one.stream, script, 0);
        const hot = await ran(one.stream, script, 1000);
        expect(cold).toEqual(hot);
        expect(hot.told).toEqual(one.direct(script));
        told += hot.told.length;
      }),
      { numRuns: 60 },
    );
    expect(told).toBeGreaterThan(60);
  });
});

test("numbered panes are the same, however the rows are kept", async () => {
  const panes = ticks
    .window(tumbling(millis(20)))
    .trigger(continuously(millis(6)))
    .panes("always")
    .aggregate(sum(), n)
    .select(({ start, pane }, key) => ({ window: `${key}${start}`, isLast: pane?.isLast }));
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      expect(await ran(panes, script, 0)).toEqual(await ran(panes, script, 1000));
    }),
    { numRuns: 40 },
  );
});

describe("patterns", () => {
  const wanted = pattern<Tick>()
    .begin("first")
    .where(({ kind }) => kind === "a")
    .followedBy("second")
    .where(({ kind }) => kind === "b")
    .notFollowedBy("third")
    .where(({ kind }) => kind === "c")
    .within(millis(15));
  const looping = pattern<Tick>()
    .begin("first")
    .where(({ kind }) => kind === "a")
    .followedBy("more")
    .where(({ kind }) => kind === "b")
    .oneOrMore()
    .followedBy("last")
    .where(({ kind }) => kind === "c")
    .within(millis(20));

  const law = <S extends Stages>(name: string, one: Pattern<Tick, S>) =>
    test(name, async () => {
      const results = ticks
        .pattern(one)
        .select((match) => ({ match }))
        .timeouts((timeout) => ({ timeout }));
      let told = 0;
      await fc.assert(
        fc.asyncProperty(scripts, async (script) => {
          const cold = await ran(results, script, 0);
          expect(cold).toEqual(await ran(results, script, 1000));
          expect([cold.keys, cold.timers]).toEqual([0, 0]);
          let lost = 0;
          for (const key of ["k", "l"]) {
            const expected = byOrderedMatcher(one, script, key);
            const seen = cold.told.filter((t) => t.key === key).map(({ out }) => out);
            expect(asSet(seen)).toEqual(asSet(expected.told));
            told += seen.length;
            lost += expected.lost;
          }
          expect(cold.late).toHaveLength(lost);
        }),
        { numRuns: 60 },
      );
      expect(told).toBeGreaterThan(30);
    });
  law("matches and timeouts of one that ends in an absence", wanted);
  law("matches and timeouts of one with a loop", looping);

  test("what the limits make it forget is counted", async () => {
    const many = ticks.pattern(wanted, { partialMatches: 2 }).select((match) => match);
    const script = Array.from({ length: 5 }, (_, i) => ({
      at: i as never,
      key: "k",
      event: { key: "k", kind: "a" as const, n: i },
    }));
    const { late } = await emitted([many.operator()], [...script, { watermark: 10 }], 0);
    expect(late).toHaveLength(3);
    expect(late[0]).toMatchObject({ data: { reason: "partial_matches", forgotten: 1 } });
  });
});

function byOrderedMatcher<S extends Stages>(
  one: Pattern<Tick, S>,
  script: readonly Line[],
  key: string,
): { readonly told: unknown[]; readonly lost: number } {
  const matcher = new OrderedMatcher(one);
  const state = matcher.init();
  const told: unknown[] = [];
  let lost = 0;
  for (const line of atEnd(script)) {
    if ("watermark" in line) {
      const { matches, timeouts } = matcher.advance(state, line.watermark);
      told.push(...matches.map((match) => ({ match })));
      told.push(...timeouts.map((timeout) => ({ timeout })));
    } else if (line.key === key && matcher.offer(state, line.event, line.at) === "late") lost += 1;
  }
  return { told, lost };
}

const asSet = (list: readonly unknown[]): string[] => list.map((one) => JSON.stringify(one)).sort();
