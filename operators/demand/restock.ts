import Type, { type Static } from "typebox";
import { type Context, FORGET, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import {
  addCounts,
  type Counts,
  FORECAST_MEASURES,
  type Forecast,
  type ForecastOptions,
  type ForecastRow,
  forecastAt,
  orderQty,
  sumCounts,
  unitsOf,
} from "./forecast.ts";
import { duration, readOptions } from "./options.ts";
import { type DemandRecord, dimOf, ITEM_MEASURES, plainKey } from "./partial.ts";
import { type Restock, restockMessage } from "./restock-message.ts";
import {
  type RegionStock,
  type SupplyTerms,
  stockByRegion,
  supplyTerms,
} from "./supply-position.ts";

/** A need that was signalled and is taken to be on its way. */
interface Open {
  region: string;
  id: string;
  plan: string;
  qty: number;
  /** Units of them that no fact has shown yet. */
  left: number;
  /** On hand and on order when last looked at: what it rises by was signalled before. */
  position: number;
  /** The region's share of the demand at the signal, and so of what is on order. */
  share: number;
  /** When it should have arrived; from then on it counts no more. */
  until: number;
}
export interface RestockState {
  rows: ForecastRow[];
  since: number;
  last: number;
  open: Open[];
  ticking: boolean;
}

const CHECK = "check";
const DAY = 86_400_000;
const PANE = 600_000;
const MAX_REGIONS = 32;
const COLUMNS = FORECAST_MEASURES.map((measure) => ITEM_MEASURES.indexOf(measure) + 1);

const rate = (fallback: number) => Type.Number({ minimum: 0, default: fallback });
const Options = Type.Object(
  {
    check: Type.String({ default: "30s", description: "How often a moving item is looked at." }),
    window: Type.String({ default: "24h", description: "Its demand is taken for the usual one." }),
    fast: Type.String({ default: "1h", description: "Its demand, when higher, is a surge." }),
    surge_life: Type.String({
      default: "6h",
      description: "How long a surge is expected to last.",
    }),
    z: Type.Number({
      minimum: 0,
      default: 1.645,
      description: "Standard deviations of safety; 1.645 is a service level of 95 %.",
    }),
    dispersion: Type.Number({
      exclusiveMinimum: 0,
      default: 1,
      description: "Variance of a day's demand over its mean; 1 is Poisson.",
    }),
    min_events: Type.Integer({
      minimum: 1,
      default: 3,
      description: "Fewer events are no evidence for a need.",
    }),
    more: Type.Number({
      minimum: 0,
      default: 0.5,
      description: "A signalled need that grows by less than this share is the same need.",
    }),
    conversion: Type.Object(
      {
        views: rate(0.02),
        carts: rate(0.2),
        favs: rate(0.05),
        searches: rate(0.02),
        content_views: rate(0.005),
      },
      {
        additionalProperties: false,
        default: {},
        description: "Units that an event is expected to end in, before it has.",
      },
    ),
  },
  { additionalProperties: false },
);

/**
 * Restock signals by region. One is due when what is on hand and on order would not last the lead
 * time with safety; it asks for what lead and review time need. A signalled need counts as on order until it shows in a fact or its lead
 * time has passed, so it is signalled once; when it grows, a new signal supersedes it.
 */
function restockOperator(
  options: Static<typeof Options>,
): Operator<DemandRecord, Restock, RestockState> {
  const check = duration(options.check);
  const forecast: ForecastOptions = {
    pane: PANE,
    window: wholePanes(options.window),
    fast: wholePanes(options.fast),
    surgeLife: duration(options.surge_life),
    conversion: options.conversion,
    dispersion: options.dispersion,
    z: options.z,
  };
  return {
    name: "restock",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) => (dimOf(record) === "item" ? record.key : undefined),
    init: () => ({ rows: [], since: 0, last: 0, open: [], ticking: false }),
    onEvent(record, state, ctx) {
      const { payload, time } = record;
      if (payload[0] !== "item") return state;
      const terms = supplyTerms(ctx.facts, plainKey(ctx.key));
      if (terms === undefined && state.rows.length === 0) return FORGET;
      const pane = Math.floor(time / PANE);
      if (time <= state.last - forecast.window) {
        ctx.late({ key: record.key, second: isoTime(time) });
        return state;
      }
      const [since] = payload[1];
      if (state.since === 0 || since < state.since) state.since = since;
      state.last = Math.max(state.last, time);
      for (const row of payload[2]) {
        const known = state.rows.some(([, region]) => region === row[0]);
        const region = known || regionCount(state) < MAX_REGIONS ? row[0] : "";
        const counts = COLUMNS.map((column) => row[column] as number);
        addCounts(state.rows, pane, region, counts);
      }
      if (!state.ticking) {
        state.ticking = true;
        const after = Math.max(ctx.now, ctx.watermark);
        ctx.setTimer(CHECK, ((Math.floor(after / check) + 1) * check) as EventTime);
      }
      return state;
    },
    onTimer(_timer, state, ctx) {
      const first = Math.floor(ctx.now / PANE) - forecast.window / PANE + 1;
      state.rows = state.rows.filter(([pane]) => pane >= first);
      state.open = state.open.filter(({ until }) => until > ctx.now);
      if (state.rows.length === 0 && state.open.length === 0) return FORGET;
      const sku = plainKey(ctx.key);
      const terms = supplyTerms(ctx.facts, sku);
      const stocks = stockByRegion(ctx.facts, sku);
      if (terms !== undefined && stocks !== undefined) {
        weigh(state, { sku, terms, stocks, first, forecast, options }, ctx);
      }
      ctx.setTimer(CHECK, (ctx.now + check) as EventTime);
      return state;
    },
    publish: restockMessage,
  };
}

const wholePanes = (text: string): number => Math.ceil(duration(text) / PANE) * PANE;
const regionCount = (state: RestockState): number =>
  new Set(state.rows.map(([, region]) => region)).size;

interface Weighing {
  readonly sku: string;
  readonly terms: SupplyTerms;
  readonly stocks: readonly RegionStock[];
  readonly first: number;
  readonly forecast: ForecastOptions;
  readonly options: Static<typeof Options>;
}

function weigh(state: RestockState, of: Weighing, ctx: Context<Restock>): void {
  const { terms, stocks, first, options } = of;
  const counts = sumCounts(state.rows, first);
  const events = eventsOf(counts);
  const whole = forecastAt(state.rows, { now: ctx.now, since: state.since }, of.forecast);
  const shares = sharesOf(state.rows, first, of);
  stocks.forEach((stock, i) => {
    const share = shares[i] ?? 0;
    const onOrder = terms.onOrder * share;
    const position = stock.onHand + onOrder - stock.reserved;
    const open = state.open.find(({ region }) => region === stock.region);
    if (open !== undefined) {
      const now = stock.onHand + terms.onOrder * open.share;
      open.left = Math.max(0, open.left - Math.max(0, now - open.position));
      open.position = now;
    }
    const horizon = terms.leadDays + terms.reviewDays;
    const forecast = whole.units(horizon) * share;
    const safety = whole.safety(horizon) * Math.sqrt(share);
    const qty = orderQty(forecast + safety - position, terms.moq, terms.multiple);
    const left = open === undefined || open.left < open.qty / 10 ? 0 : open.left;
    const untilArrival = whole.units(terms.leadDays) * share;
    const reorderPoint = untilArrival + whole.safety(terms.leadDays) * Math.sqrt(share);
    if (events < options.min_events || position + left > reorderPoint) return;
    if (qty <= left * (1 + options.more)) return;
    const supersedes = left > 0 && open !== undefined ? open : undefined;
    const id = `rs_${ctx.derive(`restock ${stock.region}`).slice(0, 16)}`;
    const plan = supersedes?.plan ?? `pl_${ctx.derive("plan").slice(0, 16)}`;
    const until = ctx.now + Math.max(terms.leadDays * DAY, PANE);
    state.open = state.open.filter(({ region }) => region !== stock.region);
    state.open.push({
      region: stock.region,
      id,
      plan,
      qty,
      left: qty,
      position: stock.onHand + onOrder,
      share,
      until,
    });
    ctx.emit({
      ...{ sku: of.sku, at: ctx.now, id, plan, qty, terms, stock, onOrder, forecast, safety },
      supersedes: supersedes?.id ?? null,
      untilArrival,
      perDay: perDay(whole, horizon) * share,
      surge: whole.surge,
      counts,
      from: Math.max(first * PANE, state.since),
      // Rule of succession: how much the evidence outweighs five events of doubt.
      confidence: events / (events + 5),
    });
  });
}

const perDay = (forecast: Forecast, days: number): number =>
  days > 0 ? forecast.units(days) / days : forecast.rate;

const eventsOf = (counts: Counts): number =>
  Math.max(counts.views, counts.rec_views) +
  Math.max(counts.carts, counts.rec_carts) +
  Math.max(counts.orders, counts.rec_orders) +
  counts.favs +
  counts.searches +
  counts.content_views;

/**
 * Shares of the demand by region with stock: by the demand that named it, else by stock, else even.
 * Demand that named no region, or one without stock, is spread in the same proportions.
 */
function sharesOf(rows: readonly ForecastRow[], first: number, of: Weighing): number[] {
  const { stocks, options } = of;
  const named = stocks.map(({ region }) =>
    unitsOf(sumCounts(rows, first, region), options.conversion),
  );
  const weights = named.some((units) => units > 0) ? named : stocks.map(({ onHand }) => onHand);
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => (sum > 0 ? weight / sum : 1 / weights.length));
}

export const restockSpec: OperatorSpec = {
  name: "restock",
  flow: "demand",
  summary: "Restock signals from projected demand, stock on hand and on order, and lead times.",
  from: ["events"],
  options: Options,
  make: (options) => restockOperator(readOptions(Options, options)),
};
