import type { Context, Hop } from "../../src/flow/operator.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { meet, type PaceState, pass, type ShopPace } from "./pace.ts";
import {
  ITEM_MEASURES,
  type ItemMeasure,
  type ItemRow,
  partialHop,
  type SkuCounts,
} from "./partial.ts";
/** Counts of one second by dimension and key, joined with NUL. */
export type Counts = Record<string, number[]>;

export interface PartialsState {
  pace: PaceState;
  /** Bucket time of the pending flush; 0 when there is none. */
  due: number;
  /** Number of counts in `open`, which the operator bounds. */
  size: number;
  /** By bucket time. */
  open: Record<string, Counts>;
}

const NUL = "\u0000";
/** Items named in one category or co-visit partial; a longer list is cut in several. */
const MAX_SKUS = 500;

const ZEROS: readonly number[] = ITEM_MEASURES.map(() => 0);

/** Adds to the counts of one second; makes the second's entry when something is counted. */
export class Tally {
  readonly #state: PartialsState;
  readonly #bucket: number;
  #counts: Counts | undefined;

  constructor(state: PartialsState, bucket: number) {
    this.#state = state;
    this.#bucket = bucket;
  }
  get touched(): boolean {
    return this.#counts !== undefined;
  }
  /** `width` is at most that of an item. */
  add(key: string, width: number, index: number, by = 1): void {
    this.#counts ??= this.#open();
    let row = this.#counts[key];
    if (row === undefined) {
      row = ZEROS.slice(0, width);
      this.#counts[key] = row;
      this.#state.size += 1;
    }
    row[index] = (row[index] ?? 0) + by;
  }
  item(sku: string, region: string, measure: ItemMeasure, by = 1): void {
    this.add(
      joinKey("item", sku, region),
      ITEM_MEASURES.length,
      ITEM_MEASURES.indexOf(measure),
      by,
    );
  }
  #open(): Counts {
    const bucket = String(this.#bucket);
    const known = this.#state.open[bucket];
    if (known !== undefined) return known;
    // Keys are data: of a plain record each would make another shape.
    const counts = Object.create(null) as Counts;
    this.#state.open[bucket] = counts;
    return counts;
  }
}

/** A NUL inside a key would be read as its end. */
const clean = (text: string): string => (text.includes(NUL) ? text.replaceAll(NUL, "") : text);
export const joinKey = (dim: string, a: string, b: string): string =>
  `${dim}${NUL}${clean(a)}${NUL}${clean(b)}`;

/** What was counted of one key. */
interface Row {
  readonly dim: string;
  readonly a: string;
  readonly b: string;
  readonly counts: readonly number[];
}

/** The counts of one second in the order of dimension and key. */
export function rowsOf(counts: Counts): Row[] {
  const keys = Object.keys(counts).sort();
  return keys.map((key) => {
    const first = key.indexOf(NUL);
    const second = key.indexOf(NUL, first + 1);
    return {
      dim: key.slice(0, first),
      a: key.slice(first + 1, second),
      b: key.slice(second + 1),
      counts: counts[key] ?? [],
    };
  });
}

/** One second as partials, in the order of dimension and key. */
export function emitSecond(
  second: readonly Row[],
  time: EventTime,
  shop: ShopPace,
  ctx: Context<Hop>,
): void {
  const items = new Map<string, ItemRow[]>();
  const categories = new Map<string, SkuCounts[]>();
  const covisits = new Map<string, [string, number][]>();
  const whole = new Map<string, number[]>();
  for (const { dim, a, b, counts: row } of second) {
    switch (dim) {
      case "item":
        gather(items, a, [b, ...row]);
        break;
      case "category":
        if (a !== "") gather(categories, a, [b, ...row] as unknown as SkuCounts);
        addTo(whole, b, row);
        break;
      case "keyword":
        ctx.emit(partialHop(a, time, ["keyword", shop, row[0] ?? 0]));
        break;
      case "region": {
        const [views = 0, touches = 0, carts = 0, favs = 0, orders = 0, qty = 0] = row;
        ctx.emit(partialHop(a, time, ["region", shop, views, touches, carts, favs, orders, qty]));
        break;
      }
      case "covisit":
        gather(covisits, a, [b, row[0] ?? 0]);
        break;
      case "feedback": {
        const [shown = 0, clicked = 0, closed = 0, purchased = 0, ignored = 0] = row;
        ctx.emit(partialHop(a, time, ["feedback", shown, clicked, closed, purchased, ignored]));
        break;
      }
      default: // What only the pace is learned from.
    }
  }
  for (const [sku, rows] of items) ctx.emit(partialHop(sku, time, ["item", shop, rows]));
  const all: SkuCounts[] = [];
  for (const [sku, row] of whole) all.push([sku, ...row] as unknown as SkuCounts);
  for (const [category, skus] of categories) emitSkus(category, time, shop, skus, ctx);
  if (all.length > 0) emitSkus("*", time, shop, all, ctx);
  for (const [a, pairs] of covisits) {
    for (let i = 0; i < pairs.length; i += MAX_SKUS) {
      ctx.emit(partialHop(a, time, ["covisit", pairs.slice(i, i + MAX_SKUS)]));
    }
  }
}

function gather<Row>(into: Map<string, Row[]>, key: string, row: Row): void {
  const rows = into.get(key);
  if (rows === undefined) into.set(key, [row]);
  else rows.push(row);
}
function addTo(into: Map<string, number[]>, key: string, row: readonly number[]): void {
  const sum = into.get(key);
  if (sum === undefined) into.set(key, [...row]);
  else for (let i = 0; i < row.length; i += 1) sum[i] = (sum[i] ?? 0) + (row[i] ?? 0);
}

/** Long lists become several partials of the second: they add up. */
function emitSkus(
  category: string,
  time: EventTime,
  shop: ShopPace,
  skus: readonly SkuCounts[],
  ctx: Context<Hop>,
): void {
  for (let i = 0; i < skus.length; i += MAX_SKUS) {
    ctx.emit(partialHop(category, time, ["category", shop, skus.slice(i, i + MAX_SKUS)]));
  }
}

/** Takes what a complete second tells of the shop as a whole, before the second is handed on. */
export function learnPace(pace: PaceState, second: readonly Row[], time: number): void {
  const items = new Set<string>();
  for (const { dim, a, b, counts } of second) {
    if (dim === "item") items.add(a);
    else if (dim === "met") meet(pace, a, b, counts[0] ?? 0);
  }
  pass(pace, time, items.size);
}
