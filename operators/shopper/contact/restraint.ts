import type { Context } from "../../../src/flow/operator.ts";
import { type EventTime, isoTime, latest, plus } from "../../../src/time/event-time.ts";
import { sellableOf } from "../catalog.ts";
import { factsRead } from "../facts-read.ts";
import { recIdOf } from "../recommendation.ts";
import { withOne } from "../records.ts";
import { chance } from "./chance.ts";
import { decisionOf, type Outcome, withDecision } from "./decision.ts";
import { spend } from "./limit.ts";
import type { ContactOut } from "./outcome.ts";
import {
  interrupts,
  isImmediate,
  type Option,
  type Proposal,
  RECOMMENDER,
  worthOf,
} from "./proposal.ts";
import { useWay } from "./quota.ts";
import { remember } from "./silence.ts";
import type { ContactState } from "./state.ts";
import {
  type Case,
  capKey,
  concerns,
  judge,
  objections,
  type Policies,
  type SuppressReason,
  type Verdict,
} from "./verdict.ts";

/** A person has so much waiting at most; more is dropped, what is worth least first. */
export const MOST_WAITING = 32;

/** Whether what a proposal says is still true at a time. */
export type Stands = (proposal: Proposal, at: EventTime) => boolean;

/** One call of the operator for one person. */
export interface Turn {
  readonly state: ContactState;
  readonly ctx: Context<ContactOut>;
  readonly policies: Policies;
  /** When the event at hand was heard of; undefined where it is none that is heard. */
  readonly heard: EventTime | undefined;
}

/** Takes in what is proposed: what disturbs nobody is done at once, the rest when its moment is over. */
export function propose(proposal: Proposal, turn: Turn): void {
  const { state, policies } = turn;
  if (isStopped(proposal, state)) return;
  dropWaiting(turn, ({ notBefore, rule, at }) =>
    notBefore !== null && rule === proposal.rule && at !== proposal.at ? "stale" : undefined,
  );
  if (proposal.notBefore !== null) {
    state.held = [...state.held, [proposal.notBefore, proposal]];
    return;
  }
  if (isImmediate(proposal, policies.policy.pages)) {
    settle(proposal, turn);
    return;
  }
  state.moment = [...state.moment, proposal];
  if (state.moment.length <= MOST_WAITING) return;
  const least = state.moment.reduce((a, b) => (rankOf(b) < rankOf(a) ? b : a));
  state.moment = state.moment.toSpliced(state.moment.indexOf(least), 1);
  suppress(least, "outranked", turn);
}

/** A withdrawal of consent stops what was under way, for good and without a word. */
const isStopped = ({ class: of, since, at }: Proposal, { consents }: ContactState): boolean =>
  of === "marketing" && since < consents.withdrawn && consents.withdrawn <= at;

/**
 * The end of a moment, which is what one event brings, or one millisecond of the clock: of all
 * marketing that came true by now, and of what quiet hours have held until now, the one message
 * worth most that may go does; service is judged for itself.
 */
export function endMoment(turn: Turn, stands: Stands): void {
  const { state, ctx } = turn;
  if (state.moment.length + state.held.length === 0) return;
  const standing: Proposal[] = [];
  state.held = state.held.filter(([until, proposal]) => {
    // It goes at its time, not with an event that came before that time was certain.
    if (until > ctx.watermark) return true;
    if (proposal.ref === null || stands(proposal, until)) standing.push(proposal);
    else suppress(proposal, "stale", turn);
    return false;
  });
  state.moment = state.moment.filter((proposal) => {
    if (proposal.at > ctx.now) return true;
    standing.push(proposal);
    return false;
  });
  const ranked = standing.filter((p) => p.class === "marketing");
  ranked.sort((a, b) => rankOf(b) - rankOf(a));
  for (const proposal of ranked) {
    if (state.taken === ctx.now) suppress(proposal, "outranked", turn);
    else if (settle(proposal, turn)) state.taken = ctx.now;
  }
  for (const proposal of standing) if (proposal.class === "service") settle(proposal, turn);
}

/** What somebody wrote a rule for comes before what the recommender found. */
const rankOf = (proposal: Proposal): number =>
  worthOf(proposal) + (proposal.rule === RECOMMENDER ? 0 : 1);

/** Drops what waits and is no longer true, or no longer allowed. */
export function dropWaiting(
  turn: Turn,
  isOver: (proposal: Proposal) => SuppressReason | undefined,
): void {
  const { state } = turn;
  if (state.moment.length + state.held.length === 0) return;
  const keep = (proposal: Proposal): boolean => {
    const reason = isOver(proposal);
    if (reason !== undefined) suppress(proposal, reason, turn);
    return reason === undefined;
  };
  state.moment = state.moment.filter(keep);
  state.held = state.held.filter(([, proposal]) => keep(proposal));
}

/** Says of a message that was sent that what it was based on has turned out never to have been. */
export function takeBack(
  { state, ctx }: Turn,
  { rule, ref, at }: { readonly rule: string; readonly ref: string; readonly at: EventTime },
  reason: SuppressReason,
): void {
  for (const note of state.silence.notes) {
    if (note.rule !== rule || note.ref !== ref) continue;
    ctx.emit({ kind: "undone", person: ctx.key, note: { ...note }, reason, at });
  }
}

/** When something next waits to be decided; undefined when nothing does. */
export function nextDecision({ moment, held }: ContactState): EventTime | undefined {
  if (moment.length + held.length === 0) return undefined;
  const times = [...moment.map(({ at }) => at), ...held.map(([until]) => until)];
  return Math.min(...times) as EventTime;
}

/** No decision is dated before an earlier one, nor before what is known to be over. */
function decisionTime({ state, ctx }: Turn): EventTime {
  state.clock = latest(state.clock, latest(ctx.now, ctx.watermark));
  return state.clock;
}

/** Does it, holds it, or says why not; whether it was done or is held. */
function settle(proposal: Proposal, turn: Turn): boolean {
  const { state, ctx, policies } = turn;
  const at = decisionTime(turn);
  const { policy, seed } = policies;
  const isHeldOut = policy.holdOut > 0 && chance(seed, ctx.key, "contact") < policy.holdOut;
  const heard = latest(at, turn.heard ?? at);
  const looked = { proposal, state, at, heard, facts: ctx.facts, isHeldOut };
  ctx.note(() => weighed(looked, policies));
  const verdict = judge(looked, policies);
  if (verdict.do === "hold") {
    if (state.held.length < MOST_WAITING) {
      state.held = [...state.held, [verdict.until, proposal]];
      record(proposal, "held", turn);
    } else suppress(proposal, "quiet", turn);
    return true;
  }
  if (verdict.do === "drop") {
    suppress(proposal, verdict.reason, turn, verdict);
    return false;
  }
  perform(proposal, verdict, at, turn);
  return true;
}

/** What was looked at before a proposal was settled, with the facts that counted. */
function weighed(of: Case, policies: Policies) {
  const { facts, read } = factsRead(of.facts);
  const { rule, ref, at, recId } = of.proposal;
  const options = objections({ ...of, facts }, policies);
  return { of: "contact", rule, ref, true_at: isoTime(at), rec_id: recId, options, facts: read() };
}

/** Remembers a decision, for whoever asks why. */
function record(
  proposal: Proposal,
  outcome: Outcome,
  { state, ctx, policies }: Turn,
  of: {
    readonly option?: Option | undefined;
    readonly channel?: string | undefined;
    readonly rec?: string;
  } = {},
): void {
  if (policies.keptDecisions === 0) return;
  const { option = proposal.options[0], channel, rec = null } = of;
  const sku = option?.sku ?? null;
  const sellable = sku === null ? null : (sellableOf(ctx.facts, sku) ?? null);
  const decision = decisionOf(proposal, {
    at: state.clock,
    outcome,
    rec,
    sellable,
    option,
    channel,
  });
  state.decisions = withDecision(state.decisions, decision, policies.keptDecisions);
}

type Go = Extract<Verdict, { do: "send" }>;

function perform(proposal: Proposal, go: Go, at: EventTime, turn: Turn): void {
  const { state, ctx, policies } = turn;
  const { option, channel, open } = go;
  const { rule, once } = proposal;
  const isMarketing = proposal.class === "marketing";
  if (once !== null) state.once = withOne(state.once, once.key, plus(at, once.every));
  if (option.op === "tag" || option.op === "crm") {
    record(proposal, "done", turn, { option, channel });
    ctx.emit({ kind: "deed", proposal, option, channel, time: at });
    return;
  }
  const rec = proposal.recId ?? recIdOf(ctx.key, ctx.derive(`${rule} ${proposal.ref}`));
  if (isMarketing) {
    for (const cap of policies.caps) {
      if (!concerns(cap, rule, channel)) continue;
      const key = capKey(cap, rule, channel);
      state.caps = withOne(state.caps, key, spend(state.caps[key], cap, at, policies.local));
    }
  }
  if (open.way !== null) useWay(state.ledger, channel, open.way, at, policies.local);
  const pushed = isMarketing && interrupts(option, channel, policies.policy.pages);
  remember(state.silence, { rec, rule, ref: proposal.ref, channel, at, pushed, answer: null });
  const { slot, sku, valid } = option;
  if (slot !== null && sku !== null && valid !== null)
    state.placed = withOne(state.placed, slot, { sku, rule, rec, until: plus(at, valid) });
  record(proposal, "sent", turn, { option, channel, rec });
  const sellable = option.sku === null ? undefined : sellableOf(ctx.facts, option.sku);
  ctx.emit({
    kind: "recommended",
    person: ctx.key,
    rec_id: rec,
    rec_kind: option.kind,
    channel,
    skus: option.skus,
    at,
    proposal,
    option,
    quota: open.shown,
    sellable: sellable ?? null,
    currency: policies.policy.currency,
    sender: state.sender?.[0] ?? null,
  });
}

function suppress(
  proposal: Proposal,
  reason: SuppressReason,
  turn: Turn,
  of: Partial<Pick<Extract<Verdict, { do: "drop" }>, "option" | "channel">> = {},
): void {
  const { option, channel } = of;
  const time = decisionTime(turn);
  record(proposal, reason, turn, of);
  turn.ctx.emit({
    kind: "suppressed",
    proposal,
    option: option ?? proposal.options[0],
    channel,
    reason,
    time,
  });
}
