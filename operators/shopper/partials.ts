import Type from "typebox";
import type { Context, Facts, Hop, Operator } from "../../src/flow/operator.ts";
import type { JobSettings, OperatorSpec } from "../../src/flow/spec.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { newPace, paceAt } from "../demand/pace.ts";
import {
  bucketTime,
  FEEDBACK_MEASURES,
  type FeedbackMeasure,
  type ItemMeasure,
  normalKeyword,
} from "../demand/partial.ts";
import {
  emitSecond,
  joinKey,
  learnPace,
  type PartialsState,
  rowsOf,
  Tally,
} from "../demand/second.ts";
import { numberProp, type PropValue, type ShopEvent, textProp } from "../event.ts";

/** Two items met in one session; `b` after `a`. */
export interface CovisitInput {
  readonly kind: "covisit";
  readonly a: string;
  readonly b: string;
  readonly at: EventTime;
}
/** What became of one recommendation, of the kind `rec_kind`. */
export interface FeedbackInput {
  readonly kind: "feedback";
  readonly rec_kind: string;
  readonly what: FeedbackMeasure;
  readonly at: EventTime;
}
export type PartialsInput = ShopEvent | CovisitInput | FeedbackInput | { readonly kind: string };

const GROUP = "group";
const FLUSH = "flush";
/** Items one piece of content speaks for, and lines of an order, that are counted. */
const MAX_LINKED = 20;
const MAX_LINES = 200;

const CATEGORY_WIDTH = 5;
const REGION_WIDTH = 6;
const REGION_ORDERS = 4;
const REGION_QTY = 5;

const ITEM_EVENTS: ReadonlyMap<string, ItemMeasure> = new Map([
  ["product.viewed", "views"],
  ["product.clicked", "touches"],
  ["product.shared", "touches"],
  ["product.favorited", "favs"],
  ["cart.added", "carts"],
  ["order.paid", "orders"],
]);
const CONTENT_EVENTS = new Set(["article.opened", "video.played", "live.entered"]);
/** What a recommendation led to, by the event that carries its `rec_id`. */
const REC_MEASURES: ReadonlyMap<string, ItemMeasure> = new Map([
  ["product.viewed", "rec_views"],
  ["cart.added", "rec_carts"],
  ["order.paid", "rec_orders"],
  ["feedback.clicked", "rec_views"],
  ["feedback.purchased", "rec_orders"],
]);

/**
 * Counts a shopper group's behaviour by second of event time and hands each second on when the
 * watermark has passed it, in the order of dimension and key, so that the order of arrival leaves
 * no trace. What comes later than that is handed on at once, as one more partial of its second.
 */
export function partialsOperator(options: {
  readonly maxOpen: number;
}): Operator<PartialsInput, Hop, PartialsState> {
  return {
    name: "partials",
    version: 1,
    order: "arrival",
    atomic: true,
    key: (input) => (timeOf(input) === undefined ? undefined : GROUP),
    init: () => ({ pace: newPace(), due: 0, size: 0, open: {} }),
    onEvent(input, state, ctx) {
      const at = timeOf(input);
      if (at === undefined) return state;
      const bucket = bucketTime(at);
      if (state.pace.since === 0) state.pace.since = bucket;
      const tally = new Tally(state, bucket);
      if ("kind" in input) countSignal(input, tally);
      else countEvent(input, ctx.facts, tally);
      if (state.size >= options.maxOpen) return flush(state, Number.MAX_SAFE_INTEGER, ctx);
      if (tally.touched && (state.due === 0 || bucket < state.due)) {
        state.due = bucket;
        ctx.setTimer(FLUSH, bucket);
      }
      return state;
    },
    onTimer: (_timer, state, ctx) => flush(state, ctx.now, ctx),
    forward: (hop) => hop,
  };
}

function timeOf(input: PartialsInput): EventTime | undefined {
  const at = (input as { readonly at?: EventTime }).at;
  if (at === undefined) return undefined;
  if (!("kind" in input)) return at;
  return input.kind === "covisit" || input.kind === "feedback" ? at : undefined;
}

function countSignal(input: PartialsInput & { readonly kind: string }, tally: Tally): void {
  if (input.kind === "covisit") {
    const { a, b } = input as CovisitInput;
    if (a === b) return;
    tally.add(joinKey("covisit", a, b), 1, 0);
    tally.add(joinKey("covisit", b, a), 1, 0);
    return;
  }
  const { rec_kind, what } = input as FeedbackInput;
  const index = FEEDBACK_MEASURES.indexOf(what);
  if (index >= 0) tally.add(joinKey("feedback", rec_kind, ""), FEEDBACK_MEASURES.length, index);
}

function countEvent(event: ShopEvent, facts: Facts, tally: Tally): void {
  const measure = ITEM_EVENTS.get(event.type);
  if (measure !== undefined) {
    countItems(event, measure, facts, tally);
    return;
  }
  if (event.type === "searched") {
    const keyword = normalKeyword(textProp(event, "query") ?? "");
    if (keyword !== "") tally.add(joinKey("keyword", keyword, ""), 1, 0);
    const sku = textProp(event, "sku");
    if (sku !== undefined) tally.item(sku, regionOf(event), "searches");
    return;
  }
  if (CONTENT_EVENTS.has(event.type)) {
    countContent(event, facts, tally);
    return;
  }
  const caused = REC_MEASURES.get(event.type);
  const item = textProp(event, "item");
  if (caused !== undefined && item !== undefined) tally.item(item, regionOf(event), caused);
}

const regionOf = (event: ShopEvent): string => textProp(event, "region") ?? "";

function countItems(event: ShopEvent, measure: ItemMeasure, facts: Facts, tally: Tally): void {
  const region = regionOf(event);
  const byRec = textProp(event, "rec_id") === undefined ? undefined : REC_MEASURES.get(event.type);
  const column = CATEGORY_COLUMNS[measure] ?? 0;
  for (const [sku, qty] of linesOf(event)) {
    tally.item(sku, region, measure);
    tally.add(joinKey("met", event.person, sku), 1, 0);
    if (measure === "orders") tally.item(sku, region, "qty", qty);
    if (byRec !== undefined) tally.item(sku, region, byRec);
    const category = textProp(event, "category") ?? categoryOf(sku, facts);
    tally.add(joinKey("category", category ?? "", sku), CATEGORY_WIDTH, column);
    if (region === "") continue;
    tally.add(joinKey("region", region, ""), REGION_WIDTH, column);
    if (column === REGION_ORDERS) {
      tally.add(joinKey("region", region, ""), REGION_WIDTH, REGION_QTY, qty);
    }
  }
}
const CATEGORY_COLUMNS: Readonly<Record<string, number>> = {
  views: 0,
  touches: 1,
  carts: 2,
  favs: 3,
  orders: REGION_ORDERS,
};

function categoryOf(sku: string, facts: Facts): string | undefined {
  const fact = facts.get("catalog", sku) as { readonly category?: unknown } | undefined;
  return typeof fact?.category === "string" ? fact.category : undefined;
}

/** What the event names: its sku, or the lines of an order; whole pieces, at least one. */
function linesOf(event: ShopEvent): (readonly [sku: string, qty: number])[] {
  const sku = textProp(event, "sku");
  if (sku !== undefined && sku !== "") return [[sku, pieces(numberProp(event, "qty"))]];
  const lines = event.props["lines"];
  if (!Array.isArray(lines)) return [];
  const found: (readonly [string, number])[] = [];
  for (const line of (lines as readonly PropValue[]).slice(0, MAX_LINES)) {
    const { sku: named, qty } = (line ?? {}) as { sku?: PropValue; qty?: PropValue };
    if (typeof named === "string" && named !== "") {
      found.push([named, pieces(typeof qty === "number" ? qty : undefined)]);
    }
  }
  return found;
}
const pieces = (qty: number | undefined): number =>
  qty === undefined || !(qty >= 1) ? 1 : Math.min(Math.round(qty), 1_000_000);

/** Counts the view of a piece of content for every item it is about. */
function countContent(event: ShopEvent, facts: Facts, tally: Tally): void {
  const id = textProp(event, "content_id") ?? textProp(event, "live_id");
  const fact = (id === undefined ? undefined : facts.get("content", id)) as
    | { readonly about?: unknown; readonly skus?: unknown }
    | undefined;
  const skus = new Set<string>();
  for (const named of [event.props["sku"], event.props["skus"], fact?.about, fact?.skus]) {
    for (const sku of Array.isArray(named) ? (named as unknown[]) : [named]) {
      if (typeof sku === "string" && sku !== "" && skus.size < MAX_LINKED) skus.add(sku);
    }
  }
  for (const sku of skus) tally.item(sku, regionOf(event), "content_views");
}

/** Hands on every second that ends at or before `limit`, oldest first. */
function flush(state: PartialsState, limit: number, ctx: Context<Hop>): PartialsState {
  const buckets = Object.keys(state.open).map(Number);
  buckets.sort((a, b) => a - b);
  let next = 0;
  for (const bucket of buckets) {
    if (bucket > limit) {
      next = bucket;
      break;
    }
    const second = rowsOf(state.open[String(bucket)] ?? {});
    delete state.open[String(bucket)];
    state.size -= second.length;
    learnPace(state.pace, second, bucket);
    emitSecond(second, bucket as EventTime, paceAt(state.pace, bucket), ctx);
  }
  state.due = next;
  if (next === 0) ctx.clearTimer(FLUSH);
  else ctx.setTimer(FLUSH, next as EventTime);
  return state;
}

const Options = Type.Object(
  {
    max_open: Type.Integer({
      minimum: 100,
      default: 50_000,
      description:
        "Counts held open in one group; at more, all are handed on early, in smaller parts.",
    }),
  },
  { additionalProperties: false },
);

export const partialsSpec: OperatorSpec = {
  name: "partials",
  flow: "shopper",
  summary: "Counts behaviour per second by item, category, keyword and region for the demand flow.",
  from: ["events", "session"],
  options: Options,
  make(options: unknown, _job: JobSettings) {
    const { max_open = 50_000 } = (options ?? {}) as { readonly max_open?: number };
    return partialsOperator({ maxOpen: max_open });
  },
};
