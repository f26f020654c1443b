import type { Message } from "../../src/flow/operator.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import type { Candidate, Channel, Kind } from "./candidates.ts";
import type { Fields } from "./catalog.ts";
import type { EventEvidence } from "./signals.ts";

/** A recommendation that was pushed. */
export interface Recommended {
  readonly kind: "recommended";
  readonly person: string;
  readonly rec_id: string;
  readonly rec_kind: Kind;
  readonly channel: Channel;
  readonly items: readonly Fields[];
  /** Skus whose purchase it may take credit for. */
  readonly skus: readonly string[];
  readonly score: number;
  readonly reason: {
    readonly code: string;
    readonly zh: string;
    readonly evidence: readonly EventEvidence[];
  };
  readonly sellable: number | null;
  readonly model_version: string;
  readonly at: EventTime;
}

/** What would have been recommended, had it been there. */
export interface Suppressed {
  readonly kind: "suppressed";
  readonly person: string;
  readonly reason: "stock";
  readonly rec_kind: Kind;
  readonly channel: Channel;
  readonly sku: string;
  readonly score: number;
  /** The sku recommended in its place. */
  readonly replaced_by: string | null;
  readonly at: EventTime;
}

/** `r_`, the person's digits, and 12 of the decision: feedback that carries the id finds the person. */
export const recIdOf = (person: string, digits: string): string =>
  `r_${person.replace(/^p_/, "")}_${digits.slice(0, 12)}`;

const rounded = (score: number): number => Math.round(score * 10_000) / 10_000;

export function messageOf(out: Recommended | Suppressed): Message {
  if (out.kind === "suppressed") {
    const { person, reason, rec_kind, channel, sku, score, replaced_by, at } = out;
    return {
      subject: `suppressed.${reason}`,
      data: {
        person,
        reason,
        at: isoTime(at),
        kind: rec_kind,
        channel,
        sku,
        score: rounded(score),
        replaced_by,
      },
    };
  }
  const isService = out.rec_kind === "service";
  return {
    subject: `recommendation.${out.channel}.${out.rec_kind}`,
    data: {
      rec_id: out.rec_id,
      person: out.person,
      channel: out.channel,
      slot: null,
      kind: out.rec_kind,
      items: out.items,
      rule: null,
      model_version: out.model_version,
      score: rounded(out.score),
      reason: out.reason,
      supply: { mode: "normal", sellable: out.sellable },
      policy: isService
        ? { class: "service", purpose: "service" }
        : { class: "marketing", purpose: "marketing" },
      personalized: true,
      at: isoTime(out.at),
    },
  };
}

/** The reason in words, for people who look at a recommendation and ask why. */
export function inWords(candidate: Candidate, titleOf: (name: string) => string): string {
  const because = candidate.because === null ? "" : titleOf(candidate.because);
  switch (candidate.reason) {
    case "covisit":
      return `看过「${because}」的人也看了它`;
    case "popular":
      return "大家最近都在看";
    case "seen":
      return "最近看过";
    case "compare_price":
      return `正在比较价格：${because}`;
    case "learn_features":
      return `想进一步了解：${because}`;
    case "seek_aftersales":
      return "正在寻求售后帮助";
    default:
      return candidate.reason;
  }
}
