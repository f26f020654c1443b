import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AnyAggregate,
  count,
  last,
  list,
  max,
  mean,
  min,
  sum,
} from "../../src/time/aggregate.ts";
import { distinct } from "../../src/time/distinct.ts";
import { type EventTime, eventTime, MAX_TIME, millis } from "../../src/time/event-time.ts";
import { KeyedHost } from "../../src/time/keyed-host.ts";
import type { KeyedLogic } from "../../src/time/keyed-logic.ts";
import type { WindowResult } from "../../src/time/open-window.ts";
import { quantiles } from "../../src/time/quantiles.ts";
import { topK } from "../../src/time/top-k.ts";
import * as triggers from "../../src/time/trigger.ts";
import { BoundedDisorder } from "../../src/time/watermark.ts";
import { global, session, sliding, tumbling, type WindowKind } from "../../src/time/window-kind.ts";
import { WindowOperator } from "../../src/time/window-operator.ts";
import { windowed } from "../../src/time/windowed.ts";
import {
  type Happening,
  type Log,
  line,
  type Options,
  recomputed,
  type Step,
} from "./window-oracle.ts";

const text = (aggregate: AnyAggregate): AnyAggregate => ({
  ...aggregate,
  add: (acc, value, at) => aggregate.add(acc, String(value), at),
});
const sorted: AnyAggregate = {
  ...list<number>(),
  result: (acc: number[]) => acc.toSorted((a, b) => a - b),
};
const AGGREGATES: Readonly<Record<string, AnyAggregate>> = {
  count: count(),
  sum: sum(),
  mean: mean(),
  min: min(),
  max: max(),
  last: last(),
  list: sorted,
  distinct: text(distinct(3, 4)),
  quantiles: quantiles([0, 0.5, 1]),
  // More counters than there are values, so that it is exact.
  topK: text(topK(3, 20)),
};

const length = (least: number, most: number) =>
  fc.integer({ min: least, max: most }).map((n) => millis(n));
const offset = fc.integer({ min: -25, max: 25 }).map((n) => millis(n));
const grids = fc.oneof(
  fc.tuple(length(1, 40), offset).map(([size, by]) => tumbling(size, by)),
  fc
    .tuple(length(1, 60), length(1, 25), offset)
    .map(([size, slide, by]) => sliding(size, slide, by)),
);
const sessions = fc
  .record({
    gap: length(0, 12),
    touching: fc.boolean(),
    longer: fc.nat({ max: 3 }),
  })
  .map(({ gap, touching, longer }) => {
    const dynamic = ({ value }: Happening) => millis(gap + longer * value);
    return session<Happening>(longer === 0 ? gap : dynamic, { touching });
  });
const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .record({
          at: fc.integer({ min: -60, max: 120 }),
          value: fc.nat({ max: 9 }),
        })
        .map(
          ({ at, value }): Step => ({
            happening: { at: eventTime(at), value },
          }),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: -60, max: 150 })
        .map((at): Step => ({ watermark: eventTime(at) })),
    },
  ),
  { maxLength: 60, size: "max" },
);
/** More in a window than a sparse list holds. */
const manySteps = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.nat({ max: 9 })), {
    minLength: 80,
    maxLength: 120,
  })
  .map((list) =>
    list.flatMap(([back, value], i): Step[] => {
      const step: Step = { happening: { at: eventTime(i - back), value } };
      return i % 10 === 9 ? [step, { watermark: eventTime(i * 2 - 60) }] : [step];
    }),
  );
const settings = fc.record({
  allowedLateness: length(0, 40),
  accumulation: fc.constantFrom(
    "accumulating" as const,
    "discarding" as const,
    "retracting" as const,
  ),
  aggregate: fc.constantFrom(...Object.keys(AGGREGATES)),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

const optionsFor = (windows: WindowKind<Happening>, set: Settings): Options => ({
  windows,
  trigger: triggers.atWatermark(),
  allowedLateness: set.allowedLateness,
  accumulation: set.accumulation,
  aggregate: AGGREGATES[set.aggregate] as AnyAggregate,
  value: (happening) => happening.value,
  late: ({ at, value }) => ({ at, value }),
});

function run(
  logic: KeyedLogic<Happening, WindowResult<unknown>, unknown>,
  list: readonly Step[],
  restoreAt: (step: number) => boolean = () => false,
): Log & {
  readonly host: KeyedHost<Happening, WindowResult<unknown>, unknown>;
} {
  const log: Log = { shown: [], late: [] };
  let shown: string[] = [];
  const sink = {
    emit: (out: WindowResult<unknown>) => {
      shown.push(line(out.start, out.end, out.value, out.retraction));
    },
    late: (event: unknown) => {
      log.late.push(event);
    },
  };
  let host = new KeyedHost(logic, sink);
  for (const [i, step] of list.entries()) {
    if (restoreAt(i)) host = KeyedHost.restore(logic, sink, decode(encode(host.snapshot())));
    shown = [];
    if ("watermark" in step) host.advance(step.watermark);
    else host.element("k", step.happening.at, step.happening);
    log.shown.push(shown.sort());
  }
  return { ...log, host };
}

describe("windows", () => {
  test("incremental equals recomputed, for every grid, aggregate, lateness and order", () => {
    fc.assert(
      fc.property(grids, settings, steps, (windows, set, list) => {
        const options = optionsFor(windows, set);
        const wanted = recomputed(options, list);
        for (const logic of [new WindowOperator(options), windowed(options)]) {
          const { shown, late } = run(logic, list);
          expect(shown).toEqual(wanted.shown);
          expect(late).toEqual(wanted.late);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("so do long windows that late elements fire again", () => {
    const long = fc
      .tuple(length(128, 200), length(1, 2), offset)
      .map(([size, slide, by]) => sliding(size, slide, by));
    const late = fc.record({
      allowedLateness: length(1, 40),
      accumulation: fc.constantFrom("accumulating" as const, "retracting" as const),
      aggregate: fc.constantFrom("count", "sum", "mean"),
    });
    fc.assert(
      fc.property(long, late, manySteps, (windows, set, list) => {
        const options = optionsFor(windows, set);
        const wanted = recomputed(options, list);
        const { shown, late: wereLate } = run(windowed(options), list, (step) => step === 40);
        expect(shown).toEqual(wanted.shown);
        expect(wereLate).toEqual(wanted.late);
      }),
      { numRuns: 30 },
    );
  });

  test("sessions equal those joined anew at each step", () => {
    fc.assert(
      fc.property(sessions, settings, steps, (windows, set, list) => {
        // Joining sessions puts the older one first, which decides between equal times.
        const aggregate = set.aggregate === "last" ? "list" : set.aggregate;
        const options = optionsFor(windows, { ...set, aggregate });
        const { shown, late } = run(new WindowOperator(options), list);
        const wanted = recomputed(options, list);
        expect(shown).toEqual(wanted.shown);
        expect(late).toEqual(wanted.late);
      }),
      { numRuns: 300 },
    );
  });

  test("count windows are the values of a key in pieces, whenever they come", () => {
    fc.assert(
      fc.property(settings, fc.integer({ min: 1, max: 7 }), steps, (set, size, list) => {
        const values = list.flatMap((step) => ("happening" in step ? [step.happening] : []));
        const whole = values.length - (values.length % size);
        const { aggregate } = optionsFor(global(), set);
        const wanted = (first: (end: number) => number): unknown[] => {
          const ends = Array.from({ length: whole / size }, (_, i) => (i + 1) * size);
          return ends.map((end) => {
            const parts = values.slice(first(end), end);
            let acc = aggregate.init();
            for (const { value, at } of parts) acc = aggregate.add(acc, value, at);
            return aggregate.result(acc);
          });
        };
        for (const accumulation of ["discarding", "accumulating"] as const) {
          const options = {
            ...optionsFor(global(), set),
            trigger: triggers.everyCount(size),
          };
          const { shown } = run(windowed({ ...options, accumulation }), list);
          const told = shown.flat().map((row) => (JSON.parse(row) as unknown[])[2]);
          const from = (end: number) => (accumulation === "discarding" ? end - size : 0);
          expect(told).toEqual(JSON.parse(JSON.stringify(wanted(from))));
        }
      }),
    );
  });

  test("restored from its snapshot at any step, a run goes on as if never stopped", () => {
    const trigger = fc.constantFrom(
      triggers.atWatermark(),
      triggers.everyCount(3),
      triggers.continuously(millis(7)),
      triggers.anyOf(triggers.everyDelay(millis(5)), triggers.atWatermark()),
      triggers.orFinally(triggers.everyCount(2), triggers.atWatermark()),
      triggers.once(triggers.everyCount(2)),
      triggers.atClose(),
    );
    const kinds = fc.oneof(grids, sessions, fc.constant(global()));
    const finalPane = fc.constantFrom(undefined, "always" as const, "ifNonEmpty" as const);
    fc.assert(
      fc.property(
        kinds,
        settings,
        trigger,
        finalPane,
        steps,
        fc.array(fc.nat({ max: 60 })),
        (windows, set, on, final, list, stops) => {
          const options: Options = {
            ...optionsFor(windows, set),
            trigger: on,
            ...(final === undefined ? {} : { finalPane: final }),
          };
          const whole = run(windowed(options), list);
          const stopped = run(windowed(options), list, (step) => stops.includes(step));
          expect(stopped.shown).toEqual(whole.shown);
          expect(stopped.late).toEqual(whole.late);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("nothing is kept after the last cleanup, and no element is lost without a count", () => {
    const kinds = fc.oneof(grids, sessions);
    fc.assert(
      fc.property(kinds, length(0, 40), steps, (windows, allowedLateness, list) => {
        const options = optionsFor(windows, {
          allowedLateness,
          accumulation: "accumulating",
          aggregate: "count",
        });
        const elements = list.filter((step) => "happening" in step).length;
        for (const logic of [new WindowOperator(options), windowed(options)]) {
          const { late, host } = run(logic, list);
          host.advance((MAX_TIME - 1) as EventTime);
          expect(host.states.size).toBe(0);
          expect(host.pendingTimers).toBe(0);
          expect(logic.counts.unassigned + late.length).toBeLessThanOrEqual(elements);
        }
      }),
    );
    fc.assert(
      fc.property(length(1, 30), length(0, 40), steps, (size, allowedLateness, list) => {
        const set = {
          allowedLateness,
          accumulation: "discarding",
          aggregate: "count",
        } as const;
        const options = optionsFor(tumbling(size), set);
        const end: Step = { watermark: (MAX_TIME - 1) as EventTime };
        const { shown, late } = run(new WindowOperator(options), [...list, end]);
        const counted = shown.flat().map((row) => (JSON.parse(row) as number[])[2] ?? 0);
        const elements = list.filter((step) => "happening" in step).length;
        expect(counted.reduce((all, n) => all + n, 0) + late.length).toBe(elements);
      }),
    );
  });

  test("a key is forgotten exactly when its last window is cleaned up", () => {
    const last = (windows: WindowKind<Happening>, happening: Happening): number =>
      windows.kind === "session"
        ? windows.window(happening.at, happening, "k").end
        : Math.max(...windows.windows(happening.at).map(({ end }) => end));
    const happenings = fc.array(
      fc.record({
        at: fc.integer({ min: -60, max: 120 }).map(eventTime),
        value: fc.nat({ max: 9 }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    // A point window may be over before it begins; where windows leave gaps, some have none.
    const covering = fc.oneof(grids, sessions).filter((windows) => {
      if (windows.kind === "sliding" && "slide" in windows) return windows.slide <= windows.size;
      return true;
    });
    fc.assert(
      fc.property(covering, settings, happenings, (windows, set, list) => {
        const options = optionsFor(windows, set);
        const end = Math.max(...list.map((one) => last(windows, one)));
        const cleanup = end - 1 + set.allowedLateness;
        for (const logic of [new WindowOperator(options), windowed(options)]) {
          const { host } = run(
            logic,
            list.map((happening) => ({ happening })),
          );
          host.advance((cleanup - 1) as EventTime);
          expect(host.states.size).toBe(1);
          host.advance(cleanup as EventTime);
          expect(host.states.size + host.pendingTimers).toBe(0);
        }
      }),
    );
  });

  test("any order within the allowed disorder shows the same as the sorted one", () => {
    const happenings = fc.array(
      fc.record({
        at: fc.nat({ max: 300 }),
        by: fc.nat({ max: 20 }),
        value: fc.nat({ max: 9 }),
      }),
      { maxLength: 60, size: "max" },
    );
    fc.assert(
      fc.property(fc.oneof(grids, sessions), settings, happenings, (windows, set, list) => {
        // `last` is about the order of arrival where times are equal.
        const aggregate = set.aggregate === "last" ? "max" : set.aggregate;
        const options = optionsFor(windows, { ...set, aggregate });
        const feed = (order: readonly { at: number; value: number }[]): string[] => {
          const generator = new BoundedDisorder(millis(20));
          const fed = order.flatMap(({ at, value }): Step[] => {
            generator.observe(eventTime(at));
            const happening = { at: eventTime(at), value };
            return [{ happening }, { watermark: generator.watermark }];
          });
          const { shown, late } = run(windowed(options), [
            ...fed,
            { watermark: (MAX_TIME - 1) as EventTime },
          ]);
          expect(late).toEqual([]);
          return shown.flat().sort();
        };
        const delayed = list.toSorted((a, b) => a.at + a.by - (b.at + b.by));
        const inOrder = list.toSorted((a, b) => a.at - b.at);
        expect(feed(delayed)).toEqual(feed(inOrder));
      }),
      { numRuns: 300 },
    );
  });
});
