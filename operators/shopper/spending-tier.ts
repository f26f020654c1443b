import Type, { type Static } from "typebox";
import {
  type Context,
  FORGET,
  type Forget,
  type Hop,
  type Message,
  type Operator,
} from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import {
  days,
  type EventTime,
  isoTime,
  latest,
  type Millis,
  minus,
  minutes,
  plus,
} from "../../src/time/event-time.ts";
import { partialHop } from "../demand/partial.ts";
import type { SpendingLevels } from "../demand/spending.ts";
import { numberProp, type PropValue, type ShopEvent } from "../event.ts";
import { insertAt } from "./insert.ts";
import { duration } from "./options.ts";
import { EVIDENCE } from "./profile-parts.ts";
import type { EventEvidence, SessionSignal, StandingOf } from "./signals.ts";

/** From the least to the most; `none` is for who has spent nothing lately. */
export const TIERS = ["none", "low", "middle", "high", "top"] as const;
export type Tier = (typeof TIERS)[number];

export interface SpendingTierState {
  /** What was paid, and paid back, in the window: when, how much, the tracker's id; oldest first. */
  paid: [at: EventTime, minor: number, id: string][];
  /** The sum that the ranking of all buyers knows. */
  counted: number;
  tier: Tier;
}

/** How much more or less than the other buyers a person spends has changed. */
export interface TierSignal {
  readonly kind: "tier";
  readonly person: string;
  readonly tier: Tier;
  readonly before: Tier;
  readonly spendMinor: number;
  readonly orders: number;
  readonly levels: SpendingLevels | null;
  readonly at: EventTime;
  readonly evidence: readonly EventEvidence[];
}
/** For the quantiles of all people. */
interface SpendSignal {
  readonly kind: "spend";
  readonly before: number;
  readonly now: number;
  readonly at: EventTime;
}
type Out = TierSignal | SpendSignal | StandingOf;

const LOOK = "look";
const EXPIRE = "expire";
/** How long until a payment is in the quantiles and these are known here. */
const SOON = minutes(2);
/** Others spend, too. */
const AGAIN = days(1);
/** Payments kept; of more, the two oldest count as one, from the later of them. */
const KEPT_PAYMENTS = 64;
const SHOWN_PAYMENTS = 5;

/**
 * Spending tiers: what a person paid in the window, less what was paid back, against the quantiles of
 * all buyers: below the median `low`, below P80 `middle`, below P95 `high`, from there on `top`. Judged
 * two minutes after each payment, daily, and when a payment leaves the window.
 */
function spendingTierOperator(window: Millis): Operator<SessionSignal, Out, SpendingTierState> {
  return {
    name: "spending_tier",
    version: 1,
    order: "arrival",
    purpose: "profiling",
    key: (signal) =>
      signal.kind === "step" && signOf(signal.event) !== 0 ? signal.person : undefined,
    init: () => ({ paid: [], counted: 0, tier: "none" }),
    onEvent(signal, state, ctx) {
      if (signal.kind !== "step") return state;
      const { event } = signal;
      const amount = signOf(event) * amountOf(event);
      if (amount === 0 || event.at < minus(ctx.watermark, window)) return orForget(state);
      insert(state.paid, [event.at, amount, event.clientId]);
      count(state, latest(event.at, ctx.watermark), window, ctx);
      ctx.setTimer(LOOK, plus(latest(event.at, ctx.watermark), SOON));
      return state;
    },
    onTimer({ name }, state, ctx) {
      if (name === EXPIRE) count(state, ctx.now, window, ctx);
      look(state, ctx);
      if (state.paid.length > 0 && name === LOOK) ctx.setTimer(LOOK, plus(ctx.now, AGAIN));
      return orForget(state);
    },
    publish: messageOf,
    forward: hopOf,
    profile: ({ tier, counted, paid }) => ({
      spending: { tier, spend_minor: counted, orders: ordersIn(paid), evidence: evidenceOf(paid) },
    }),
    forgotten(state, ctx) {
      if (state.counted > 0) leaveRanking(state.counted, ctx);
      tellTier({ ...state, paid: [], counted: 0 }, "none", null, ctx);
    },
    merge(into, from, ctx) {
      for (const payment of from.paid) insert(into.paid, payment);
      // The other one is no buyer of its own any more.
      if (from.counted > 0) leaveRanking(from.counted, ctx);
      count(into, latest(ctx.now, ctx.watermark), window, ctx);
      ctx.setTimer(LOOK, plus(latest(ctx.now, ctx.watermark), SOON));
      return into;
    },
  };
}

const leaveRanking = (before: number, ctx: Context<Out>): void =>
  ctx.emit({ kind: "spend", before, now: 0, at: ctx.now });

const orForget = (state: SpendingTierState): SpendingTierState | Forget =>
  state.paid.length === 0 && state.tier === "none" ? FORGET : state;

const signOf = ({ type }: ShopEvent): number =>
  type === "order.paid" ? 1 : type === "order.refunded" ? -1 : 0;

/** The order's total, else what its lines or its one sku come to. */
function amountOf(event: ShopEvent): number {
  const total = numberProp(event, "total_minor");
  if (total !== undefined) return Math.max(0, total);
  const { lines } = event.props;
  const all: readonly unknown[] = Array.isArray(lines) ? lines : [event.props];
  return all.reduce((sum: number, line) => sum + lineAmount(line), 0);
}

function lineAmount(line: unknown): number {
  const { price_minor: price, qty } = (line ?? {}) as { price_minor?: PropValue; qty?: PropValue };
  if (typeof price !== "number" || !(price > 0)) return 0;
  return Math.round(price * (typeof qty === "number" && qty > 0 ? qty : 1));
}

function insert(paid: SpendingTierState["paid"], payment: SpendingTierState["paid"][number]): void {
  let place = paid.length;
  while (place > 0 && (paid[place - 1]?.[0] ?? 0) > payment[0]) place -= 1;
  insertAt(paid, place, payment);
  if (paid.length <= KEPT_PAYMENTS) return;
  const oldest = paid.shift();
  const next = paid[0];
  if (oldest !== undefined && next !== undefined) next[1] += oldest[1];
}

/** Leaves out what has left the window, and tells the ranking what the sum is now. */
function count(state: SpendingTierState, at: EventTime, window: Millis, ctx: Context<Out>): void {
  const since = minus(at, window);
  while ((state.paid[0]?.[0] ?? since) < since) state.paid.shift();
  const now = spent(state);
  if (now !== state.counted) ctx.emit({ kind: "spend", before: state.counted, now, at });
  state.counted = now;
  const oldest = state.paid[0];
  if (oldest === undefined) ctx.clearTimer(EXPIRE);
  else ctx.setTimer(EXPIRE, (oldest[0] + window + 1) as EventTime);
}

const spent = ({ paid }: SpendingTierState): number =>
  Math.max(
    0,
    paid.reduce((sum, [, minor]) => sum + minor, 0),
  );

/** Tells the tier where it is another one now. */
function look(state: SpendingTierState, ctx: Context<Out>): void {
  const levels = (ctx.facts.get("spending", "*") as SpendingLevels | null | undefined) ?? null;
  const tier =
    state.counted === 0 ? "none" : levels === null ? state.tier : tierOf(state.counted, levels);
  tellTier(state, tier, levels, ctx);
}

function tellTier(
  state: SpendingTierState,
  tier: Tier,
  levels: SpendingLevels | null,
  ctx: Context<Out>,
): void {
  const before = state.tier;
  if (tier === before) return;
  state.tier = tier;
  const { key: person, now: at } = ctx;
  ctx.emit({
    kind: "tier",
    person,
    tier,
    before,
    spendMinor: state.counted,
    orders: ordersIn(state.paid),
    levels,
    at,
    evidence: evidenceOf(state.paid),
  });
  for (const [name, on] of [
    [before, false],
    [tier, true],
  ] as const) {
    if (name === "none") continue;
    ctx.emit({ kind: "standing", person, topic: "tag", value: `spending_${name}`, on, at });
  }
}

const ordersIn = (paid: SpendingTierState["paid"]): number =>
  paid.filter(([, minor]) => minor > 0).length;

const evidenceOf = (paid: SpendingTierState["paid"]): EventEvidence[] =>
  paid.slice(-SHOWN_PAYMENTS).map(([time, minor, id]) => ({
    event: minor > 0 ? "order.paid" : "order.refunded",
    id,
    time: isoTime(time),
  }));

function tierOf(spend: number, { p50, p80, p95 }: SpendingLevels): Tier {
  if (spend < p50) return "low";
  if (spend < p80) return "middle";
  return spend < p95 ? "high" : "top";
}

function messageOf(out: Out): Message | undefined {
  if (out.kind !== "tier") return undefined;
  const { person, tier, before, spendMinor, orders, levels, at, evidence } = out;
  return {
    subject: `spending.${tier}`,
    data: {
      tier,
      before,
      person,
      at: isoTime(at),
      spend_minor: spendMinor,
      orders,
      quantiles: levels,
      evidence,
    },
  };
}

const hopOf = (out: Out): Hop | undefined =>
  out.kind === "spend" ? partialHop("*", out.at, ["spend", out.before, out.now]) : undefined;

const Options = Type.Object(
  { window: Type.String({ default: "180d", description: "What was paid so long ago counts." }) },
  { additionalProperties: false },
);

export const spendingTierSpec: OperatorSpec = {
  name: "spending_tier",
  flow: "shopper",
  summary: "How much more or less than the other buyers a person spends.",
  from: ["session"],
  tells: ["tag"],
  options: Options,
  profile: {
    spending: Type.Object(
      {
        tier: Type.Union(TIERS.map((tier) => Type.Literal(tier))),
        spend_minor: Type.Integer({ minimum: 0 }),
        orders: Type.Integer({ minimum: 0 }),
        evidence: EVIDENCE,
      },
      { description: "What was paid in the window, and the tier among all buyers." },
    ),
  },
  make: (options) =>
    spendingTierOperator(duration((options as Partial<Static<typeof Options>>).window, "180d")),
};
