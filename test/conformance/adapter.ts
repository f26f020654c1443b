import { type AnyAggregate, list } from "freshet/aggregates";
import { IntervalJoin, type SideEvent } from "freshet/interval-join";
import { RecordSliding } from "freshet/record-sliding";
import { addSession, mergeWindows } from "freshet/sessions";
import { SplitWatermarks } from "freshet/split-watermarks";
import { streamTimeWindows } from "freshet/stream-time";
import { Suppress } from "freshet/suppress";
import { days, type EventTime, MAX_TIME, MIN_TIME, millis } from "freshet/time";
import type { Trigger } from "freshet/triggers";
import { WatermarkCombiner } from "freshet/watermark-combiner";
import { BoundedDisorder, DisorderWithClock, IdlenessTimer } from "freshet/watermarks";
import { WindowJoin } from "freshet/window-join";
import { WindowOperator } from "freshet/window-operator";
import * as spec from "freshet/window-specs";
import { windowed } from "freshet/windowed";
import { session, type WindowKind } from "freshet/windows";
import { runCep } from "./cep-adapter.ts";
import { drive } from "./drive.ts";
import { Observed } from "./observed.ts";
import type { CepVector, Config, Element, Fields, Pair, Vector, Window } from "./vector.ts";

const NONE = millis(0);
const pairOf = ({ start, end }: Window): Pair => [start, end];
const windowOf = ([start, end]: Pair): Window => ({ start, end });
const late = (event: Element | SideEvent<unknown>): Fields => ({ ...event });
const fields = { value: (element: Element): unknown => element.value, late };

function aggregateOf({ aggregate = "list" }: Config): AnyAggregate {
  if (aggregate !== "concat") return spec.aggregateNamed(aggregate);
  return { ...list<string>(), result: (acc: string[]) => acc.join("") };
}

function windowsOf({ window }: Config): WindowKind<Element> {
  const { pointValue, gapRules = [], gap = NONE } = window ?? {};
  if (pointValue === undefined && gapRules.length === 0) {
    return spec.windowsFrom(window as spec.WindowSpec);
  }
  return session(({ key, value }) => {
    const rule = gapRules.find((r) => (r.key ?? key) === key && (r.value ?? value) === value);
    return value === pointValue ? NONE : (rule?.gap ?? gap);
  });
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
    accumulation: config.trigger?.purge ? "discarding" : config.accumulation,
    allowedLateness: config.allowedLateness,
    finalPane: config.finalPane,
  });
  const bound = (at: EventTime) => (at === MIN_TIME || at === MAX_TIME ? null : at);
  const show = ({ start, end, ...shown }: Window): Fields => {
    return { windowStart: bound(start), windowEnd: bound(end), ...shown };
  };
  drive(seen, operator, show, () => {
    const wanted = seen.after(expectedDropCounter)?.["droppedElementWindows"];
    if (wanted !== undefined) seen.same(operator.counts.refused, wanted, "dropped");
  });
}

function streamTime(seen: Observed): void {
  const { config, finalState } = seen.vector;
  const { emit = "state", grace = NONE, window } = config;
  const common = { ...fields, grace, aggregate: aggregateOf(config) };
  const mode = emit === "onClose" ? emit : "onUpdate";
  if (window?.type === "recordSliding") {
    const { timeDifference: difference = NONE } = window;
    drive(seen, new RecordSliding({ ...common, difference, emit: mode }), (out) => {
      return { windowStart: out.start, windowEnd: out.end, value: out.value };
    });
    return;
  }
  const gap = window?.type === "session" ? (window.gap ?? NONE) : undefined;
  const windows = gap === undefined ? spec.windowsFrom(window as spec.GridSpec) : { gap };
  const stays = emit === "state" ? ({ emit: mode, retention: days(1) } as const) : { emit };
  const operator = new WindowOperator(streamTimeWindows({ ...common, windows, ...stays }));
  type Shown = Window & { readonly value: unknown; readonly retraction: boolean };
  const show = ({ start, end, value, retraction }: Shown): Fields => {
    const windowEnd = gap === undefined ? end : end - gap - 1;
    return { windowStart: start, windowEnd, value: retraction ? null : value };
  };
  let rows: Fields[] = [];
  drive(seen, operator, show, ({ states }) => {
    rows = [...states].flatMap(([key, state]) =>
      operator.read(state).map((window) => ({ key, ...show({ ...window, retraction: false }) })),
    );
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
  type Times = Readonly<Record<"leftAt" | "rightAt" | "at", EventTime>>;
  const show = (pair: Times): Fields => {
    return { leftTs: pair.leftAt, rightTs: pair.rightAt, outputTs: pair.at };
  };
  drive(seen, join, show, ({ states }) => {
    const wanted = seen.after(expectedState);
    if (wanted === undefined) return;
    const buffered = (side: "left" | "right") =>
      [...states.values()].flatMap((state) => state[side].map(([at]) => at));
    const both = [wanted["leftBufferTs"], wanted["rightBufferTs"]];
    seen.same([buffered("left"), buffered("right")], both, "buffers");
  });
}

function windowJoin(seen: Observed): void {
  const { kind, before = NONE, after = NONE, grace = NONE } = seen.vector.config;
  const join = new WindowJoin<unknown>({ kind: kind as "left", before, after, grace, late });
  drive(seen, join, ({ left, right, at }) => ({ value: `${left}+${right}`, ts: at }));
}

function suppressUpdates(seen: Observed): void {
  const { maxRecords, emitEarlyWhenFull, untilTimeLimitMs } = seen.vector.config;
  const whenFull = emitEarlyWhenFull === false ? "fail" : "emit";
  const suppress = new Suppress({ maxRecords, whenFull, untilTimeLimit: untilTimeLimitMs });
  for (const [step, { update }] of seen.vector.steps.entries()) {
    seen.step = step;
    const shown = update === undefined ? [] : suppress.update({ ...update, at: update.ts });
    for (const { key, value, at } of shown) seen.output({ key, value, ts: at });
  }
  seen.judge();
}

const elementAt = (ts: EventTime): Element => ({ key: "", ts, value: ts, side: "left" });

function assignWindows(seen: Observed): void {
  const kind = windowsOf(seen.vector.config);
  for (const { ts, windows } of seen.vector.cases) {
    const held = kind.kind === "session" ? [kind.window(ts, elementAt(ts), "")] : kind.windows(ts);
    seen.same(held.map(pairOf), windows, `windows of ${ts}`);
  }
}

function assignAndMerge(seen: Observed): void {
  const { inputTs, expectedContents = [], config } = seen.vector;
  const sorted = inputTs.toSorted((a, b) => a - b);
  const elements = sorted.map((ts) => ({ element: elementAt(ts) }));
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
  const wanted = expectedMerges.map(({ from, to }) => row(from, to));
  const merges = mergeWindows(windowsIn.map(windowOf), { touching: config.mergeTouching ?? true });
  const rows = merges.map(({ from, to }) => row(from.map(pairOf), pairOf(to)));
  seen.sameSet(rows, wanted, "merges");
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
