import type { Topic } from "../../../src/config/condition-ast.ts";
import type { IntentSignal, SegmentSignal, StandingSignal } from "../signals.ts";
import type { BoundValues, StandingChange } from "./leaf.ts";

/** The topic of what a signal says of where a person stands; undefined when it says nothing of that kind. */
export function topicOf(of: { readonly kind: string }): Topic | undefined {
  const signal = of as SegmentSignal | StandingSignal;
  switch (signal.kind) {
    case "segment":
    case "intent":
      return signal.kind;
    case "standing":
      return signal.topic;
    default:
      return undefined;
  }
}

/** What a signal says of where a person stands; undefined when it says nothing of that kind. */
export function standingOf(of: { readonly kind: string }): StandingChange | undefined {
  const signal = of as SegmentSignal | StandingSignal;
  switch (signal.kind) {
    case "segment":
      return {
        topic: "segment",
        value: signal.segment,
        on: signal.member,
        at: signal.at,
        insteadOf: signal.insteadOf,
        bound: NOTHING,
      };
    case "intent":
      return {
        topic: "intent",
        value: signal.intent,
        on: true,
        at: signal.at,
        insteadOf: null,
        bound: boundOf(signal),
      };
    case "standing":
      return {
        topic: signal.topic,
        value: signal.value,
        on: signal.on,
        at: signal.at,
        insteadOf: signal.insteadOf ?? null,
        bound: NOTHING,
      };
    default:
      return undefined;
  }
}

const NOTHING: BoundValues = {};

function boundOf({ sku, category }: IntentSignal): BoundValues {
  if (sku === null) return category === null ? NOTHING : { category };
  return category === null ? { sku } : { sku, category };
}
