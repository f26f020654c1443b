import type { EventTime, Millis } from "../../src/time/event-time.ts";
import { type Leanings, scores, shares } from "./leanings.ts";

/** What people do, by family: the first part of a point. */
export const FAMILIES = ["look", "search", "cart", "buy", "deal", "read", "talk"] as const;
export type Family = (typeof FAMILIES)[number];

const FAMILY_OF: Readonly<Record<string, Family>> = {
  "product.viewed": "look",
  "product.clicked": "look",
  "product.favorited": "look",
  "product.listed": "look",
  "page.viewed": "look",
  "mp.entered": "look",
  searched: "search",
  "cart.added": "cart",
  "cart.removed": "cart",
  "order.placed": "buy",
  "order.paid": "buy",
  "coupon.claimed": "deal",
  "coupon.used": "deal",
  "article.opened": "read",
  "article.read": "read",
  "video.played": "read",
  "live.entered": "read",
  "live.left": "read",
  "content.liked": "talk",
  "content.commented": "talk",
  "content.created": "talk",
  "product.shared": "talk",
  "group.message.posted": "talk",
  "group.message.replied": "talk",
  "cs.started": "talk",
  "vote.cast": "talk",
  "survey.answered": "talk",
};

const PLACES = ["mp", "gzh", "channels", "wecom", "group"] as const;
/** Hours of the day in four parts. */
const PARTS_OF_DAY = 4;
const HOURS_A_PART = 24 / PARTS_OF_DAY;
/** What each part of a point weighs: what people do says more than where and when. */
const WEIGHTS = { families: 1, places: 0.6, parts: 0.4 } as const;
const WHOLE = 1000;

/** Prefixes of the kinds of leanings, each with how many names of it are kept. */
export const KINDS = {
  category: ["c:", 6],
  brand: ["b:", 4],
  topic: ["t:", 4],
  price_band: ["p:", 3],
  touchpoint: ["m:", 4],
  hour: ["h:", 4],
  family: ["a:", FAMILIES.length],
  /** Sums that are no preference: for price sensitivity and the KOC score. */
  sum: ["x:", 2],
} as const satisfies Readonly<Record<string, readonly [prefix: string, most: number]>>;
export type Kind = keyof typeof KINDS;

export const familyOf = (type: string): Family | undefined => FAMILY_OF[type];

/** All that a person did lately, as it fades: the number of acts. */
export const actsOf = (of: Leanings, now: EventTime, halfLife: Millis): number =>
  scores(of, now, halfLife, KINDS.family[0]).reduce((sum, [, score]) => sum + score, 0);

/**
 * Where a person stands among others: shares of what they do, where and when, in thousandths. Points
 * of equal shares are equal, however much was done.
 */
export function pointOf(of: Leanings, now: EventTime, halfLife: Millis): number[] {
  const shareIn = (kind: Kind) => new Map(shares(of, now, halfLife, KINDS[kind][0]));
  const families = shareIn("family");
  const places = shareIn("touchpoint");
  const parts = new Array<number>(PARTS_OF_DAY).fill(0);
  for (const [hour, share] of shareIn("hour")) {
    const part = Math.floor(Number(hour) / HOURS_A_PART);
    parts[part] = (parts[part] ?? 0) + share;
  }
  const weighed = (share: number | undefined, weight: number) =>
    Math.round((share ?? 0) * weight * WHOLE);
  return [
    ...FAMILIES.map((family) => weighed(families.get(family), WEIGHTS.families)),
    ...PLACES.map((place) => weighed(places.get(place), WEIGHTS.places)),
    ...parts.map((share) => weighed(share, WEIGHTS.parts)),
  ];
}
