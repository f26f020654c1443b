import Type, { type Static } from "typebox";
import {
  type Context,
  type Facts,
  FORGET,
  type Forget,
  type Operator,
  type Scored,
} from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, type Millis, minus, plus } from "../../src/time/event-time.ts";
import type { ShopEvent } from "../event.ts";
import {
  type Candidate,
  type CandidateOptions,
  evidenceFor,
  itemOf,
  shortlist,
} from "./candidates.ts";
import { fieldsOf, textOf } from "./catalog.ts";
import { type Proposal, RECOMMENDER } from "./contact/proposal.ts";
import { explainTaste } from "./explain-taste.ts";
import { ExplainedRecommender } from "./explained-decisions.ts";
import { duration } from "./options.ts";
import {
  DEFAULT_WEIGHTS,
  FEATURES,
  LeastScore,
  type RankInput,
  vectorOf,
  type Weights,
} from "./rank.ts";
import { inWords, type Missing, messageOf, recIdOf } from "./recommendation.ts";
import { isAct } from "./session.ts";
import type { IntentSignal, SessionSignal, StandingOf, Step } from "./signals.ts";
import {
  copyTaste,
  favouriteTouchpoint,
  joinTaste,
  learnFrom,
  learnIntent,
  learnOutcome,
  mute,
  noTaste,
  rememberRec,
  settleIntent,
  type Taste,
} from "./taste.ts";
import { showTaste, TASTE_SECTIONS } from "./taste-profile.ts";

export interface RecommendOptions {
  /** Whether it proposes by itself, beside answering for pages. */
  readonly push: boolean;
  /** How the names of the slots begin that it answers for; none: all. */
  readonly slots: readonly string[];
  readonly every: Millis;
  readonly minScore: number;
  readonly items: number;
  readonly candidates: number;
  readonly repeatAfter: Millis;
  readonly closedAfter: Millis;
  readonly boughtAfter: Millis;
  readonly keep: Millis;
  readonly weights: Weights;
  readonly version: string;
}

type Out = Proposal | Missing | StandingOf;
type In = SessionSignal | IntentSignal | { readonly kind: "segment"; readonly person: string };

/** What a decision needs when its scores are back. Plain data. */
interface Memo {
  readonly candidates: readonly Candidate[];
  /** The cap as it was before the request took it. */
  readonly pushedAt: EventTime;
}

/** Acts after which it is worth asking what to recommend. */
const OCCASIONS = new Set([
  "mp.entered",
  "page.viewed",
  "menu.clicked",
  "product.viewed",
  "product.clicked",
  "product.favorited",
  "product.shared",
  "product.listed",
  "searched",
  "cart.added",
  "cart.removed",
  "coupon.claimed",
  "article.opened",
  "article.read",
  "video.played",
  "live.entered",
]);
/** What comes later than this behind the watermark is history, no occasion. */
const TOO_LATE = duration("5m", "5m");

/**
 * Recommends goods, offers, contents and services: candidates from what others met with what the
 * person looks at, from what is popular in the person's categories and from the intent, scored by
 * a scorer, at most one proposal a person in `every` and none below `min_score`; whether it goes is
 * for the policy of contact to say. Goods that are known to be sold out are scored with the rest, so
 * that it is told when one would have won, and never recommended.
 */
function recommendOperator(options: RecommendOptions): Operator<In, Out, Taste> {
  const after = { closed: options.closedAfter, bought: options.boughtAfter };
  const { weights, minScore, candidates: most } = options;
  const wanted: Wanted = {
    withSeen: false,
    most,
    least: new LeastScore(weights, minScore),
    weights: vectorOf(weights),
  };
  return {
    name: "recommend",
    version: 1,
    order: "arrival",
    purpose: "profiling",
    key: (signal) =>
      signal.kind === "step" || signal.kind === "intent" ? signal.person : undefined,
    init: noTaste,
    copy: copyTaste,
    onEvent(signal, taste, ctx) {
      if (signal.kind === "intent") {
        learnIntent(taste, signal);
        return taste;
      }
      if (signal.kind !== "step") return taste;
      const { event } = signal;
      learnOutcome(taste, event, after);
      if (!isAct(event.type)) return taste.seenAt === 0 && isBlank(taste) ? FORGET : taste;
      if (taste.seenAt === 0) ctx.setTimer("forget", plus(event.at, options.keep));
      learnFrom(taste, event, ctx.facts);
      tellAffinity(taste, event, ctx);
      if (isOccasion(signal, taste, ctx, options)) ask(taste, ctx, wanted);
      settleIntent(taste);
      return taste;
    },
    onScored: (scored, taste, ctx) => decide(scored, taste, ctx, options),
    onTimer(_timer, taste, ctx) {
      return forgetLater(taste, ctx, options);
    },
    merge(into, from, ctx) {
      joinTaste(into, from);
      if (into.seenAt !== 0) ctx.setTimer("forget", plus(into.seenAt, options.keep));
      return into;
    },
    publish: messageOf,
    profile: showTaste,
    explain: (taste, { at, facts }) => ({ recommender: explainTaste(taste, facts, at, options) }),
  };
}

/** Says so when another touchpoint than before is what the person uses most. */
function tellAffinity(taste: Taste, event: ShopEvent, ctx: Context<Out>): void {
  if (event.touchpoint === taste.affinity || event.touchpoint === "unknown") return;
  const value = favouriteTouchpoint(taste, taste.seenAt);
  if (value === undefined || value === taste.affinity) return;
  taste.affinity = value;
  const person = ctx.key;
  ctx.emit({ kind: "standing", person, topic: "affinity", value, on: true, at: event.at });
}

const isBlank = (taste: Taste): boolean => taste.recs.length === 0 && taste.muted.length === 0;

/** A person of whom nothing was heard for `keep` is forgotten. */
function forgetLater(taste: Taste, ctx: Context<Out>, { keep }: RecommendOptions): Taste | Forget {
  const due = plus(taste.seenAt, keep);
  if (due <= ctx.now) return FORGET;
  ctx.setTimer("forget", due);
  return taste;
}

function isOccasion(
  { event }: Step,
  taste: Taste,
  ctx: Context<Out>,
  { push, every }: RecommendOptions,
): boolean {
  if (!push) return false;
  if (!OCCASIONS.has(event.type) && taste.intent?.isNews !== true) return false;
  if (event.at < taste.seenAt || event.at < minus(ctx.watermark, TOO_LATE)) return false;
  return taste.pushedAt === 0 || event.at >= plus(taste.pushedAt, every);
}

interface Wanted extends CandidateOptions {
  /** In the order of the features. */
  readonly weights: readonly number[];
}

/** Takes the cap and asks for scores, where anything may score enough. */
function ask(taste: Taste, ctx: Context<Out>, wanted: Wanted): void {
  const { candidates, features } = shortlist(taste, ctx.facts, ctx.now, wanted);
  if (candidates.length === 0) return;
  const memo: Memo = { candidates, pushedAt: taste.pushedAt };
  const input: RankInput = { weights: wanted.weights, candidates: features };
  taste.pushedAt = ctx.now;
  ctx.score({ scorer: "rank", input, memo });
}

function decide(
  { result, memo }: Scored,
  taste: Taste,
  ctx: Context<Out>,
  options: RecommendOptions,
): Taste {
  const { candidates, pushedAt } = memo as Memo;
  const scores = result as readonly number[];
  const order = candidates
    .map((_, i) => i)
    .filter((i) => (scores[i] ?? 0) >= options.minScore)
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const best = order.find((i) => isThere(candidates[i]));
  const recId = recIdOf(ctx.key, ctx.derive("rec"));
  ctx.note(() => ({
    of: "recommend",
    rec_id: best === undefined ? null : recId,
    ...explainTaste({ ...taste, pushedAt }, ctx.facts, ctx.now, options),
  }));
  tellMissing(order, best, candidates, scores, taste, ctx, options);
  const chosen = best === undefined ? undefined : candidates[best];
  if (best === undefined || chosen === undefined) {
    taste.pushedAt = pushedAt;
    return taste;
  }
  const together =
    chosen.kind === "product"
      ? order
          .flatMap((i) => candidates[i] ?? [])
          .filter((candidate) => candidate.kind === "product" && isThere(candidate))
          .slice(0, options.items)
      : [chosen];
  const keys = together.map(({ key }) => key);
  rememberRec(taste, recId, keys);
  for (const key of keys) mute(taste, key, plus(ctx.now, options.repeatAfter), ctx.now);
  ctx.emit({
    kind: "proposed",
    person: ctx.key,
    rule: RECOMMENDER,
    version: null,
    variant: null,
    class: chosen.kind === "service" ? "service" : "marketing",
    at: ctx.now,
    since: ctx.now,
    notBefore: null,
    within: null,
    ref: null,
    once: null,
    isHeldOut: false,
    reason: {
      code: chosen.reason,
      zh: inWords(chosen, titles(ctx.facts)),
      evidence: evidenceFor(taste, chosen, ctx.now),
    },
    take: "first",
    options: [
      {
        op: "recommend",
        kind: chosen.kind,
        channels: [chosen.channel],
        slot: null,
        sku: chosen.sku,
        items: together.map((candidate) => itemOf(candidate, ctx.facts)),
        skus: together.flatMap(({ sku }) => (sku === null ? [] : [sku])),
        inStock: false,
        stockOver: null,
        score: scores[best] ?? 0,
        value: null,
        valid: null,
        maxMinor: null,
        off: false,
      },
    ],
    recId,
    model: options.version,
  });
  return taste;
}

const titles = (facts: Facts) => (name: string) =>
  textOf(fieldsOf(facts, "catalog", name), "title") ?? name;

const isThere = (candidate: Candidate | undefined): boolean =>
  candidate !== undefined && (candidate.sellable === null || candidate.sellable > 0);

/** Says that what would have won is sold out, once per item and `every`. */
function tellMissing(
  order: readonly number[],
  best: number | undefined,
  candidates: readonly Candidate[],
  scores: readonly number[],
  taste: Taste,
  ctx: Context<Out>,
  { every }: RecommendOptions,
): void {
  const first = order[0];
  const missing = first === undefined ? undefined : candidates[first];
  if (first === undefined || missing?.sku == null || isThere(missing)) return;
  mute(taste, missing.key, plus(ctx.now, every), ctx.now);
  ctx.emit({
    kind: "missing",
    person: ctx.key,
    rec_kind: missing.kind,
    channel: missing.channel,
    sku: missing.sku,
    score: scores[first] ?? 0,
    replaced_by: best === undefined ? null : (candidates[best]?.sku ?? null),
    at: ctx.now,
  });
}

const Options = Type.Object(
  {
    push: Type.Boolean({
      default: true,
      description: "Propose by itself; without it only pages that ask are answered.",
    }),
    slots: Type.Array(Type.String({ pattern: "^[a-z0-9_-]+(\\.[a-z0-9_-]+)*$" }), {
      default: [],
      maxItems: 64,
      description: "Slots that ask.recommend fills, or the beginnings of their names; none: all.",
    }),
    every: Type.String({ default: "30m", description: "At most one push a person in this time." }),
    min_score: Type.Number({
      default: 0.8,
      minimum: 0,
      maximum: 1,
      description: "Nothing is pushed that scores less.",
    }),
    items: Type.Integer({
      default: 3,
      minimum: 1,
      maximum: 10,
      description: "Goods in one recommendation, at most.",
    }),
    candidates: Type.Integer({
      default: 24,
      minimum: 1,
      maximum: 100,
      description: "Goods that are scored for one decision, at most.",
    }),
    repeat_after: Type.String({
      default: "1d",
      description: "What was recommended is not pushed again before.",
    }),
    closed_after: Type.String({
      default: "7d",
      description: "What was closed is not recommended again before.",
    }),
    bought_after: Type.String({
      default: "7d",
      description: "What was bought is not recommended again before.",
    }),
    keep: Type.String({
      default: "30d",
      description: "A person of whom nothing is heard for this long is forgotten.",
    }),
    weights: Type.Object(
      Object.fromEntries(
        FEATURES.map((feature) => [feature, Type.Number({ default: DEFAULT_WEIGHTS[feature] })]),
      ),
      {
        additionalProperties: false,
        default: {},
        description: "Log-odds that each feature of a candidate adds.",
      },
    ),
    version: Type.String({
      default: "rank-1",
      description: "Name of these weights, told with every recommendation.",
    }),
  },
  { additionalProperties: false },
);

export function readRecommendOptions(options: unknown): RecommendOptions {
  const read = options as Partial<Static<typeof Options>>;
  return {
    push: read.push ?? true,
    slots: read.slots ?? [],
    every: duration(read.every, "30m"),
    minScore: read.min_score ?? 0.8,
    items: read.items ?? 3,
    candidates: read.candidates ?? 24,
    repeatAfter: duration(read.repeat_after, "1d"),
    closedAfter: duration(read.closed_after, "7d"),
    boughtAfter: duration(read.bought_after, "7d"),
    keep: duration(read.keep, "30d"),
    weights: { ...DEFAULT_WEIGHTS, ...(read.weights as Partial<Weights> | undefined) },
    version: read.version ?? "rank-1",
  };
}

export const recommendSpec: OperatorSpec = {
  name: "recommend",
  flow: "shopper",
  summary: "What to propose to a person now, at most one thing in a stated time.",
  from: ["session", "intent"],
  tells: ["affinity"],
  options: Options,
  profile: TASTE_SECTIONS,
  explains: { recommender: ExplainedRecommender },
  make: (options) => recommendOperator(readRecommendOptions(options)),
};
