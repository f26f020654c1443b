import type { Hop, Message } from "../../../src/flow/operator.ts";
import { withFields } from "../../../src/flow/with-fields.ts";
import { type EventTime, isoTime, plus } from "../../../src/time/event-time.ts";
import { partialHop } from "../../demand/partial.ts";
import type { Fields } from "../catalog.ts";
import { rounded } from "../recommendation.ts";
import { type Option, type Proposal, RECOMMENDER } from "./proposal.ts";
import type { Note } from "./silence.ts";
import type { SuppressReason } from "./verdict.ts";

/** A recommendation that was made. */
export interface Recommended {
  readonly kind: "recommended";
  readonly person: string;
  readonly rec_id: string;
  readonly rec_kind: string;
  readonly channel: string;
  /** Skus whose purchase it may take credit for. */
  readonly skus: readonly string[];
  /** When it was made, which quiet hours may have put off. */
  readonly at: EventTime;
  readonly proposal: Proposal;
  readonly option: Option;
  readonly quota: Readonly<Record<string, string>>;
  readonly sellable: number | null;
  readonly currency: string;
  /** Who writes on WeCom; null where no contact named a member. */
  readonly sender: string | null;
}

/** What was not done, and why. */
export interface Suppressed {
  readonly kind: "suppressed";
  readonly proposal: Proposal;
  readonly option: Option | undefined;
  readonly channel: string | undefined;
  readonly reason: SuppressReason;
  /** When that was decided. */
  readonly time: EventTime;
}

/** A tag set or taken, or what a CRM is told. */
export interface Deed {
  readonly kind: "deed";
  readonly proposal: Proposal;
  readonly option: Option;
  readonly channel: string;
  readonly time: EventTime;
}

/** Somebody answered a rule's message: well, or by blocking its channel. */
export interface Answered {
  readonly kind: "answered";
  readonly rule: string;
  /** 1 for the first click or purchase of a message. */
  readonly hits: number;
  readonly blocked: number;
  readonly revenueMinor: number;
  readonly at: EventTime;
}

/** A message that was sent is taken back: an event came late that had kept its rule from firing. */
export interface Undone {
  readonly kind: "undone";
  readonly person: string;
  readonly note: Note;
  readonly reason: SuppressReason;
  /** When the rule had seemed to come true. */
  readonly at: EventTime;
}

export type ContactOut = Recommended | Suppressed | Deed | Answered | Undone;

export function messageOf(out: ContactOut): Message | undefined {
  switch (out.kind) {
    case "recommended":
      return recommendation(out);
    case "suppressed":
      return suppression(out);
    case "deed":
      return deed(out);
    case "undone":
      return {
        subject: `suppressed.${out.reason}`,
        data: {
          person: out.person,
          reason: out.reason,
          rule: out.note.rule,
          channel: out.note.channel,
          at: isoTime(out.at),
          supersedes: out.note.rec,
        },
      };
    case "answered":
      return undefined;
  }
}

/** What the demand flow counts of each rule, over all people. */
export function hopOf(out: ContactOut): Hop | undefined {
  switch (out.kind) {
    case "recommended":
      return partialHop(out.proposal.rule, out.at, ["contact", 1, 1, 0, 0, 0]);
    case "suppressed":
      return partialHop(out.proposal.rule, out.time, ["contact", 1, 0, 0, 0, 0]);
    case "answered": {
      const { rule, at, hits, blocked, revenueMinor } = out;
      return partialHop(rule, at, ["contact", 0, 0, hits, blocked, revenueMinor]);
    }
    default:
      return undefined;
  }
}

const ruleOf = ({ rule }: Proposal): string | null => (rule === RECOMMENDER ? null : rule);

function recommendation(out: Recommended): Message {
  const { proposal, option, channel, at } = out;
  const { class: of, version, variant, reason, model } = proposal;
  return {
    subject: `recommendation.${channel}.${option.kind}`,
    time: at,
    data: {
      rec_id: out.rec_id,
      person: proposal.person,
      channel,
      ...(channel === "wecom"
        ? { channel_ids: { external_userid_ref: proposal.person, sender_ref: out.sender } }
        : {}),
      slot: option.slot,
      kind: option.kind,
      sku: option.sku,
      items: itemsOf(out),
      rule: ruleOf(proposal),
      rule_version: version,
      variant,
      model_version: model,
      score: rounded(option.score),
      reason,
      value: option.value,
      supply: { mode: "normal", sellable: out.sellable },
      policy: { class: of, purpose: of, quota: out.quota },
      personalized: true,
      optout: OPTOUT,
      at: isoTime(proposal.at),
    },
  };
}

/** The event that makes marketing stop. */
const OPTOUT = { type: "privacy.consent", props: { purpose: "marketing", status: "withdrawn" } };

/** An offer that holds for a while says until when, and what it may be worth at the most. */
function itemsOf({ option, at, currency }: Recommended): readonly Fields[] {
  const { items, valid, maxMinor, op } = option;
  if (op !== "recommend" || (valid === null && maxMinor === null)) return items;
  const coupon = withFields(
    maxMinor === null ? {} : { amount_minor: maxMinor, currency },
    valid === null ? {} : { valid_to: isoTime(plus(at, valid)) },
  );
  return items.map((item) => (item["offer"] === undefined ? item : withFields(item, { coupon })));
}

function suppression({ proposal, option, channel, reason, time }: Suppressed): Message {
  return {
    subject: `suppressed.${reason}`,
    time,
    data: {
      person: proposal.person,
      reason,
      rule: ruleOf(proposal),
      rule_version: proposal.version,
      variant: proposal.variant,
      kind: option?.kind ?? null,
      channel: channel ?? option?.channels[0] ?? null,
      slot: option?.slot ?? null,
      sku: option?.sku ?? null,
      score: rounded(option?.score ?? 0),
      at: isoTime(proposal.at),
    },
  };
}

function deed({ proposal, option, channel, time }: Deed): Message {
  const { person, rule, version, variant, reason, at } = proposal;
  const isCrm = option.op === "crm";
  return {
    subject: isCrm ? `crm.${option.kind}` : `tag.${option.kind}.${option.off ? "off" : "on"}`,
    time,
    data: {
      person,
      rule,
      rule_version: version,
      variant,
      sku: option.sku,
      reason: reason.code,
      evidence: reason.evidence,
      at: isoTime(at),
      ...(isCrm
        ? option.items[0]
        : { tag: option.kind, channel: channel === "crm" ? null : channel }),
    },
  };
}
