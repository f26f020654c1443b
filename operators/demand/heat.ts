import Type from "typebox";
import type { Context, Operator } from "../../src/flow/operator.ts";
import { FORGET } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime, type Millis } from "../../src/time/event-time.ts";
import { duration, readOptions } from "./options.ts";
import {
  type DemandRecord,
  dimOf,
  eventCount,
  HEAT_MEASURES,
  type HeatDim,
  heatCounts,
  type PartialCounts,
  plainKey,
} from "./partial.ts";

/** How often a key was met in the window `[end - size, end)`. Told at every slide that is not empty. */
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

/** Events of one pane and region: pane number, region, counts. */
type Row = [pane: number, region: string, counts: number[]];
export interface HeatState {
  /** By pane, at most one a pane and region. */
  rows: Row[];
  /** Sums of `rows` by region. */
  totals: [region: string, counts: number[]][];
}

const SLIDE = "slide";
/** Regions told apart in one key; the others count as unnamed. */
const MAX_REGIONS = 64;

/**
 * Sliding counts in panes of one slide: a partial touches one pane and one total, whatever the
 * number of windows. Quiet keys are forgotten when their window is empty.
 */
export function heatOperator(options: {
  readonly size: Millis;
  readonly slide: Millis;
}): Operator<DemandRecord, Heat, HeatState> {
  const { size, slide } = options;
  if (size % slide !== 0) throw new RangeError(`size ${size} is no multiple of slide ${slide}`);
  const panes = size / slide;
  return {
    name: "heat",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) =>
      isHeatDim(dimOf(record)) && record.key !== "category:*" ? record.key : undefined,
    init: () => ({ rows: [], totals: [] }),
    onEvent(record, state, ctx) {
      const pane = Math.floor(record.time / slide);
      // The first window whose end is still to come; the window before it has been told.
      const open = Math.floor((Math.max(ctx.watermark, record.time - 1) + 1) / slide) + 1;
      if (pane + panes < open) {
        ctx.late({
          key: record.key,
          count: eventCount(record.payload),
          second: isoTime(record.time),
        });
        return state.rows.length === 0 ? FORGET : state;
      }
      if (state.rows.length === 0) ctx.setTimer(SLIDE, (open * slide - 1) as EventTime);
      for (const [region, counts] of rowsOf(record.payload)) {
        addRow(state, pane, nameOf(region, state), counts);
      }
      return state;
    },
    onTimer(timer, state, ctx) {
      const end = (timer.at + 1) as EventTime;
      expire(state, end / slide - panes);
      if (state.rows.length === 0) return FORGET;
      tell(state, end, ctx);
      ctx.setTimer(SLIDE, (timer.at + slide) as EventTime);
      return state;
    },
  };
}

const isHeatDim = (dim: string | undefined): dim is HeatDim =>
  dim === "item" || dim === "category" || dim === "keyword" || dim === "region";

const totalOf = (state: HeatState, region: string): number[] | undefined =>
  state.totals.find(([name]) => name === region)?.[1];

const nameOf = (region: string, state: HeatState): string =>
  state.totals.length < MAX_REGIONS || totalOf(state, region) !== undefined ? region : "";

function rowsOf(payload: PartialCounts): (readonly [string, number[]])[] {
  if (payload[0] === "item") return payload[2].map((row) => [row[0], heatCounts(row)] as const);
  return [["", [eventCount(payload)]]];
}

/** Counts that came late find their pane from the back. */
function addRow(state: HeatState, pane: number, region: string, counts: number[]): void {
  if (counts.every((count) => count === 0)) return;
  let at = state.rows.length;
  for (; at > 0; at -= 1) {
    const row = state.rows[at - 1] as Row;
    if (row[0] < pane) break;
    if (row[0] === pane && row[1] === region) {
      add(row[2], counts, 1);
      at = -1;
      break;
    }
  }
  if (at >= 0) state.rows.splice(at, 0, [pane, region, [...counts]]);
  const total = totalOf(state, region);
  if (total === undefined) state.totals.push([region, [...counts]]);
  else add(total, counts, 1);
}

function expire(state: HeatState, firstPane: number): void {
  let gone = 0;
  for (const [pane, region, counts] of state.rows) {
    if (pane >= firstPane) break;
    gone += 1;
    add(totalOf(state, region) ?? [], counts, -1);
  }
  if (gone === 0) return;
  state.rows.splice(0, gone);
  state.totals = state.totals.filter(([, total]) => total.some((count) => count !== 0));
}

function add(into: number[], counts: readonly number[], sign: 1 | -1): void {
  for (let i = 0; i < counts.length; i += 1) into[i] = (into[i] ?? 0) + sign * (counts[i] ?? 0);
}

function tell(state: HeatState, end: EventTime, ctx: Context<Heat>): void {
  const dim = ctx.key.slice(0, ctx.key.indexOf(":")) as HeatDim;
  const sum: number[] = [];
  const regions: [string, number][] = [];
  let count = 0;
  for (const [region, total] of state.totals) {
    const events = total.reduce((a, b) => a + b, 0);
    count += events;
    if (region !== "") regions.push([region, events]);
    add(sum, total, 1);
  }
  regions.sort(([a], [b]) => (a < b ? -1 : 1));
  const counts = dim === "item" ? HEAT_MEASURES.map((name, i) => [name, sum[i] ?? 0] as const) : [];
  ctx.emit({
    kind: "heat",
    dim,
    key: plainKey(ctx.key),
    end,
    count,
    counts: Object.fromEntries(counts),
    regions: Object.fromEntries(regions),
  });
}

const Options = Type.Object(
  {
    size: Type.String({ default: "5m", description: "Length of the window." }),
    slide: Type.String({
      default: "10s",
      description: "How often it is counted; the size must be a multiple of it.",
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
  make(options) {
    const { size, slide } = readOptions(Options, options);
    return heatOperator({ size: duration(size), slide: duration(slide) });
  },
};
