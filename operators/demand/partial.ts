import type { Hop } from "../../src/flow/operator.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import type { ShopPace } from "./pace.ts";

/**
 * What the shopper flow tells the demand flow: integer counts of one second of event time from one
 * shopper group. Counts of the same key and second from several groups, or from a second cut in
 * two, add up; so it never matters how they were cut.
 */

/** What is counted about an item, in the order of the tuple. `touches` are clicks and shares. */
export const ITEM_MEASURES = [
  "views",
  "touches",
  "carts",
  "favs",
  "orders",
  "qty",
  "content_views",
  "searches",
  "rec_views",
  "rec_carts",
  "rec_orders",
] as const;
export type ItemMeasure = (typeof ITEM_MEASURES)[number];
/** A region, empty where the events named none, and the counts in the order of `ITEM_MEASURES`. */
export type ItemRow = readonly [region: string, ...counts: readonly number[]];

export const FEEDBACK_MEASURES = ["shown", "clicked", "closed", "purchased", "ignored"] as const;
export type FeedbackMeasure = (typeof FEEDBACK_MEASURES)[number];

/** sku, views, touches, carts, favs, orders */
export type SkuCounts = readonly [string, number, number, number, number, number];

export type ItemPartial = readonly [dim: "item", shop: ShopPace, rows: readonly ItemRow[]];
/** Key `category:*` stands for the whole shop. */
export type CategoryPartial = readonly [
  dim: "category",
  shop: ShopPace,
  skus: readonly SkuCounts[],
];
export type KeywordPartial = readonly [dim: "keyword", shop: ShopPace, searches: number];
export type RegionPartial = readonly [
  dim: "region",
  shop: ShopPace,
  views: number,
  touches: number,
  carts: number,
  favs: number,
  orders: number,
  qty: number,
];
/** Other items seen in one session with the key's, and how often. */
export type CovisitPartial = readonly [
  dim: "covisit",
  pairs: readonly (readonly [string, number])[],
];
export type FeedbackPartial = readonly [
  dim: "feedback",
  shown: number,
  clicked: number,
  closed: number,
  purchased: number,
  ignored: number,
];
/** What became of what a rule proposed, each time; the key is the rule. */
export type ContactPartial = readonly [
  dim: "contact",
  proposed: number,
  sent: number,
  /** Clicked or bought from. */
  hits: number,
  blocked: number,
  revenueMinor: number,
];
/**
 * What changed about the members of a segment, which is the key: how many they are, how many of them
 * have been silent for long, entries, entries that led to an order, and members' first acts of the
 * local day.
 */
export type SegmentPartial = readonly [
  dim: "segment",
  members: number,
  silent: number,
  entered: number,
  converted: number,
  active: number,
];
/**
 * What a person added to their score in a group of a rank, which is the key, with what the ranking
 * needs to know: the half-life in ms, and how many lead.
 */
export type LeaderPartial = readonly [
  dim: "leaders",
  person: string,
  weight: number,
  halfLife: number,
  top: number,
];
/** What a person has spent lately, in minor units: before, and now. 0 is nothing. */
export type SpendPartial = readonly [dim: "spend", before: number, now: number];
/** How a person behaves, in thousandths: a point among those of others. */
export type BehaviourPartial = readonly [dim: "behaviour", point: readonly number[]];
/**
 * One time that a person had to do with a thing, which is the key (`<what>:<thing>`): how much of it,
 * 0 to 1, and an amount, where they mean something.
 */
export type EngagementPartial = readonly [
  dim: "engagement",
  person: string,
  ratio: number | null,
  amount: number | null,
];
export type PartialCounts =
  | SpendPartial
  | BehaviourPartial
  | ItemPartial
  | CategoryPartial
  | KeywordPartial
  | RegionPartial
  | CovisitPartial
  | FeedbackPartial
  | ContactPartial
  | SegmentPartial
  | LeaderPartial
  | EngagementPartial;
export type Dim = PartialCounts[0];

/** The dimensions whose heat and trends are watched. */
export type HeatDim = "item" | "category" | "keyword" | "region";

/** A record of the demand flow. `time` is the last millisecond of the second it counts. */
export interface DemandRecord {
  /** `<dim>:<key>` */
  readonly key: string;
  readonly time: EventTime;
  readonly cause: string;
  readonly payload: PartialCounts;
}

/** Length of the second that a partial counts, in milliseconds. */
const BUCKET_MS = 1000;
/** The last millisecond of the second that holds `at`: a partial's time. */
export const bucketTime = (at: number): EventTime =>
  (Math.floor(at / BUCKET_MS) * BUCKET_MS + BUCKET_MS - 1) as EventTime;

const demandKey = (dim: Dim, key: string): string => `${dim}:${key}`;
/** The key without its dimension. */
export const plainKey = (key: string): string => key.slice(key.indexOf(":") + 1);

export function partialHop(key: string, time: EventTime, payload: PartialCounts): Hop {
  return { key: demandKey(payload[0], key), time, payload };
}

/** True for a record of the flow's input; false for what another operator emitted. */
export function isRecord(input: unknown): input is DemandRecord {
  return typeof input === "object" && input !== null && "payload" in input;
}
export function dimOf(input: unknown): Dim | undefined {
  return isRecord(input) ? input.payload[0] : undefined;
}

/** Measures that are events about the item itself: views, touches, carts, favs, orders. */
export const HEAT_MEASURES = ["views", "touches", "carts", "favs", "orders"] as const;
const COLUMNS = HEAT_MEASURES.map((measure) => ITEM_MEASURES.indexOf(measure) + 1);

/** The counts of one row of an item partial that make its heat, in the order of `HEAT_MEASURES`. */
export const heatCounts = (row: ItemRow): number[] =>
  COLUMNS.map((column) => row[column] as number);

/** Events about the key, which is what heat and trends are made of: a purchase of 3 is one event. */
export function eventCount(payload: PartialCounts): number {
  switch (payload[0]) {
    case "item": {
      let sum = 0;
      for (const row of payload[2]) {
        for (const column of COLUMNS) sum += row[column] as number;
      }
      return sum;
    }
    case "category": {
      let sum = 0;
      for (const [, views, touches, carts, favs, orders] of payload[2]) {
        sum += views + touches + carts + favs + orders;
      }
      return sum;
    }
    case "keyword":
      return payload[2];
    case "region":
      return payload[2] + payload[3] + payload[4] + payload[5] + payload[6];
    default:
      return 0;
  }
}

/** Searches are compared in one form: NFKC, lower case, single spaces, at most 64 characters. */
export function normalKeyword(query: string): string {
  const text = query.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
  return text.length <= 64 ? text : [...text].slice(0, 64).join("");
}
