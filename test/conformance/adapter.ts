import { type AnyAggregate, list } from "../../src/time/aggregate.ts";
import {
  type EventTime,
  MAX_TIME,
  MIN_TIME,
  type Millis,
  millis,
} from "../../src/time/event-time.ts";
import { IntervalJoin, type SideEvent } from "../../src/time/interval-join.ts";
import { RecordSliding } from "../../src/time/record-sliding.ts";
import { addSession, mergeWindows } from "../../src/time/session.ts";
import { SplitWatermarks } from "../../src/time/split-watermarks.ts";
import { streamTimeWindows } from "../../src/time/stream-time.ts";
import { Suppress } from "../../src/time/suppress.ts";
import type { Trigger } from "../../src/time/trigger.ts";
import { BoundedDisorder, DisorderWithClock, IdlenessTimer } from "../../src/time/watermark.ts";
import { WatermarkCombiner } from "../../src/time/watermark-combiner.ts";
import type { Window } from "../../src/time/window.ts";
import { WindowJoin } from "../../src/time/window-join.ts";
import { session, type WindowKind } from "../../src/time/window-kind.ts";
import { WindowOperator } from "../../src/time/window-operator.ts";
import * as spec from "../../src/time/window-spec.ts";
import { windowed } from "../../src/time/windowed.ts";
import { type CepVector, runCep } from "./cep-adapter.ts";
import { drive } from "./drive.ts";
import { Observed } from "./observed.ts";
import type { Config, Element, Fields, Pair, Vector } from "./vector.ts";

const NONE = millis(0);
const pairOf = ({ start, end }: Window): Pair => [start, end];
const windowOf = ([start, end]: Pair): Window => ({ start, end });
const late = (event: Element | SideEvent<unknown>): Fields => ({ ...event });
const fields = { value: (element: Element): unknown => element.value, late };

function aggregateOf({ aggregate = "list" }: Config): AnyAggregate {
  if (aggregate !== "concat") return spec.aggregateNamed(aggregate);
  return { ...list<string>(), result: (acc: string[]) => acc.join("") };
}

/** Gaps of sessions that depend on the element; undefined where one gap is for all. */
function gapOf(window: Config["window"], { key, value }: Element): Millis | undefined {
  if (window?.pointValue === value) return NONE;
  const fits = (want: unknown, is: unknown) => want === undefined || want === is;
  return window?.gapRules?.find((one) => fits(one.key, key) && fits(one.value, value))?.gap;
}

function windowsOf({ window }: Config): WindowKind<Element> {
  if (window?.gapRules === undefined && window?.pointValue === undefined) {
    return spec.windowsFrom(window as spec.WindowSpec);
  }
  return session((element) => gapOf(window, element) ?? window.gap ?? NONE);
}

/** A trigger repeats in Flink's vectors without saying so, in Beam's only where it says so. */
function triggerOf({ operator, config: { trigger } }: Vector): Trigger {
  const wanted = trigger as spec.TriggerSpec;
  const once = operator === "windowAggregatePanes" && !("repeat" in wanted);
  return spec.triggerFrom(once ? { once: wanted } : wanted);
}

function windowAggregate(seen: Observed): void {
  const { config, expectedDropCounter } = seen.vector;
  const operator = windowed({
    ...fields,
    windows: windowsOf(config),
    aggregate: aggregateOf(config),
    trigger: triggerOf(seen.vector),
    accumulation: config.trigger?.purge ? "discarding" : (config.accumulation ?? "accumulating"),
    allowedLateness: config.allowedLateness ?? NONE,
    ...(config.finalPane === undefined ? {} : { finalPane: config.finalPane }),
  });
  const bound = (at: EventTime) => (at === MIN_TIME || at === MAX_TIME ? null : at);
  drive(
    seen,
    operator,
    ({ start, end, value, pane }, key) => {
      return { key, windowStart: bound(start), windowEnd: bound(end), value, pane };
    },
    () => {
      const wanted = seen.after(expectedDropCounter)?.["droppedElementWindows"];
      if (wanted !== undefined) seen.same(operator.counts.refused, wanted, "dropped");
    },
  );
}

function streamTime(seen: Observed): void {
  const { config, finalState } = seen.vector;
  const { emit = "state", grace = NONE, window } = config;
  const common = { ...fields, grace, aggregate: aggregateOf(config) };
  if (window?.type === "recordSliding") {
    const mode = emit === "onClose" ? emit : "onUpdate";
    const difference = window.timeDifference ?? NONE;
    drive(seen, new RecordSliding({ ...common, difference, emit: mode }), (out, key) => {
      return { key, windowStart: out.start, windowEnd: out.end, value: out.value };
    });
    return;
  }
  const gap = window?.type === "session" ? window.gap : undefined;
  const windows =
    gap === undefined
      ? spec.windowsFrom(window as spec.GridSpec)
      : ({ kind: "session", gap } as const);
  const kept = emit === "state" ? { emit: "onClose", retention: millis(86_400_000) } : { emit };
  const operator = new WindowOperator(
    streamTimeWindows({ ...common, windows, ...(kept as { emit: "onClose" }) }),
  );
  const show = (out: Window & { value: unknown; retraction?: boolean }, key: string) => ({
    key,
    windowStart: out.start,
    windowEnd: gap === undefined ? out.end : out.end - gap - 1,
    value: out.retraction ? null : out.value,
  });
  let rows: Fields[] = [];
  drive(seen, operator, show, (host) => {
    const read = [...host.states()].map(([key, state]) => ({ key, windows: operator.read(state) }));
    rows = read.flatMap(({ key, windows: held }) => held.map((one) => show(one, key)));
  });
  if (finalState !== undefined) seen.sameSet(rows, finalState, "final state");
}

function intervalJoin(seen: Observed): void {
  const { config, expectedState } = seen.vector;
  const join = new IntervalJoin<unknown>({
    lower: config.lower ?? NONE,
    upper: config.upper ?? NONE,
    lowerOpen: config.lowerInclusive === false,
    upperOpen: config.upperInclusive === false,
    late,
  });
  drive(
    seen,
    join,
    ({ leftAt, rightAt, at }, key) => ({ key, leftTs: leftAt, rightTs: rightAt, outputTs: at }),
    (host) => {
      const wanted = seen.after(expectedState);
      for (const side of wanted === undefined ? [] : (["left", "right"] as const)) {
        const held = [...host.states().values()].flatMap((state) => state[side]);
        seen.same(
          held.map(([at]) => at),
          wanted?.[`${side}BufferTs`],
          side,
        );
      }
    },
  );
}

function windowJoin(seen: Observed): void {
  const { kind, before = NONE, after = NONE, grace = NONE } = seen.vector.config;
  const keys = new Map(
    seen.vector.steps.map(({ element }) => [String(element?.key), element?.key]),
  );
  const join = new WindowJoin<unknown>({ kind: kind as "left", before, after, grace, late });
  drive(seen, join, ({ left, right, at }, key) => {
    return { key: keys.get(key), value: `${left}+${right}`, ts: at };
  });
}

function suppressUpdates(seen: Observed): void {
  const { maxRecords, emitEarlyWhenFull, untilTimeLimitMs } = seen.vector.config;
  const suppress = new Suppress<unknown>({
    ...(maxRecords === undefined ? {} : { maxRecords }),
    ...(untilTimeLimitMs === undefined ? {} : { untilTimeLimit: untilTimeLimitMs }),
    whenFull: emitEarlyWhenFull === false ? "fail" : "emit",
  });
  for (const [step, { update }] of seen.vector.steps.entries()) {
    seen.step = step;
    const shown = update === undefined ? [] : suppress.update({ ...update, at: update.ts });
    for (const { key, value, at } of shown) seen.output({ key, value, ts: at });
  }
  seen.judge();
}

function assignWindows(seen: Observed): void {
  const kind = windowsOf(seen.vector.config);
  for (const { ts, windows } of seen.vector.cases) {
    const element: Element = { key: "", ts, value: null, side: "left" };
    const held = kind.kind === "session" ? [kind.window(ts, element, "")] : kind.windows(ts);
    seen.same(held.map(pairOf), windows, `windows of ${ts}`);
  }
}

function assignAndMerge(seen: Observed): void {
  const { inputTs, expectedContents = [], config } = seen.vector;
  const sorted = inputTs.toSorted((a, b) => a - b);
  const elements = sorted.map(
    (ts) => ({ element: { key: "", ts, value: ts, side: "left" } }) as const,
  );
  const run = new Observed({
    ...seen.vector,
    config: { ...config, trigger: { type: "eventTime" } },
    steps: [...elements, { watermark: MAX_TIME }],
    expectedAll: expectedContents.map(({ ts, ...window }) => ({ ...window, value: ts })),
  });
  windowAggregate(run);
  seen.problems.push(...run.problems);
}

function mergeAll(seen: Observed): void {
  const { windowsIn, expectedMerges = [], config } = seen.vector;
  const row = (from: readonly Pair[], to: Pair): Fields => {
    return { from: from.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]), to };
  };
  const merges = mergeWindows(windowsIn.map(windowOf), { touching: config.mergeTouching ?? true });
  const rows = merges.map(({ from, to }) => row(from.map(pairOf), pairOf(to)));
  seen.sameSet(
    rows,
    expectedMerges.map(({ from, to }) => row(from, to)),
    "merges",
  );
}

function mergingWindowSet(seen: Observed): void {
  const open: Window[] = [];
  const join = { touching: seen.vector.config.mergeTouching ?? true };
  for (const { add, resultWindow, merged } of seen.vector.addSequence) {
    const change = addSession(open, windowOf(add), join);
    seen.same([pairOf(change.window), change.merged], [resultWindow, merged], `add ${add}`);
  }
}

function watermarkGenerator(seen: Observed): void {
  const { config, steps, expectedWatermark } = seen.vector;
  const bound = config.maxOutOfOrderness ?? NONE;
  if (config.type === "boundedOutOfOrderness") {
    const generator = new BoundedDisorder(bound);
    for (const { eventTs } of steps) if (eventTs !== undefined) generator.observe(eventTs);
    const reached = generator.watermark === MIN_TIME ? "MIN" : generator.watermark;
    seen.same(reached, expectedWatermark, "watermark");
  } else if (config.type === "boundedWithSystemProgress") {
    // Bytewax writes the first instant that is still expected, one more than the watermark.
    const generator = new DisorderWithClock(bound);
    for (const { wallMs = 0, eventTs, late: isLate, watermark } of steps) {
      generator.tick(wallMs);
      if (eventTs !== undefined) seen.same(generator.observe(eventTs), isLate, "late");
      seen.same(generator.frontier, watermark, "frontier");
    }
  } else throw new Error(`no watermark generator ${config.type}`);
}

function watermarkCombiner(seen: Observed): void {
  const combiner = new WatermarkCombiner(seen.vector.config.inputs ?? 0);
  for (const { input, status, watermark = MIN_TIME, emits } of seen.vector.steps) {
    const on = Number(input);
    if (status === "idle") seen.same(combiner.markIdle(on), emits, "idle");
    else if (status === "active") seen.same(combiner.markActive(on), emits, "active");
    else seen.same(combiner.advance(on, watermark), emits, "watermark");
  }
}

function sourceSplitMultiplexer(seen: Observed): void {
  const splits = new SplitWatermarks();
  for (const step of seen.vector.steps) {
    const { registerSplit, unregisterSplit, split = "", watermark = MIN_TIME } = step;
    if (registerSplit !== undefined) splits.register(registerSplit);
    else if (unregisterSplit !== undefined) splits.unregister(unregisterSplit);
    else if (step.status === "idle") splits.markIdle(split);
    else splits.advance(split, watermark);
    seen.same(splits.watermark ?? null, step.combinedWatermark, "combined");
  }
}

function idlenessTimer(seen: Observed): void {
  const timer = new IdlenessTimer(seen.vector.config.timeoutMs ?? NONE);
  let clock = 0;
  for (const { advanceClockMs = 0, activity, check, idle } of seen.vector.steps) {
    clock += advanceClockMs;
    if (activity) timer.activity();
    if (check) seen.same(timer.isIdle(clock), idle, "idle");
  }
}

const OPERATORS: Readonly<Record<string, (seen: Observed) => void>> = {
  windowAggregatePanes: windowAggregate,
  windowAggregate: (seen) =>
    seen.vector.config.timeDomain === "streamTime" ? streamTime(seen) : windowAggregate(seen),
  intervalJoin,
  windowJoin,
  suppressUpdates,
  assignWindows,
  assignAndMerge,
  mergeWindows: mergeAll,
  mergingWindowSet,
  watermarkGenerator,
  watermarkCombiner,
  sourceSplitMultiplexer,
  idlenessTimer,
};

/** Runs a vector on the production classes; answers what differs from what it expects. */
export function runVector(vector: Vector): string[] {
  if (vector.operator === "cep") return runCep(vector as unknown as CepVector);
  const operator = OPERATORS[vector.operator];
  if (operator === undefined) return [`no operator ${vector.operator}`];
  const seen = new Observed(vector);
  operator(seen);
  return seen.problems;
}
