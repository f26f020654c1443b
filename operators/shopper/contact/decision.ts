import { type EventTime, isoTime } from "../../../src/time/event-time.ts";
import type { Option, Proposal } from "./proposal.ts";
import type { SuppressReason } from "./verdict.ts";

/** `done`: a tag or a word to the CRM; `held`: it waits for the end of quiet hours. */
export type Outcome = "sent" | "done" | "held" | SuppressReason;

/** A decision as it is remembered for whoever asks why. Plain data. */
export interface Decision {
  /** When it was made. */
  readonly at: EventTime;
  readonly outcome: Outcome;
  readonly rec: string | null;
  readonly proposal: Pick<
    Proposal,
    "rule" | "version" | "variant" | "class" | "at" | "model" | "reason"
  >;
  readonly channel: string | null;
  readonly kind: string | null;
  readonly slot: string | null;
  readonly sku: string | null;
  readonly score: number;
  /** Pieces of the sku that could be sold then; null when nobody told. */
  readonly sellable: number | null;
}

export function decisionOf(
  proposal: Proposal,
  of: Pick<Decision, "at" | "outcome" | "rec" | "sellable"> & {
    readonly option: Option | undefined;
    readonly channel: string | undefined;
  },
): Decision {
  const { at, outcome, rec, sellable, option, channel } = of;
  const { rule, version, variant, class: messageClass, at: since, model, reason } = proposal;
  return {
    at,
    outcome,
    rec,
    proposal: { rule, version, variant, class: messageClass, at: since, model, reason },
    channel: channel ?? option?.channels[0] ?? null,
    kind: option?.kind ?? null,
    slot: option?.slot ?? null,
    sku: option?.sku ?? null,
    score: option?.score ?? 0,
    sellable,
  };
}

const isDone = ({ outcome }: Decision): boolean => outcome === "sent" || outcome === "done";

/** With one more; of what was done, and of what was not, the last `most` are kept. */
export function withDecision(
  decisions: readonly Decision[],
  decision: Decision,
  most: number,
): readonly Decision[] {
  const all = [...decisions, decision];
  const alike = all.filter((one) => isDone(one) === isDone(decision));
  if (alike.length > most) all.splice(all.indexOf(alike[0] as Decision), 1);
  return all;
}

/** As it is shown. JSON. */
export function shownDecision({ at, outcome, rec, proposal, ...about }: Decision) {
  const { rule, version, variant, class: messageClass, at: since, model, reason } = proposal;
  const done = outcome === "sent" || outcome === "done" || outcome === "held";
  return {
    at: isoTime(at),
    outcome: done ? outcome : ("suppressed" as const),
    ...(done ? {} : { suppressed_by: outcome }),
    rec_id: rec,
    rule,
    version,
    variant,
    class: messageClass,
    true_at: isoTime(since),
    model_version: model,
    reason,
    ...about,
  };
}
