import type { Facts } from "../../src/flow/operator.ts";
import {
  days,
  type EventTime,
  hours,
  isoTime,
  latest,
  type Millis,
} from "../../src/time/event-time.ts";
import { INTENTS, type Intent, numberProp, type ShopEvent, textProp } from "../event.ts";
import { categoryOf, fieldsOf, numberOf, orderedSkus } from "./catalog.ts";
import { insertAt } from "./insert.ts";
import {
  copyLeanings,
  greatest,
  joinLeanings,
  type Leanings,
  lean,
  noLeanings,
} from "./leanings.ts";
import type { EventEvidence, IntentSignal } from "./signals.ts";

/**
 * What the recommender remembers of a person. Lists run from the oldest to the newest, and are
 * replaced when they change, as what is known of an intent is: a copy shares them.
 */
export interface Taste {
  /** Skus last looked at, distinct, and when. */
  skus: readonly string[];
  skuAts: readonly EventTime[];
  categories: Leanings;
  touchpoints: Leanings;
  /** The touchpoint that was last said to be used most; empty when none was. */
  affinity: string;
  /** Decayed mean of the log of prices looked at, in minor units; 0 of none. */
  logPrice: number;
  prices: number;
  /** The last acts as evidence: type, tracker's id, time, three entries each. */
  acts: readonly (string | number)[];
  intent: KnownIntent | null;
  /** Recommendations made or served lately: last 12 digits of the id, and the items' keys. */
  recs: readonly string[];
  recItems: readonly string[];
  /** Items not to recommend before a time. */
  muted: readonly string[];
  mutedUntil: readonly EventTime[];
  /** When the last recommendation was pushed; 0 when none was. */
  pushedAt: EventTime;
  /** Of the newest event. */
  seenAt: EventTime;
}

export interface KnownIntent {
  readonly intent: number;
  readonly probability: number;
  readonly sku: string | null;
  readonly category: string | null;
  readonly at: EventTime;
  /** Told with the event at hand: reason to act. */
  readonly isNews: boolean;
  readonly evidence: readonly (string | number)[];
}

export const CATEGORY_HALF_LIFE = days(3);
export const TOUCHPOINT_HALF_LIFE = days(14);
const KEPT_SKUS = 10;
const KEPT_CATEGORIES = 6;
const KEPT_TOUCHPOINTS = 8;
const KEPT_ACTS = 3;
const KEPT_RECS = 6;
const KEPT_MUTED = 32;
/** Weight of the newest price in the mean. */
const PRICE_RATE = 0.25;
/** An intent that nobody renewed holds this long. */
const INTENT_HOLDS = hours(0.5);

/** How much an act says about taste. */
const INTEREST: Readonly<Record<string, number>> = {
  "product.viewed": 1,
  "product.clicked": 1,
  "product.shared": 1.5,
  "product.favorited": 2,
  "product.listed": 0.5,
  "cart.added": 3,
  "order.paid": 4,
  "article.opened": 0.5,
  "article.read": 1,
  "video.played": 0.5,
  "live.entered": 0.5,
};

export const noTaste = (): Taste => ({
  skus: [],
  skuAts: [],
  categories: noLeanings(),
  touchpoints: noLeanings(),
  affinity: "",
  logPrice: 0,
  prices: 0,
  acts: [],
  intent: null,
  recs: [],
  recItems: [],
  muted: [],
  mutedUntil: [],
  pushedAt: 0 as EventTime,
  seenAt: 0 as EventTime,
});

/** A copy that shares nothing that changes in place. */
export const copyTaste = (taste: Taste): Taste => ({
  ...taste,
  categories: copyLeanings(taste.categories),
  touchpoints: copyLeanings(taste.touchpoints),
});

/** Takes in what an act says about its person. */
export function learnFrom(taste: Taste, event: ShopEvent, facts: Facts): void {
  taste.seenAt = latest(taste.seenAt, event.at);
  if (event.touchpoint !== "unknown") {
    lean(taste.touchpoints, event.touchpoint, 1, event.at, TOUCHPOINT_HALF_LIFE, KEPT_TOUCHPOINTS);
  }
  const acts = taste.acts.length >= 3 * KEPT_ACTS ? taste.acts.slice(3) : taste.acts.slice();
  acts.push(event.type, event.clientId, event.at);
  taste.acts = acts;
  const interest = INTEREST[event.type];
  if (interest === undefined) return;
  const category = categoryOf(event, facts);
  if (category !== undefined) {
    lean(taste.categories, category, interest, event.at, CATEGORY_HALF_LIFE, KEPT_CATEGORIES);
  }
  if (event.type === "order.paid") return;
  const sku = textProp(event, "sku");
  if (sku === undefined) return;
  rememberSku(taste, sku, event.at);
  const price =
    numberOf(fieldsOf(facts, "catalog", sku), "price_minor") ?? numberProp(event, "price_minor");
  if (price !== undefined && price > 0) rememberPrice(taste, price);
}

/** Takes in what was known of somebody who turned out to be this person. */
export function joinTaste(into: Taste, from: Taste): void {
  from.skus.forEach((sku, i) => {
    rememberSku(into, sku, from.skuAts[i] ?? into.seenAt);
  });
  joinLeanings(into.categories, from.categories, CATEGORY_HALF_LIFE, () => ({
    most: KEPT_CATEGORIES,
    kind: "",
  }));
  joinLeanings(into.touchpoints, from.touchpoints, TOUCHPOINT_HALF_LIFE, () => ({
    most: KEPT_TOUCHPOINTS,
    kind: "",
  }));
  const prices = into.prices + from.prices;
  if (prices > 0) {
    into.logPrice = (into.logPrice * into.prices + from.logPrice * from.prices) / prices;
    into.prices = Math.min(prices, 100);
  }
  const acts = [...triples(into.acts), ...triples(from.acts)].sort((a, b) => a[2] - b[2]);
  into.acts = acts.slice(-KEPT_ACTS).flat();
  if ((from.intent?.at ?? 0) > (into.intent?.at ?? 0)) into.intent = from.intent;
  into.recs = [...from.recs, ...into.recs].slice(-KEPT_RECS);
  into.recItems = [...from.recItems, ...into.recItems].slice(-KEPT_RECS);
  from.muted.forEach((item, i) => {
    mute(into, item, from.mutedUntil[i] ?? into.seenAt, latest(into.seenAt, from.seenAt));
  });
  into.pushedAt = latest(into.pushedAt, from.pushedAt);
  into.seenAt = latest(into.seenAt, from.seenAt);
}

type KeptAct = [type: string, id: string, at: number];
const triples = (acts: readonly (string | number)[]): KeptAct[] =>
  Array.from({ length: acts.length / 3 }, (_, i) => acts.slice(3 * i, 3 * i + 3) as KeptAct);

/** The touchpoint that the person uses most. */
export const favouriteTouchpoint = (taste: Taste, now: EventTime): string | undefined =>
  greatest(taste.touchpoints, now, TOUCHPOINT_HALF_LIFE);

function rememberSku(taste: Taste, sku: string, at: EventTime): void {
  const known = taste.skus.indexOf(sku);
  if (known >= 0 && at <= (taste.skuAts[known] ?? at)) return;
  const skus = taste.skus.slice();
  const ats = taste.skuAts.slice();
  if (known >= 0) {
    skus.splice(known, 1);
    ats.splice(known, 1);
  }
  let place = skus.length;
  while (place > 0 && (ats[place - 1] ?? at) > at) place -= 1;
  insertAt(skus, place, sku);
  insertAt(ats, place, at);
  if (skus.length > KEPT_SKUS) {
    skus.shift();
    ats.shift();
  }
  taste.skus = skus;
  taste.skuAts = ats;
}

function rememberPrice(taste: Taste, price: number): void {
  const log = Math.log(price);
  taste.logPrice = taste.prices === 0 ? log : taste.logPrice + PRICE_RATE * (log - taste.logPrice);
  taste.prices = Math.min(taste.prices + 1, 100);
}

export function learnIntent(taste: Taste, signal: IntentSignal): void {
  const evidence: (string | number)[] = [];
  for (const { type, event, at } of signal.evidence.slice(0, KEPT_ACTS)) {
    evidence.push(type, event, at);
  }
  // What else a configuration names is no reason to recommend one thing rather than another.
  const intent = (INTENTS as readonly string[]).indexOf(signal.intent);
  taste.intent =
    signal.quiet || intent < 0
      ? null
      : {
          intent,
          probability: signal.probability,
          sku: signal.sku,
          category: signal.category,
          at: signal.at,
          isNews: true,
          evidence,
        };
}

/** The event at hand is dealt with: its intent is no news any more. */
export function settleIntent(taste: Taste): void {
  if (taste.intent?.isNews === true) taste.intent = { ...taste.intent, isNews: false };
}

/** The intent in force; undefined when the person is merely browsing. */
export function intentNow(taste: Taste, now: EventTime): KnownIntent | undefined {
  const known = taste.intent;
  return known === null || now - known.at > INTENT_HOLDS ? undefined : known;
}

export const nameOf = (intent: KnownIntent | undefined): Intent =>
  INTENTS[intent?.intent ?? 0] ?? "browse";

/** What the person was last recommended or shown, so that feedback by id finds its items. */
export function rememberRec(taste: Taste, recId: string, items: readonly string[]): void {
  taste.recs = [...taste.recs, recId.slice(-12)].slice(-KEPT_RECS);
  taste.recItems = [...taste.recItems, items.join("\n")].slice(-KEPT_RECS);
}

/** Keys of the items of a recommendation; empty when it is forgotten or was never made. */
function itemsOfRec(taste: Taste, recId: string): readonly string[] {
  const items = taste.recItems[taste.recs.lastIndexOf(recId.slice(-12))];
  return items === undefined || items === "" ? [] : items.split("\n");
}

/** Keeps an item from being recommended until a time. */
export function mute(taste: Taste, item: string, until: EventTime, now: EventTime): void {
  const known = taste.muted.indexOf(item);
  if (known >= 0) {
    const before = taste.mutedUntil[known] ?? until;
    if (until > before) taste.mutedUntil = taste.mutedUntil.with(known, until);
    return;
  }
  if (taste.muted.length >= KEPT_MUTED) dropMuted(taste, now);
  taste.muted = [...taste.muted, item];
  taste.mutedUntil = [...taste.mutedUntil, until];
}

/** Drops what is over; where nothing is, what ends first. */
function dropMuted(taste: Taste, now: EventTime): void {
  const first = Math.min(...taste.mutedUntil);
  const keep = (_: unknown, i: number) =>
    (taste.mutedUntil[i] ?? 0) > latest(now, first as EventTime);
  const muted = taste.muted.filter(keep);
  const until = taste.mutedUntil.filter(keep);
  taste.muted = muted;
  taste.mutedUntil = until;
}

export function isMuted(taste: Taste, item: string, now: EventTime): boolean {
  const place = taste.muted.indexOf(item);
  return place >= 0 && (taste.mutedUntil[place] ?? now) > now;
}

/** Feedback and purchases that keep items from being recommended for a while. */
export function learnOutcome(
  taste: Taste,
  event: ShopEvent,
  after: { readonly closed: Millis; readonly bought: Millis },
): void {
  if (event.type === "order.paid") {
    const until = (event.at + after.bought) as EventTime;
    for (const sku of orderedSkus(event).slice(0, KEPT_MUTED)) mute(taste, sku, until, event.at);
    return;
  }
  const isServed = event.type === "recommendation.served";
  if (!isServed && !event.type.startsWith("feedback.")) return;
  const recId = textProp(event, "rec_id");
  if (recId === undefined) return;
  if (isServed) {
    const items = event.props["items"];
    rememberRec(taste, recId, Array.isArray(items) ? items.filter(isText).slice(0, 20) : []);
    return;
  }
  const span =
    event.type === "feedback.closed" || event.type === "feedback.blocked"
      ? after.closed
      : event.type === "feedback.purchased"
        ? after.bought
        : undefined;
  if (span === undefined) return;
  const item = textProp(event, "item");
  for (const key of item === undefined
    ? itemsOfRec(taste, recId)
    : [item, ...itemsOfRec(taste, recId)]) {
    mute(taste, key, (event.at + span) as EventTime, event.at);
  }
}

const isText = (value: unknown): value is string => typeof value === "string";

/** Kept evidence as a message shows it. */
export function evidenceOf(acts: readonly (string | number)[]): EventEvidence[] {
  const evidence: EventEvidence[] = [];
  for (let i = 0; i + 2 < acts.length; i += 3) {
    const [type, id, at] = [acts[i], acts[i + 1], acts[i + 2]];
    const time = isoTime(Number(at) as EventTime);
    evidence.push({ event: String(type), id: String(id), time });
  }
  return evidence;
}
