import { type Intent, numberProp, type ShopEvent, textProp } from "../event.ts";
import type { Term, WordFinder } from "./words.ts";

/** What an event says about an intent: a weight in log-odds, and why in a word. */
export interface Clue {
  readonly intent: Intent;
  readonly weight: number;
  readonly why: string;
}

/** How strongly a search term speaks for intents. */
export type TermMeaning = readonly { readonly intent: Intent; readonly weight: number }[];

/** What the session knew before the event, this event counted in. */
export interface EvidenceContext {
  /** How often the event's sku has been looked at. */
  readonly viewsOfSku: number;
  /** Distinct skus looked at in the event's category. */
  readonly skusOfCategory: number;
  /** The event's sku is one of them for the first time. */
  readonly newInCategory: boolean;
  readonly recentOrder: boolean;
  /** The event's content is about goods: a review, not reading for pleasure. */
  readonly contentAboutGoods: boolean;
}

/** Log-odds of single observations. Three together, or one that leaves no doubt, make an intent. */
const WEIGHTS = {
  termsAtMost: 4,
  sortByPrice: 1.6,
  priceSection: 1,
  detailSection: 1,
  dwellOnDetail: 2,
  dwellOnItem: 0.5,
  secondOfCategory: 0.7,
  thirdOfCategory: 0.9,
  furtherOfCategory: 0.4,
  repeatBuy: 0.6,
  repeatLearn: 0.2,
  favorite: 0.8,
  cart: 2.6,
  cartRemoved: -1.2,
  couponCompare: 1,
  couponBuy: 1,
  couponUsed: 1.5,
  orderPlaced: 2.5,
  read: 0.4,
  readThrough: 0.4,
  /** Of reading that is about nothing in particular. */
  idleReading: 0.2,
  live: 0.3,
  aftersalesPath: 2.5,
  pricePath: 1.2,
  detailPath: 1.2,
  checkoutPath: 1.5,
  aftersalesMenu: 2,
  aftersalesChat: 2.6,
  chatWithOrder: 1,
  chatAboutItem: 1,
  chat: 0.5,
  chatAfterOrder: 1.4,
  cancelled: 1,
  /** After-sales clues of one who has bought lately weigh more. */
  afterOrder: 1.25,
} as const;

/** A dwell of so many milliseconds counts in full, less in proportion, more not at all. */
const FULL_DWELL_MS = 90_000;

const AFTERSALES_PATH = /after-?sales?|refund|return|exchange|repair|warranty|complain/;
const PRICE_PATH = /compare|coupon|promo|discount|group-?buy|pintuan/;
const DETAIL_PATH = /spec|review|param|guide|manual|evaluat/;
const CHECKOUT_PATH = /cart|checkout|settle|pay/;
const DETAIL_SECTIONS = new Set(["spec", "review", "params", "qa", "detail"]);
const AFTERSALES_TOPIC = /after-?_?sales?|refund|return|exchange|repair|warranty|售后|退|换|修/;
const ITEM_TOPIC = /pre-?_?sales?|product|spec|售前|产品/;

type Reader = (
  event: ShopEvent,
  context: EvidenceContext,
  words: WordFinder<TermMeaning>,
) => Clue[];

/** What each type of event can say; a type that is not here says nothing. */
const READERS: Readonly<Record<string, Reader>> = {
  searched: (event, context, words) => ofSearch(event, context, words),
  "page.viewed": ofPage,
  "product.viewed": ofView,
  "product.clicked": ofView,
  "product.listed": ofListing,
  "product.favorited": () => [clue("buy", WEIGHTS.favorite, "favorited")],
  "cart.added": () => [clue("buy", WEIGHTS.cart, "cart")],
  "cart.removed": () => [clue("buy", WEIGHTS.cartRemoved, "cart_removed")],
  "coupon.claimed": () => [
    clue("compare_price", WEIGHTS.couponCompare, "coupon"),
    clue("buy", WEIGHTS.couponBuy, "coupon"),
  ],
  "coupon.used": () => [clue("buy", WEIGHTS.couponUsed, "coupon_used")],
  "order.placed": () => [clue("buy", WEIGHTS.orderPlaced, "order_placed")],
  "order.cancelled": () => [clue("seek_aftersales", WEIGHTS.cancelled, "order_cancelled")],
  "article.opened": ofReading,
  "article.read": ofReading,
  "video.played": ofReading,
  "live.entered": () => [clue("buy", WEIGHTS.live, "live")],
  "menu.clicked": ofMenu,
  "cs.started": ofChat,
};

/**
 * How much of the evidence so far outlives an event that settles what the person was after: who
 * has paid no longer compares or means to buy, who has been served no longer seeks service.
 */
export const SETTLED: Readonly<Record<string, Partial<Record<Intent, number>>>> = {
  "order.paid": { compare_price: 0.1, learn_features: 0.2, buy: 0.1 },
  "cs.ended": { seek_aftersales: 0.5 },
  "cs.rated": { seek_aftersales: 0.3 },
  "service.booked": { seek_aftersales: 0.3 },
};

/** The clues of one event. */
export function cluesOf(
  event: ShopEvent,
  context: EvidenceContext,
  words: WordFinder<TermMeaning>,
): readonly Clue[] {
  const reader = Object.hasOwn(READERS, event.type) ? READERS[event.type] : undefined;
  if (reader === undefined) return [];
  const clues = reader(event, context, words);
  if (!context.recentOrder) return clues;
  return clues.map((found) =>
    found.intent === "seek_aftersales"
      ? { ...found, weight: found.weight * WEIGHTS.afterOrder }
      : found,
  );
}

const clue = (intent: Intent, weight: number, why: string): Clue => ({ intent, weight, why });

function ofSearch(
  event: ShopEvent,
  _context: EvidenceContext,
  words: WordFinder<TermMeaning>,
): Clue[] {
  const query = textProp(event, "query");
  if (query === undefined) return [];
  const sums = new Map<Intent, { weight: number; terms: string[] }>();
  for (const { text, meaning } of words.find(query) as readonly Term<TermMeaning>[]) {
    for (const { intent, weight } of meaning) {
      const sum = sums.get(intent) ?? { weight: 0, terms: [] };
      sums.set(intent, { weight: sum.weight + weight, terms: [...sum.terms, text] });
    }
  }
  return [...sums].map(([intent, { weight, terms }]) =>
    clue(intent, Math.min(weight, WEIGHTS.termsAtMost), `search:${terms.slice(0, 3).join("+")}`),
  );
}

function ofPage(event: ShopEvent): Clue[] {
  const path = (textProp(event, "path") ?? "").toLowerCase();
  if (AFTERSALES_PATH.test(path)) {
    return [clue("seek_aftersales", WEIGHTS.aftersalesPath, "path:aftersales")];
  }
  if (PRICE_PATH.test(path)) return [clue("compare_price", WEIGHTS.pricePath, "path:price")];
  if (DETAIL_PATH.test(path)) return [clue("learn_features", WEIGHTS.detailPath, "path:detail")];
  if (CHECKOUT_PATH.test(path)) return [clue("buy", WEIGHTS.checkoutPath, "path:checkout")];
  return [];
}

function ofView(event: ShopEvent, context: EvidenceContext): Clue[] {
  const clues: Clue[] = [];
  const section = textProp(event, "section");
  const dwell = Math.min(1, (numberProp(event, "dwell_ms") ?? 0) / FULL_DWELL_MS);
  if (section !== undefined && DETAIL_SECTIONS.has(section)) {
    const weight = WEIGHTS.detailSection + WEIGHTS.dwellOnDetail * dwell;
    clues.push(clue("learn_features", weight, `section:${section}`));
  } else if (dwell > 0) {
    clues.push(clue("learn_features", WEIGHTS.dwellOnItem * dwell, "dwell"));
  }
  if (section === "price") clues.push(clue("compare_price", WEIGHTS.priceSection, "section:price"));
  if (context.newInCategory && context.skusOfCategory >= 2) {
    clues.push(clue("compare_price", alternativesWeight(context.skusOfCategory), "alternatives"));
  }
  if (context.viewsOfSku >= 2 && context.viewsOfSku <= 4) {
    clues.push(clue("buy", WEIGHTS.repeatBuy, "repeat"));
    clues.push(clue("learn_features", WEIGHTS.repeatLearn, "repeat"));
  }
  return clues;
}

function alternativesWeight(skus: number): number {
  if (skus === 2) return WEIGHTS.secondOfCategory;
  return skus === 3 ? WEIGHTS.thirdOfCategory : WEIGHTS.furtherOfCategory;
}

function ofListing(event: ShopEvent): Clue[] {
  return (textProp(event, "sort") ?? "").startsWith("price")
    ? [clue("compare_price", WEIGHTS.sortByPrice, "sort:price")]
    : [];
}

function ofReading(event: ShopEvent, { contentAboutGoods }: EvidenceContext): Clue[] {
  const through = (numberProp(event, "completion") ?? 0) >= 0.8;
  const weight = WEIGHTS.read + (through ? WEIGHTS.readThrough : 0);
  return contentAboutGoods
    ? [clue("learn_features", weight, through ? "review_read_through" : "review")]
    : [clue("learn_features", weight * WEIGHTS.idleReading, "reading")];
}

function ofMenu(event: ShopEvent): Clue[] {
  return AFTERSALES_TOPIC.test((textProp(event, "key") ?? "").toLowerCase())
    ? [clue("seek_aftersales", WEIGHTS.aftersalesMenu, "menu:aftersales")]
    : [];
}

function ofChat(event: ShopEvent, context: EvidenceContext): Clue[] {
  const topic = (textProp(event, "topic") ?? "").toLowerCase();
  const order = textProp(event, "order_id") !== undefined;
  if (AFTERSALES_TOPIC.test(topic)) {
    const weight = WEIGHTS.aftersalesChat + (order ? WEIGHTS.chatWithOrder : 0);
    return [clue("seek_aftersales", weight, "chat:aftersales")];
  }
  if (ITEM_TOPIC.test(topic)) {
    return [clue("learn_features", WEIGHTS.chatAboutItem, "chat:item")];
  }
  if (order || context.recentOrder) {
    return [clue("seek_aftersales", WEIGHTS.chatAfterOrder, "chat:after_order")];
  }
  return [clue("learn_features", WEIGHTS.chat, "chat")];
}
