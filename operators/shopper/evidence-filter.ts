import type { EventTime, Millis } from "../../src/time/event-time.ts";

/** Log-odds by intent, as they stood at `at`; what has none stands at 0. */
export interface Evidence {
  at: EventTime;
  odds: Record<string, number>;
}

export const noEvidence = (at: EventTime): Evidence => ({ at, odds: {} });

/**
 * Adds a clue of time `at`. The sum halves every half-life; a clue that comes late counts what is
 * left of it by now, so the order of arrival does not matter.
 */
export function addEvidence(
  evidence: Evidence,
  at: EventTime,
  intent: string,
  weight: number,
  halfLife: Millis,
): void {
  decayTo(evidence, at, halfLife);
  const age = evidence.at - at;
  evidence.odds[intent] = (evidence.odds[intent] ?? 0) + weight * 0.5 ** (age / halfLife);
}

/** Moves the evidence on to `at`; never back. */
export function decayTo(evidence: Evidence, at: EventTime, halfLife: Millis): void {
  if (at <= evidence.at) return;
  const factor = 0.5 ** ((at - evidence.at) / halfLife);
  const { odds } = evidence;
  for (const intent in odds) odds[intent] = (odds[intent] ?? 0) * factor;
  evidence.at = at;
}

/** What intents are likely before anything is known, and how much odds are trusted. */
export interface Prior {
  readonly names: readonly string[];
  readonly priors: readonly number[];
  readonly temperature: number;
}

/** Softmax of evidence and prior, in the order of `names`. */
export function probabilitiesOf(
  evidence: Evidence,
  { names, priors, temperature }: Prior,
): number[] {
  const all: number[] = [];
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < names.length; i += 1) {
    const odds = ((evidence.odds[names[i] ?? ""] ?? 0) + (priors[i] ?? 0)) / temperature;
    all.push(odds);
    most = Math.max(most, odds);
  }
  let sum = 0;
  for (let i = 0; i < all.length; i += 1) {
    const power = Math.exp((all[i] ?? 0) - most);
    all[i] = power;
    sum += power;
  }
  for (let i = 0; i < all.length; i += 1) all[i] = (all[i] ?? 0) / sum;
  return all;
}
