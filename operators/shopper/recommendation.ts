import type { Message } from "../../src/flow/operator.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import type { Candidate, Channel, Kind } from "./candidates.ts";

/** What would have been recommended, had it been there. */
export interface Missing {
  readonly kind: "missing";
  readonly person: string;
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

export const rounded = (score: number): number => Math.round(score * 10_000) / 10_000;

export function messageOf(
  out: Missing | { readonly kind: "proposed" | "standing" },
): Message | undefined {
  if (out.kind !== "missing") return undefined;
  const { person, rec_kind, channel, sku, score, replaced_by, at } = out;
  return {
    subject: "suppressed.stock",
    data: {
      person,
      reason: "stock",
      rule: null,
      at: isoTime(at),
      kind: rec_kind,
      channel,
      sku,
      score: rounded(score),
      replaced_by,
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
