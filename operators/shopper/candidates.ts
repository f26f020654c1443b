import type { Facts } from "../../src/flow/operator.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import type { Intent } from "../event.ts";
import { type Fields, fieldsOf, numberOf, sellableOf, textOf } from "./catalog.ts";
import { shares } from "./leanings.ts";
import { covisitFeature, kindAdvantage, type LeastScore, vectorOf } from "./rank.ts";
import {
  CATEGORY_HALF_LIFE,
  evidenceOf,
  intentNow,
  isMuted,
  type KnownIntent,
  nameOf,
  type Taste,
  TOUCHPOINT_HALF_LIFE,
} from "./taste.ts";

export const CHANNELS = ["mp", "gzh", "channels", "wecom", "group"] as const;
export type Channel = (typeof CHANNELS)[number];
export type Kind = "product" | "activity" | "info" | "service";

/** Something that could be recommended. Plain data: it travels with the score request. */
export interface Candidate {
  readonly kind: Kind;
  readonly channel: Channel;
  /** As the message shows it, beside kind and sku; null of goods. */
  readonly item: Fields | null;
  /** What is remembered of it: the sku, the content, the offer with its sku. */
  readonly key: string;
  readonly sku: string | null;
  /** Units that can be sold; null when nobody told. */
  readonly sellable: number | null;
  /** Why, as a code. */
  readonly reason: string;
  /** The sku or category it follows from; null when nothing does. */
  readonly because: string | null;
}

export interface Shortlist {
  readonly candidates: Candidate[];
  /** Feature vectors, in the order of the candidates. */
  readonly features: number[][];
}

export interface CandidateOptions {
  /** Goods the person looked at already are candidates too. */
  readonly withSeen: boolean;
  /** Goods considered; the rest are left out by their covisits and popularity. */
  readonly most: number;
  /** What cannot score so much is left out; without it nothing is. */
  readonly least?: LeastScore;
}

const COVISIT_SOURCES = 5;
/** What a place further back in the list of what was looked at is worth. */
const BY_RECENCY = 0.8;
const CATEGORIES_LOOKED_INTO = 2;
const INFO_CANDIDATES = 6;
/** A spread of prices, as a difference of logs. */
const PRICE_SPREAD = 0.6;
/** A trend of so many standard deviations counts in full. */
const FULL_TREND = 6;

/** Goods, offers, contents and services that could be recommended to a person now. */
export function shortlist(
  taste: Taste,
  facts: Facts,
  now: EventTime,
  options: CandidateOptions,
): Shortlist {
  const intent = intentNow(taste, now);
  const name = nameOf(intent);
  const list: Shortlist = { candidates: [], features: [] };
  const withGoods = name !== "seek_aftersales" && mayHoldGoods(taste, facts, intent, options);
  if (!withGoods && !isServed(name)) return list;
  const person = personOf(taste, facts, now, intent, options.least);
  if (withGoods) addGoods(list, person, options);
  if (intent === undefined) return list;
  if (name === "seek_aftersales") addService(list, person, intent);
  if (name === "compare_price") addOffers(list, person, intent);
  if (name === "learn_features") addInfo(list, person, intent);
  return list;
}

/** Whether there may be something else than goods for the intent. */
const isServed = (intent: Intent): boolean => intent !== "browse" && intent !== "buy";

/**
 * Whether any goods may reach the least score. Nearly always none can, and looking no further then
 * than at the intent and at the first of each list is what makes an act cheap.
 */
function mayHoldGoods(
  taste: Taste,
  facts: Facts,
  intent: KnownIntent | undefined,
  { least, withSeen }: CandidateOptions,
): boolean {
  if (least === undefined) return true;
  let covisit = 0;
  let recency = withSeen ? 1 : 0;
  let weight = 1;
  const sources = Math.max(0, taste.skus.length - COVISIT_SOURCES);
  for (let i = taste.skus.length - 1; i >= sources; i -= 1) {
    const first = rankingOf(facts, "covisit", taste.skus[i] ?? "")[0];
    if (first !== undefined) {
      covisit += weight * first[1];
      recency = Math.max(recency, weight);
    }
    weight *= BY_RECENCY;
  }
  const most = { covisit, popularity: 1, recency, affinity: 1, channel: 1, isSeen: withSeen };
  return least.mayAdmit(advantageOf(facts, "product"), intentFit("product", intent), most);
}

/** What features need of the person, worked out once. */
interface Person {
  readonly taste: Taste;
  readonly facts: Facts;
  readonly now: EventTime;
  readonly intent: KnownIntent | undefined;
  readonly least: LeastScore | undefined;
  readonly categories: readonly (readonly [string, number])[];
  readonly channels: readonly (readonly [Channel, number])[];
  readonly advantages: Readonly<Record<Kind, number>>;
}

function personOf(
  taste: Taste,
  facts: Facts,
  now: EventTime,
  intent: KnownIntent | undefined,
  least: LeastScore | undefined,
): Person {
  return {
    taste,
    facts,
    now,
    intent,
    least,
    categories: shares(taste.categories, now, CATEGORY_HALF_LIFE),
    channels: channelShares(taste, now),
    advantages: {
      product: advantageOf(facts, "product"),
      activity: advantageOf(facts, "activity"),
      info: advantageOf(facts, "info"),
      service: advantageOf(facts, "service"),
    },
  };
}

/** Where a touchpoint can be answered; the shop's own pages are answered in the mini program. */
const CHANNEL_OF: Readonly<Record<string, Channel>> = {
  mp: "mp",
  page: "mp",
  pay: "mp",
  ec: "mp",
  pos: "mp",
  gzh: "gzh",
  channels: "channels",
  wecom: "wecom",
  group: "group",
};

function channelShares(taste: Taste, now: EventTime): (readonly [Channel, number])[] {
  const sums = new Map<Channel, number>();
  for (const [touchpoint, share] of shares(taste.touchpoints, now, TOUCHPOINT_HALF_LIFE)) {
    const channel = CHANNEL_OF[touchpoint];
    if (channel !== undefined) sums.set(channel, (sums.get(channel) ?? 0) + share);
  }
  return CHANNELS.map((channel) => [channel, sums.get(channel) ?? 0] as const);
}

/** The first of the channels with the greatest share. */
function favourite(person: Person, among: readonly Channel[] = CHANNELS): Channel {
  let best: Channel = among[0] ?? "mp";
  for (const channel of among) {
    if (shareOf(person.channels, channel) > shareOf(person.channels, best)) best = channel;
  }
  return best;
}

const shareOf = (channels: Person["channels"], channel: Channel): number =>
  channels.find(([name]) => name === channel)?.[1] ?? 0;

/** Why a sku came up, and how strongly. */
interface Lead {
  readonly sku: string;
  covisit: number;
  recency: number;
  popularity: number;
  because: string | null;
  isSeen: boolean;
  /** The strongest single covisit, which is what `because` names. */
  strongest: number;
  /** Its place among more leads than are considered; 0 until all is known of it. */
  strength: number;
}

const INTENT_OF: Readonly<Record<Kind, Intent>> = {
  product: "buy",
  activity: "compare_price",
  info: "learn_features",
  service: "seek_aftersales",
};
/** Of one who merely browses: goods are what there is to browse. */
const BROWSER_FIT = 0.1;

/** How likely it is that the person is after a recommendation of this kind. */
function intentFit(kind: Kind, intent: KnownIntent | undefined): number {
  if (intent !== undefined && nameOf(intent) === INTENT_OF[kind]) return intent.probability;
  return kind === "product" ? BROWSER_FIT * (1 - (intent?.probability ?? 0)) : 0;
}

function addGoods(list: Shortlist, person: Person, options: CandidateOptions): void {
  const { taste, now } = person;
  const leads = leadsOf(person, options);
  const channel = favourite(person);
  const may = mayReach(person, channel);
  if (!leads.some(may)) return;
  for (const lead of leads) lead.strength = strengthOf(lead);
  leads.sort((a, b) => b.strength - a.strength || (a.sku < b.sku ? -1 : 1));
  let considered = 0;
  for (const lead of leads) {
    const { sku } = lead;
    if (considered >= options.most) break;
    if (isMuted(taste, sku, now)) continue;
    considered += 1;
    if (!may(lead)) continue;
    const candidate: Candidate = {
      kind: "product",
      channel,
      item: null,
      key: sku,
      sku,
      sellable: sellableOf(person.facts, sku) ?? null,
      reason: lead.covisit > 0 ? "covisit" : lead.isSeen ? "seen" : "popular",
      because: lead.covisit > 0 ? lead.because : null,
    };
    add(list, person, candidate, lead);
  }
}

/** Whether goods may reach the least score, by what is known before they are looked up. */
function mayReach(
  { categories, channels, advantages, intent, least }: Person,
  channel: Channel,
): (lead: Lead) => boolean {
  if (least === undefined) return () => true;
  const fit = intentFit("product", intent);
  const affinity = categories[0]?.[1] ?? 0;
  const share = shareOf(channels, channel);
  return ({ covisit, popularity, recency, isSeen }) =>
    least.mayAdmit(advantages.product, fit, {
      covisit,
      popularity,
      recency,
      affinity,
      channel: share,
      isSeen,
    });
}

/** What is scored when there is more than may be: the very things looked at, then by covisits. */
const strengthOf = ({ covisit, popularity, recency, isSeen }: Lead): number =>
  (isSeen ? 2 : 0) + 2 * covisit + popularity + 0.5 * recency;

function leadsOf(person: Person, { withSeen, most }: CandidateOptions): Lead[] {
  const { taste, facts, categories } = person;
  const bySku = new Map<string, Lead>();
  const leads: Lead[] = [];
  const lead = (sku: string): Lead | undefined => {
    const known = bySku.get(sku);
    if (known !== undefined) return known;
    const isSeen = taste.skus.includes(sku);
    if (!withSeen && isSeen) return undefined;
    const fresh: Lead = {
      sku,
      covisit: 0,
      recency: 0,
      popularity: 0,
      because: null,
      strongest: 0,
      strength: 0,
      isSeen,
    };
    bySku.set(sku, fresh);
    leads.push(fresh);
    return fresh;
  };
  let weight = 1;
  for (let i = taste.skus.length - 1; i >= 0; i -= 1) {
    const source = taste.skus[i] ?? "";
    const own = lead(source);
    if (own !== undefined) own.recency = Math.max(own.recency, weight);
    const isSource = i >= taste.skus.length - COVISIT_SOURCES;
    for (const [sku, score] of isSource ? rankingOf(facts, "covisit", source) : []) {
      const found = lead(sku);
      if (found === undefined) continue;
      found.covisit += weight * score;
      found.recency = Math.max(found.recency, weight);
      if (weight * score <= found.strongest) continue;
      found.strongest = weight * score;
      found.because = source;
    }
    weight *= BY_RECENCY;
  }
  for (const [category] of categories.slice(0, CATEGORIES_LOOKED_INTO)) {
    addPopular(rankingOf(facts, "popular", category), lead);
  }
  // What is popular in the whole shop fills up what the person's own interests leave open.
  if (leads.length < most) addPopular(rankingOf(facts, "popular", "*"), lead);
  return leads;
}

function addPopular(
  ranking: readonly (readonly [string, number])[],
  lead: (sku: string) => Lead | undefined,
): void {
  const most = ranking[0]?.[1] ?? 0;
  if (most <= 0) return;
  for (const [sku, score] of ranking) {
    const found = lead(sku);
    if (found !== undefined) found.popularity = Math.max(found.popularity, score / most);
  }
}

/** A learned list of skus with scores, the best first. */
export function rankingOf(
  facts: Facts,
  kind: "covisit" | "popular",
  key: string,
): readonly (readonly [string, number])[] {
  const value = facts.get(kind, key);
  return Array.isArray(value) ? (value as readonly (readonly [string, number])[]) : [];
}

function addOffers(list: Shortlist, person: Person, intent: KnownIntent): void {
  const sku = intent.sku ?? person.taste.skus.at(-1);
  if (sku === undefined) return;
  const sellable = sellableOf(person.facts, sku) ?? null;
  const offers = [
    ["coupon", favourite(person, ["mp", "wecom", "gzh"])],
    ["group_buy", favourite(person, ["mp", "group"])],
  ] as const;
  for (const [offer, channel] of offers) {
    const key = `${offer}:${sku}`;
    if (isMuted(person.taste, key, person.now)) continue;
    const item = { kind: "activity", offer, sku };
    const because = intent.category ?? sku;
    add(
      list,
      person,
      { kind: "activity", channel, item, key, sku, sellable, reason: "compare_price", because },
      undefined,
    );
  }
}

/** Reviews and clips about what the person wants to know more of; tutorials are for who has it. */
function addInfo(list: Shortlist, person: Person, intent: KnownIntent): void {
  const { taste, facts, now } = person;
  const sku = intent.sku ?? taste.skus.at(-1);
  const about = sku === undefined ? undefined : facts.get("content_about", sku);
  if (sku === undefined || !Array.isArray(about)) return;
  let added = 0;
  for (const content of about as readonly string[]) {
    const fields = fieldsOf(facts, "content", content);
    const type = textOf(fields, "type") ?? "article";
    if (added >= INFO_CANDIDATES || type === "tutorial" || isMuted(taste, content, now)) continue;
    added += 1;
    const title = textOf(fields, "title");
    const item = {
      kind: "info",
      content_id: content,
      type,
      sku,
      ...(title === undefined ? {} : { title }),
    };
    const channel = channelOfContent(textOf(fields, "channel"), type);
    const reason = "learn_features";
    add(
      list,
      person,
      { kind: "info", channel, item, key: content, sku, sellable: null, reason, because: sku },
      undefined,
    );
  }
}

function channelOfContent(channel: string | undefined, type: string): Channel {
  const stated = CHANNELS.find((known) => known === channel);
  if (stated !== undefined) return stated;
  return type.includes("clip") || type.includes("video") ? "channels" : "gzh";
}

function addService(list: Shortlist, person: Person, intent: KnownIntent): void {
  if (isMuted(person.taste, "service:aftersales", person.now)) return;
  const sku = intent.sku;
  add(
    list,
    person,
    {
      kind: "service",
      channel: favourite(person, ["wecom", "mp"]),
      item: { kind: "service", service: "aftersales", ...(sku === null ? {} : { sku }) },
      key: "service:aftersales",
      sku: null,
      sellable: null,
      reason: "seek_aftersales",
      because: null,
    },
    undefined,
  );
}

function add(list: Shortlist, person: Person, candidate: Candidate, lead: Lead | undefined): void {
  const features = featuresOf(person, candidate, lead);
  if (person.least?.admits(features) === false) return;
  list.candidates.push(candidate);
  list.features.push(features);
}

/** In the order of `FEATURES`. */
function featuresOf(
  { taste, facts, intent, categories, channels, advantages }: Person,
  { kind, channel, sku }: Candidate,
  lead: Lead | undefined,
): number[] {
  const fields = sku === null ? undefined : fieldsOf(facts, "catalog", sku);
  const category = textOf(fields, "category");
  const newest = sku !== null && taste.skus.at(-1) === sku ? 1 : 0;
  return vectorOf({
    bias: 1,
    covisit: lead === undefined ? 0 : covisitFeature(lead.covisit),
    popularity: lead?.popularity ?? 0,
    affinity: categories.find(([name]) => name === category)?.[1] ?? 0,
    price: priceFit(taste, numberOf(fields, "price_minor")),
    recency: lead?.recency ?? newest,
    margin: Math.max(0, Math.min(1, numberOf(fields, "margin") ?? 0)),
    kind: advantages[kind],
    trending: trendOf(facts, sku),
    intent: intentFit(kind, intent),
    channel: shareOf(channels, channel),
    seen: lead?.isSeen === true ? 1 : 0,
  });
}

/** 1 at the price the person usually looks at, less the further off; 0.5 when a price is unknown. */
function priceFit(taste: Taste, price: number | undefined): number {
  if (price === undefined || price <= 0 || taste.prices === 0) return 0.5;
  const off = (Math.log(price) - taste.logPrice) / PRICE_SPREAD;
  return Math.exp(-0.5 * off * off);
}

function advantageOf(facts: Facts, kind: Kind): number {
  const learned = fieldsOf(facts, "kinds", kind);
  const count = (name: string) => Math.max(0, numberOf(learned, name) ?? 0);
  return kindAdvantage(count("shown"), count("clicked"), count("purchased"));
}

function trendOf(facts: Facts, sku: string | null): number {
  if (sku === null) return 0;
  const z = numberOf(fieldsOf(facts, "trending", sku), "z") ?? 0;
  return Math.max(0, Math.min(1, z / FULL_TREND));
}

/** The acts that speak for a candidate: those of the intent it serves, else the person's last. */
export function evidenceFor(taste: Taste, candidate: Candidate, now: EventTime) {
  const intent = intentNow(taste, now);
  const serves = intent !== undefined && nameOf(intent) === INTENT_OF[candidate.kind];
  return evidenceOf(serves && intent.evidence.length > 0 ? intent.evidence : taste.acts);
}

/** A candidate as a message shows it. */
export function itemOf({ item, kind, sku }: Candidate, facts: Facts): Fields {
  if (item !== null || sku === null) return { kind, ...item };
  return goodsItem(facts, sku);
}

/** Goods as a message shows them, by their title where it is known. */
export function goodsItem(facts: Facts, sku: string): Fields {
  const title = textOf(fieldsOf(facts, "catalog", sku), "title");
  return { kind: "product", sku, ...(title === undefined ? {} : { title }) };
}
