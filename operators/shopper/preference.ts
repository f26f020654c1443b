import Type, { type Static } from "typebox";
import { hash128 } from "../../src/codec/hash.ts";
import {
  type Context,
  type Facts,
  FORGET,
  type Hop,
  type Message,
  type Operator,
} from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime, type Millis } from "../../src/time/event-time.ts";
import { LocalTime } from "../../src/time/local-time.ts";
import { type ClusterCentres, nearest } from "../demand/clusters.ts";
import { partialHop } from "../demand/partial.ts";
import { numberProp, type ShopEvent, textProp } from "../event.ts";
import { actsOf, familyOf, KINDS, type Kind, pointOf } from "./behaviour.ts";
import { categoryOf, fieldsOf, numberOf, orderedSkus, textOf } from "./catalog.ts";
import {
  copyLeanings,
  joinLeanings,
  type Leanings,
  lean,
  noLeanings,
  scores,
  shares,
} from "./leanings.ts";
import { duration } from "./options.ts";
import type { SessionSignal } from "./signals.ts";

export interface PreferenceState {
  /** Names begin with the prefix of their kind. */
  leanings: Leanings;
  /** Of the names that led each kind when they were last told; "" when they never were. */
  told: string;
  /** -1 when in none. */
  cluster: number;
}

/** What a person prefers for long, when something else leads than was told last. */
interface PreferenceSignal {
  readonly kind: "preference";
  readonly person: string;
  readonly session: string;
  readonly at: EventTime;
  readonly leading: Readonly<Record<string, readonly (readonly [name: string, share: number])[]>>;
  readonly priceSensitivity: number;
  readonly koc: number;
  readonly cluster: number;
}
interface ClusterSignal {
  readonly kind: "cluster";
  readonly person: string;
  readonly cluster: number;
  readonly before: number;
  readonly distance: number;
  readonly at: EventTime;
}
/** A point for learning. */
interface BehaviourSignal {
  readonly kind: "behaviour";
  readonly point: readonly number[];
  readonly at: EventTime;
}
type Out = PreferenceSignal | ClusterSignal | BehaviourSignal;

interface Settings {
  readonly halfLife: Millis;
  readonly keep: Millis;
  /** Acts, as they fade, without which nothing is told. */
  readonly leastActs: number;
  readonly koc: Readonly<Record<string, number>>;
  readonly local: LocalTime;
}

/** How much an act says about what it is about. */
const INTEREST: Readonly<Record<string, number>> = {
  "product.viewed": 1,
  "product.clicked": 1,
  "product.listed": 0.5,
  "product.favorited": 2,
  "product.shared": 2,
  "cart.added": 3,
  "order.paid": 5,
  "article.opened": 0.5,
  "article.read": 1,
  "video.played": 0.5,
  "live.entered": 0.5,
  "content.liked": 1,
  "content.commented": 2,
};
const ABOUT_CONTENT = new Set([
  "article.opened",
  "article.read",
  "video.played",
  "content.liked",
  "content.commented",
  "content.created",
]);
const DEALS = new Set(["coupon.claimed", "coupon.used"]);
const PRICE_WORDS = ["价格", "便宜", "对比", "优惠", "折扣", "多少钱", "平替"];
/** Acts that say nothing of prices, with which everybody begins. */
const PRIOR_ACTS = 5;
/** Shown of each kind. */
const SHOWN = 3;
const TOLD_KINDS: readonly Kind[] = [
  "category",
  "brand",
  "topic",
  "price_band",
  "touchpoint",
  "hour",
];
const HOURS: readonly string[] = Array.from({ length: 24 }, (_, hour) => String(hour));
/** Another cluster must be nearer by this part. */
const NEARER = 0.9;

/**
 * What each person prefers for long: fading affinities to categories, brands, topics, price bands,
 * touchpoints and hours, how much prices decide, the KOC score, and the cluster of people who behave
 * alike. Told when a session ends, where something else leads than was told last.
 */
function preferenceOperator(settings: Settings): Operator<SessionSignal, Out, PreferenceState> {
  const { halfLife } = settings;
  return {
    name: "preference",
    version: 1,
    order: "arrival",
    purpose: "profiling",
    key: (signal) =>
      signal.kind === "session-end" || (signal.kind === "step" && signal.session !== null)
        ? signal.person
        : undefined,
    init: () => ({ leanings: noLeanings(), told: "", cluster: -1 }),
    copy: (state) => ({ ...state, leanings: copyLeanings(state.leanings) }),
    onEvent(signal, state, ctx) {
      if (signal.kind === "step") learn(state.leanings, signal.event, ctx.facts, settings);
      else if (signal.kind === "session-end") tell(state, signal.session.id, settings, ctx);
      return state.leanings.names.length === 0 ? FORGET : state;
    },
    publish: messageOf,
    forward: (out): Hop | undefined =>
      out.kind === "behaviour" ? partialHop("*", out.at, ["behaviour", out.point]) : undefined,
    keep: settings.keep,
    profile: (state, { at }) => ({ affinities: shownAffinities(state, at, settings) }),
    merge(into, from) {
      joinLeanings(into.leanings, from.leanings, halfLife, (name) => {
        const [kind, most] = Object.values(KINDS).find(([prefix]) => name.startsWith(prefix)) ?? [
          "",
          1,
        ];
        return { kind, most };
      });
      return into;
    },
  };
}

function learn(
  of: Leanings,
  event: ShopEvent,
  facts: Facts,
  { halfLife, koc, local }: Settings,
): void {
  const { at, type } = event;
  const add = (kind: (typeof KINDS)[Kind], name: string | undefined, by: number): void => {
    if (name === undefined || by === 0) return;
    const [prefix, most] = kind;
    lean(of, prefix + name, by, at, halfLife, most, prefix);
  };
  const { family, hour, touchpoint, sum, topic, category, brand, price_band } = KINDS;
  add(family, familyOf(type), 1);
  add(hour, HOURS[Math.floor(local.minute(at) / 60)], 1);
  if (event.touchpoint !== "unknown") add(touchpoint, event.touchpoint, 1);
  add(sum, "koc", koc[type] ?? 0);
  if (isAboutPrice(event)) add(sum, "price", 1);
  const interest = INTEREST[type] ?? 0;
  if (ABOUT_CONTENT.has(type)) {
    add(topic, topicOf(event, facts), interest);
    return;
  }
  if (interest === 0) return;
  add(category, categoryOf(event, facts), interest);
  for (const sku of orderedSkus(event).slice(0, SHOWN)) {
    const fact = fieldsOf(facts, "catalog", sku);
    add(brand, textOf(fact, "brand"), interest);
    add(
      price_band,
      bandOf(numberOf(fact, "price_minor") ?? numberProp(event, "price_minor")),
      interest,
    );
  }
}

function topicOf(event: ShopEvent, facts: Facts): string | undefined {
  const id = textProp(event, "content_id") ?? textProp(event, "live_id");
  const fact = id === undefined ? undefined : fieldsOf(facts, "content", id);
  return textOf(fact, "category") ?? textProp(event, "category");
}

/** Doubling bands of prices, named by their lower end in major units: `0`, `1`, `2`, `4` … */
function bandOf(minor: number | undefined): string | undefined {
  if (minor === undefined || !(minor >= 0)) return undefined;
  return String(minor < 100 ? 0 : 2 ** Math.floor(Math.log2(minor / 100)));
}

function isAboutPrice(event: ShopEvent): boolean {
  if (DEALS.has(event.type)) return true;
  if (event.type === "product.listed") return textProp(event, "sort") === "price_asc";
  if (event.type.startsWith("product.")) return textProp(event, "section") === "price";
  const query = event.type === "searched" ? textProp(event, "query") : undefined;
  return query !== undefined && PRICE_WORDS.some((word) => query.includes(word));
}

function tell(
  state: PreferenceState,
  session: string,
  settings: Settings,
  ctx: Context<Out>,
): void {
  const { halfLife, leastActs } = settings;
  const { leanings } = state;
  const { key: person, now: at } = ctx;
  const acts = actsOf(leanings, at, halfLife);
  if (acts < leastActs) return;
  const point = pointOf(leanings, at, halfLife);
  ctx.emit({ kind: "behaviour", point, at });
  tellCluster(state, point, ctx);
  const leading = leadingOf(leanings, at, halfLife);
  const firsts = TOLD_KINDS.map((kind) => leading[kind]?.[0]?.[0] ?? "");
  const told = hash128(JSON.stringify(firsts)).slice(0, 8);
  if (told === state.told) return;
  state.told = told;
  const { priceSensitivity, koc } = sumsOf(leanings, at, halfLife);
  const { cluster } = state;
  ctx.emit({ kind: "preference", person, session, at, leading, priceSensitivity, koc, cluster });
}

/** By kind, what the person leans to most, with its share of the kind. */
function leadingOf(of: Leanings, at: EventTime, halfLife: Millis): PreferenceSignal["leading"] {
  return Object.fromEntries(
    TOLD_KINDS.map((kind) => {
      const all = shares(of, at, halfLife, KINDS[kind][0]);
      return [kind, all.slice(0, SHOWN).map(([name, share]) => [name, rounded(share)] as const)];
    }),
  );
}

function sumsOf(of: Leanings, at: EventTime, halfLife: Millis) {
  const sums = new Map(scores(of, at, halfLife, KINDS.sum[0]));
  const acts = actsOf(of, at, halfLife);
  return {
    priceSensitivity: rounded((sums.get("price") ?? 0) / (acts + PRIOR_ACTS)),
    koc: rounded(sums.get("koc") ?? 0),
  };
}

function shownAffinities(
  { leanings, cluster }: PreferenceState,
  at: EventTime,
  { halfLife }: Settings,
) {
  const { priceSensitivity, koc } = sumsOf(leanings, at, halfLife);
  return {
    ...leadingOf(leanings, at, halfLife),
    price_sensitivity: priceSensitivity,
    koc,
    cluster: nameOf(cluster),
  };
}

/** Another cluster is told of only when it is nearer by far: who stands between two stays. */
function tellCluster(state: PreferenceState, point: readonly number[], ctx: Context<Out>): void {
  const known = ctx.facts.get("clusters", "*") as ClusterCentres | null | undefined;
  const centres = known?.centres ?? [];
  const { place, distance } = nearest(centres, point);
  if (place < 0 || place === state.cluster) return;
  const own = centres[state.cluster];
  if (own !== undefined && distance > nearest([own], point).distance * NEARER) return;
  const before = state.cluster;
  state.cluster = place;
  ctx.emit({ kind: "cluster", person: ctx.key, cluster: place, before, distance, at: ctx.now });
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

const nameOf = (cluster: number): string | null => (cluster < 0 ? null : `c${cluster}`);

function messageOf(out: Out): Message | undefined {
  if (out.kind === "behaviour") return undefined;
  const { person, at } = out;
  if (out.kind === "cluster") {
    return {
      subject: `cluster.c${out.cluster}`,
      data: {
        cluster: nameOf(out.cluster),
        before: nameOf(out.before),
        person,
        at: isoTime(at),
        distance: rounded(out.distance / 1000),
      },
    };
  }
  return {
    subject: "preference.changed",
    data: {
      person,
      at: isoTime(at),
      session: out.session,
      ...out.leading,
      price_sensitivity: out.priceSensitivity,
      koc: out.koc,
      cluster: nameOf(out.cluster),
    },
  };
}

/** What makes somebody an opinion others hear: posts, answers and shares. */
const KOC: Readonly<Record<string, number>> = {
  "content.created": 5,
  "group.message.replied": 3,
  "group.message.posted": 2,
  "product.shared": 2,
  "content.commented": 1,
};

const Options = Type.Object(
  {
    half_life: Type.String({ default: "30d", description: "Affinities halve in this time." }),
    least_acts: Type.Number({
      default: 5,
      minimum: 1,
      description: "Of who did less, as it fades, nothing is told.",
    }),
    koc: Type.Record(Type.String(), Type.Number({ minimum: 0 }), {
      default: KOC,
      description: "Type of event → what it adds to the KOC score.",
    }),
    keep: Type.String({
      default: "180d",
      description: "A person of whom nothing is heard for this long is forgotten.",
    }),
  },
  { additionalProperties: false },
);

const LEADING = Type.Array(Type.Tuple([Type.String(), Type.Number({ minimum: 0, maximum: 1 })]));

export const preferenceSpec: OperatorSpec = {
  name: "preference",
  flow: "shopper",
  summary: "Long-term preferences, price sensitivity, KOC score and cluster of each person.",
  from: ["session"],
  options: Options,
  profile: {
    affinities: Type.Object(
      {
        ...Object.fromEntries(TOLD_KINDS.map((kind) => [kind, LEADING])),
        price_sensitivity: Type.Number({ minimum: 0, maximum: 1 }),
        koc: Type.Number({ minimum: 0 }),
        cluster: Type.Union([Type.String(), Type.Null()], {
          description: "People who behave alike; null when in none.",
        }),
      },
      { description: "What the person prefers for long: by kind, what leads and its share." },
    ),
  },
  make(options, job) {
    const read = options as Partial<Static<typeof Options>>;
    return preferenceOperator({
      halfLife: duration(read.half_life, "30d"),
      keep: duration(read.keep, "180d"),
      leastActs: read.least_acts ?? 5,
      koc: read.koc ?? KOC,
      local: new LocalTime(job.timeZone),
    });
  },
};
