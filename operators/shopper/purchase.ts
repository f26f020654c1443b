import type { PurchaseModel } from "../../src/config/intents.ts";
import { type EventTime, latest } from "../../src/time/event-time.ts";

/** How often each type of event that counts has been seen, fading, as it stood at `at`. */
export interface PurchaseCounts {
  at: EventTime;
  counts: Record<string, number>;
}

export const noCounts = (): PurchaseCounts => ({ at: 0 as EventTime, counts: {} });

/** Counts an event; one that comes late counts what is left of it by now. */
export function countToward(
  seen: PurchaseCounts,
  type: string,
  at: EventTime,
  model: PurchaseModel,
): void {
  fadeTo(seen, at, model);
  if (!Object.hasOwn(model.weights, type)) return;
  const left = 0.5 ** ((seen.at - at) / model.halfLife);
  seen.counts[type] = (seen.counts[type] ?? 0) + left;
}

/** Adds what was seen of the same person under another name. */
export function addCounts(into: PurchaseCounts, from: PurchaseCounts, model: PurchaseModel): void {
  const at = latest(into.at, from.at);
  fadeTo(into, at, model);
  fadeTo(from, at, model);
  for (const [type, count] of Object.entries(from.counts)) {
    into.counts[type] = (into.counts[type] ?? 0) + count;
  }
}

function fadeTo(seen: PurchaseCounts, at: EventTime, model: PurchaseModel): void {
  if (at <= seen.at) return;
  const factor = 0.5 ** ((at - seen.at) / model.halfLife);
  const { counts } = seen;
  for (const type in counts) counts[type] = (counts[type] ?? 0) * factor;
  seen.at = at;
}

/** What the model weighs, in the order of its weights: logarithms of one more than the counts. */
export function purchaseFeatures({ counts }: PurchaseCounts, model: PurchaseModel): number[] {
  return Object.keys(model.weights).map((type) => Math.log1p(counts[type] ?? 0));
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
