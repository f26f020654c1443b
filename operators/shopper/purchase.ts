import type { PurchaseModel } from "../../src/config/intents.ts";
import { type EventTime, latest } from "../../src/time/event-time.ts";
import { addAmount } from "./amounts.ts";

/**
 * How often types of events that count have been seen, fading, as it stood at `at`. Parallel lists:
 * copied and faded at every event.
 */
export interface PurchaseCounts {
  at: EventTime;
  /** Replaced when it changes. */
  types: readonly string[];
  counts: number[];
}

export const noCounts = (): PurchaseCounts => ({ at: 0 as EventTime, types: [], counts: [] });

export const copyCounts = ({ at, types, counts }: PurchaseCounts): PurchaseCounts => ({
  at,
  types,
  counts: counts.slice(),
});

/** Counts an event; one that comes late counts what is left of it by now. */
export function countToward(
  seen: PurchaseCounts,
  type: string,
  at: EventTime,
  model: PurchaseModel,
): void {
  fadeTo(seen, at, model);
  // A name that every record has is no number.
  if (typeof model.weights[type] !== "number") return;
  addCount(seen, type, 0.5 ** ((seen.at - at) / model.halfLife));
}

function addCount(seen: PurchaseCounts, type: string, count: number): void {
  seen.types = addAmount(seen.types, seen.counts, type, count);
}

/** Adds what was seen of the same person under another name. */
export function addCounts(into: PurchaseCounts, from: PurchaseCounts, model: PurchaseModel): void {
  const at = latest(into.at, from.at);
  fadeTo(into, at, model);
  fadeTo(from, at, model);
  from.types.forEach((type, i) => {
    addCount(into, type, from.counts[i] ?? 0);
  });
}

function fadeTo(seen: PurchaseCounts, at: EventTime, model: PurchaseModel): void {
  if (at <= seen.at) return;
  const factor = 0.5 ** ((at - seen.at) / model.halfLife);
  const { counts } = seen;
  for (let i = 0; i < counts.length; i += 1) counts[i] = (counts[i] ?? 0) * factor;
  seen.at = at;
}

/** What the model weighs, in the order of its weights: logarithms of one more than the counts. */
export function purchaseFeatures(
  { types, counts }: PurchaseCounts,
  model: PurchaseModel,
): number[] {
  return Object.keys(model.weights).map((type) => {
    const place = types.indexOf(type);
    return place < 0 ? 0 : Math.log1p(counts[place] ?? 0);
  });
}

/** The probability that something is put in the cart or paid within 30 minutes. */
export function purchaseProbability(seen: PurchaseCounts, model: PurchaseModel): number {
  const weights = Object.values(model.weights);
  const odds = purchaseFeatures(seen, model).reduce(
    (sum, feature, i) => sum + feature * (weights[i] ?? 0),
    model.bias,
  );
  return 1 / (1 + Math.exp(-odds));
}
