import type { IntentSignal, SegmentSignal, StandingSignal } from "../signals.ts";
import type { StandingChange } from "./leaf.ts";

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
        bound: {},
      };
    case "intent":
      return {
        ...NOTHING_ELSE,
        topic: "intent",
        value: signal.intent,
        at: signal.at,
        bound: boundOf(signal),
      };
    case "standing":
      return {
        ...NOTHING_ELSE,
        topic: signal.topic,
        value: signal.value,
        on: signal.on,
        at: signal.at,
        insteadOf: signal.insteadOf ?? null,
      };
    default:
      return undefined;
  }
}

const NOTHING_ELSE = { on: true, insteadOf: null, bound: {} } as const;

const boundOf = ({ sku, category }: IntentSignal) => ({
  ...(sku === null ? {} : { sku }),
  ...(category === null ? {} : { category }),
});
