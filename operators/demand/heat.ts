import Type from "typebox";
import type { Context, Operator } from "../../src/flow/operator.ts";
import { FORGET } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime, type Millis } from "../../src/time/event-time.ts";
import {
  addToPane,
  advanceTo,
  emptyPanes,
  holdsNothing,
  nextOccupied,
  type PaneRing,
  type PaneSpec,
  paneIndex,
  paneSpec,
  paneStart,
  total,
} from "../../src/time/pane-ring.ts";
import { duration, readOptions } from "./options.ts";
import {
  type DemandRecord,
  dimOf,
  eventCount,
  HEAT_MEASURES,
  type HeatDim,
  heatCounts,
  type ItemRow,
  type PartialCounts,
  plainKey,
} from "./partial.ts";

/**
 * How often a key was met in the window `[end - size, end)`. Told at the slides where
 * something entered or left, until the window is empty; on demand at every slide.
 */
export interface Heat {
  readonly kind: "heat";
  readonly dim: HeatDim;
  readonly key: string;
  readonly end: EventTime;
  readonly count: number;
  /** By measure, for items. */
  readonly counts: Readonly<Record<string, number>>;
  /** Events by region, for items; those that named no region are not among them. */
  readonly regions: Readonly<Record<string, number>>;
}

export interface HeatState {
  /** By measure: `HEAT_MEASURES` for items, one for the other dimensions. */
  panes: PaneRing | null;
  regions: [region: string, panes: PaneRing][];
}

const SLIDE = "slide";
/** Regions told apart in one key; the others count in the sum alone. */
const MAX_REGIONS = 64;
const NO_REGIONS: Readonly<Record<string, number>> = Object.freeze({});

/**
 * Sliding counts in panes of one slide: a partial touches one pane and one total, whatever the
 * number of windows. Quiet keys are forgotten when their window is empty.
 */
export function heatOperator(options: {
  readonly size: Millis;
  readonly slide: Millis;
  /** Tell every slide that is not empty, changed or not: for a trace. */
  readonly everySlide?: boolean;
}): Operator<DemandRecord, Heat, HeatState> {
  const { size, slide, everySlide = false } = options;
  if (size % slide !== 0) throw new RangeError(`size ${size} is no multiple of slide ${slide}`);
  const one = paneSpec({ size, slide });
  const many = paneSpec({ size, slide, measures: HEAT_MEASURES.length });
  const specOf = (key: string) => (key.startsWith("item:") ? many : one);
  return {
    name: "heat",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) =>
      isHeatDim(dimOf(record)) && record.key !== "category:*" ? record.key : undefined,
    init: () => ({ panes: null, regions: [] }),
    onEvent(record, state, ctx) {
      const { time, payload } = record;
      // The next window to be told; the one before it has been.
      const end = Math.floor((Math.max(ctx.watermark, time - 1) + 1) / slide) * slide + slide;
      if (time < end - size) {
        ctx.late({ key: record.key, count: eventCount(payload), second: isoTime(time) });
        return state.panes === null ? FORGET : state;
      }
      if (eventCount(payload) === 0) return state.panes === null ? FORGET : state;
      ctx.setTimer(SLIDE, (end - 1) as EventTime);
      const spec = specOf(ctx.key);
      const pane = paneIndex(spec, time);
      let panes = state.panes ?? emptyPanes(spec, pane);
      countsOf(payload).forEach((count, measure) => {
        panes = addToPane(panes, spec, pane, count, measure);
      });
      state.panes = panes;
      if (payload[0] === "item") addRegions(state, one, payload[2], pane);
      return state;
    },
    onTimer(timer, state, ctx) {
      const spec = specOf(ctx.key);
      const pane = paneIndex(spec, timer.at);
      const panes = advanceTo(state.panes ?? emptyPanes(spec, pane), spec, pane);
      if (holdsNothing(panes, spec)) return FORGET;
      state.panes = panes;
      for (const region of state.regions) region[1] = advanceTo(region[1], one, pane);
      state.regions = state.regions.filter(([, ring]) => !holdsNothing(ring, one));
      tell(state, { many: spec, one }, (timer.at + 1) as EventTime, ctx);
      const oldest = nextOccupied(panes, spec, pane + 1 - spec.panes) ?? pane + 1;
      const next = everySlide ? timer.at + slide : paneStart(spec, oldest) + size + slide - 1;
      ctx.setTimer(SLIDE, next as EventTime);
      return state;
    },
  };
}

const isHeatDim = (dim: string | undefined): dim is HeatDim =>
  dim === "item" || dim === "category" || dim === "keyword" || dim === "region";

function countsOf(payload: PartialCounts): readonly number[] {
  if (payload[0] !== "item") return [eventCount(payload)];
  const sums = HEAT_MEASURES.map(() => 0);
  for (const row of payload[2]) {
    heatCounts(row).forEach((count, i) => {
      sums[i] = (sums[i] ?? 0) + count;
    });
  }
  return sums;
}

function addRegions(
  state: HeatState,
  spec: PaneSpec,
  rows: readonly ItemRow[],
  pane: number,
): void {
  for (const row of rows) {
    const events = heatCounts(row).reduce((a, b) => a + b, 0);
    if (row[0] === "" || events === 0) continue;
    const known = state.regions.find(([region]) => region === row[0]);
    if (known !== undefined) known[1] = addToPane(known[1], spec, pane, events);
    else if (state.regions.length < MAX_REGIONS) {
      state.regions.push([row[0], addToPane(emptyPanes(spec, pane), spec, pane, events)]);
    }
  }
}

function tell(
  state: HeatState,
  { many, one }: { readonly many: PaneSpec; readonly one: PaneSpec },
  end: EventTime,
  ctx: Context<Heat>,
): void {
  const { panes } = state;
  if (panes === null) return;
  let count = 0;
  for (let m = 0; m < many.measures; m += 1) count += total(panes, many, m);
  if (count === 0) return;
  const dim = ctx.key.slice(0, ctx.key.indexOf(":")) as HeatDim;
  const counts: Record<string, number> = {};
  if (dim === "item") {
    HEAT_MEASURES.forEach((measure, m) => {
      counts[measure] = total(panes, many, m);
    });
  }
  ctx.emit({
    kind: "heat",
    dim,
    key: plainKey(ctx.key),
    end,
    count,
    counts,
    regions: regionsOf(state, one),
  });
}

function regionsOf({ regions }: HeatState, spec: PaneSpec): Readonly<Record<string, number>> {
  if (regions.length === 0) return NO_REGIONS;
  const sums = regions.map(([region, ring]) => [region, total(ring, spec)] as const);
  return Object.fromEntries(sums.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const Options = Type.Object(
  {
    size: Type.String({ default: "5m", description: "Length of the window." }),
    slide: Type.String({
      default: "10s",
      description: "How often it is counted; the size must be a multiple of it.",
    }),
    every_slide: Type.Boolean({
      default: false,
      description: "Tell every slide that is not empty, also where nothing has changed.",
    }),
  },
  { additionalProperties: false },
);

export const heatSpec: OperatorSpec = {
  name: "heat",
  flow: "demand",
  summary: "Sliding counts per item, category, keyword and region.",
  from: ["events"],
  options: Options,
  traced: { every_slide: true },
  make(options) {
    const { size, slide, every_slide: everySlide } = readOptions(Options, options);
    return heatOperator({ size: duration(size), slide: duration(slide), everySlide });
  },
};
