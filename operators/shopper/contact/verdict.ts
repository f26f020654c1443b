import type { Cap, ContactPolicy } from "../../../src/config/rule-ast.ts";
import type { Facts } from "../../../src/flow/operator.ts";
import { type EventTime, earliest } from "../../../src/time/event-time.ts";
import type { LocalTime } from "../../../src/time/local-time.ts";
import { agrees, hasLeft, isMinor, mayTag } from "../../consent.ts";
import { fieldsOf, sellableOf } from "../catalog.ts";
import { isSpent } from "./limit.ts";
import { interrupts, type Option, type Proposal } from "./proposal.ts";
import { quietAt } from "./quiet.ts";
import { type OpenWay, openWay } from "./quota.ts";
import { isBackedOff, isMuted } from "./silence.ts";
import type { ContactState } from "./state.ts";

/** Why something is not done; a token of the subject `suppressed.<reason>`. */
export type SuppressReason =
  | "consent"
  | "optout"
  | "minor"
  | "holdout"
  | "stale"
  | "paid"
  | "low_value"
  | "stock"
  | "outranked"
  | "cooldown"
  | "quiet"
  | "breaker"
  | "backoff"
  | "cap"
  | "quota";

export type Verdict =
  | {
      readonly do: "send";
      readonly option: Option;
      readonly channel: string;
      readonly open: OpenWay;
    }
  | { readonly do: "hold"; readonly until: EventTime }
  | {
      readonly do: "drop";
      readonly reason: SuppressReason;
      readonly option: Option | undefined;
      readonly channel: string | undefined;
    };

/** What decisions are made by, beside the person's own state. */
export interface Policies {
  readonly policy: ContactPolicy;
  /** Caps with the key that what is used of them is filed under. */
  readonly caps: readonly KeyedCap[];
  readonly local: LocalTime;
  /** Consent where a person has not said. */
  readonly unsaid: boolean;
  readonly seed: number;
  /** Decisions of a person that are remembered: so many done, so many not. */
  readonly keptDecisions: number;
}
export interface KeyedCap extends Cap {
  readonly key: string;
}

/** What one decision looks at. */
export interface Case {
  readonly proposal: Proposal;
  readonly state: ContactState;
  readonly at: EventTime;
  /** When it was known, which is later than `at` where an event came late. */
  readonly heard: EventTime;
  readonly facts: Facts;
  readonly isHeldOut: boolean;
}

/**
 * Whether something proposed may be done now, by which of its options and channels. Law comes
 * first, and for service too; then what is meant to spare people, which concerns marketing alone.
 * When nothing may go, the reason is that of the option and channel that were wanted most.
 */
export function judge(of: Case, policies: Policies): Verdict {
  const { proposal } = of;
  const never = barred(of, policies);
  if (never !== undefined) return drop(never, proposal.options[0], undefined);
  let first: Verdict | undefined;
  let until: EventTime | undefined;
  for (const option of inOrder(proposal)) {
    const unfit = unfitness(option, of, policies);
    if (unfit !== undefined) {
      first ??= drop(unfit, option, option.channels[0]);
      continue;
    }
    for (const channel of option.channels) {
      const verdict = judgeChannel(option, channel, of, policies);
      if (verdict.do === "send") return verdict;
      if (verdict.do === "hold") until = earliest(until ?? verdict.until, verdict.until);
      else first ??= verdict;
    }
  }
  if (until !== undefined) return { do: "hold", until };
  return first ?? drop("stale", undefined, undefined);
}

/** Every option and channel of a proposal with what stands against it; null where nothing does. */
export function objections(
  of: Case,
  policies: Policies,
): readonly { readonly kind: string; readonly channel: string; readonly against: string | null }[] {
  const never = barred(of, policies);
  return inOrder(of.proposal).flatMap((option) => {
    const unfit = never ?? unfitness(option, of, policies);
    return option.channels.map((channel) => {
      const verdict = unfit === undefined ? judgeChannel(option, channel, of, policies) : undefined;
      const against =
        verdict?.do === "drop" ? verdict.reason : verdict?.do === "hold" ? "quiet" : unfit;
      return { kind: option.kind, channel, against: against ?? null };
    });
  });
}

const drop = (
  reason: SuppressReason,
  option: Option | undefined,
  channel: string | undefined,
): Verdict => ({ do: "drop", reason, option, channel });

const inOrder = ({ options, take }: Proposal): readonly Option[] =>
  take === "first" ? options : [...options].sort((a, b) => b.score - a.score);

/** What forbids it whatever it is and wherever it would go. */
function barred(of: Case, { policy, unsaid }: Policies): SuppressReason | undefined {
  const { proposal, state, at } = of;
  const { consents } = state;
  const isMarketing = proposal.class === "marketing";
  if (!agrees(consents, "collect", unsaid)) return "consent";
  if (isMarketing && isMinor(consents)) return "minor";
  if (isMarketing && !agrees(consents, "marketing", unsaid)) return "consent";
  if (isMarketing && !agrees(consents, "profiling", unsaid)) return "optout";
  if (proposal.isHeldOut || (isMarketing && of.isHeldOut)) return "holdout";
  const due = proposal.notBefore ?? proposal.at;
  if (of.heard - due > (proposal.within ?? policy.staleAfter)) return "stale";
  const { once } = proposal;
  return once !== null && at < (state.once[once.key] ?? 0) ? "cap" : undefined;
}

function unfitness(
  option: Option,
  { proposal, facts }: Case,
  { policy }: Policies,
): SuppressReason | undefined {
  const { score, inStock, stockOver, sku, items, op } = option;
  if (proposal.class === "marketing" && score < policy.minScore) return "low_value";
  if (op === "recommend" && items.length === 0) return "stock";
  const sellable = sku === null ? undefined : sellableOf(facts, sku);
  if (inStock && (sellable ?? 1) <= 0) return "stock";
  return stockOver !== null && (sellable ?? 0) <= stockOver ? "stock" : undefined;
}

function judgeChannel(option: Option, channel: string, of: Case, policies: Policies): Verdict {
  const { proposal, state, at } = of;
  const { policy, local } = policies;
  if (option.op === "tag" && !option.off && !mayTag(state.consents, option.kind))
    return drop("optout", option, channel);
  if (option.op === "tag" || option.op === "crm") return go(option, channel, FREE);
  const disturbs = interrupts(option, channel, policy.pages);
  const isMarketing = proposal.class === "marketing";
  if (hasLeft(state.consents, channel)) return drop("optout", option, channel);
  if (isMarketing && isMuted(state.silence, proposal.rule, channel, at))
    return drop("cooldown", option, channel);
  const quiet = disturbs ? quietAt(policy, channel, proposal.class, at, local) : undefined;
  if (quiet?.does === "drop") return drop("quiet", option, channel);
  if (quiet?.does === "hold") return { do: "hold", until: quiet.until };
  const spared = isMarketing ? restraint(channel, disturbs, of, policies) : undefined;
  if (spared !== undefined) return drop(spared, option, channel);
  if (option.op === "reply") return go(option, channel, FREE);
  const open = openWay(state.ledger, policy, channel, proposal.class, at, local);
  return open === undefined ? drop("quota", option, channel) : go(option, channel, open);
}

/** An answer given at once, and what is no message, take nothing from a quota. */
const FREE: OpenWay = { way: null, shown: {} };

const go = (option: Option, channel: string, open: OpenWay): Verdict => ({
  do: "send",
  option,
  channel,
  open,
});

/** What spares people marketing they have had enough of. */
function restraint(
  channel: string,
  disturbs: boolean,
  { proposal, state, at, facts }: Case,
  { policy, caps, local }: Policies,
): SuppressReason | undefined {
  const { rule } = proposal;
  if (fieldsOf(facts, "breaker", rule)?.["open"] === true) return "breaker";
  const { backoff } = policy;
  if (disturbs && backoff !== undefined && isBackedOff(state.silence, backoff, at))
    return "backoff";
  const spent = caps.some(
    (cap) =>
      concerns(cap, rule, channel) &&
      isSpent(state.caps[capKey(cap, rule, channel)], cap, at, local),
  );
  return spent ? "cap" : undefined;
}

export const concerns = (cap: Cap, rule: string, channel: string): boolean =>
  (cap.rules?.includes(rule) ?? true) && (cap.channels?.includes(channel) ?? true);

/** Under which what is used of a cap is filed. */
export const capKey = ({ key, per }: KeyedCap, rule: string, channel: string): string =>
  `${key}/${per.includes("rule") ? rule : ""}/${per.includes("channel") ? channel : ""}`;
