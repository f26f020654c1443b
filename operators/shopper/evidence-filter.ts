import type { EventTime, Millis } from "../../src/time/event-time.ts";
import { addAmount } from "./amounts.ts";

/**
 * Log-odds of intents, as they stood at `at`; what is not among them stands at 0. Parallel lists:
 * copied and faded at every event.
 */
export interface Evidence {
  at: EventTime;
  /** Replaced when it changes. */
  intents: readonly string[];
  odds: number[];
}

export const noEvidence = (at: EventTime): Evidence => ({ at, intents: [], odds: [] });

export const copyEvidence = ({ at, intents, odds }: Evidence): Evidence => ({
  at,
  intents,
  odds: odds.slice(),
});

/** Adds to an intent's odds as they stand. */
export function addOdds(evidence: Evidence, intent: string, odds: number): void {
  evidence.intents = addAmount(evidence.intents, evidence.odds, intent, odds);
}

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
  addOdds(evidence, intent, weight * 0.5 ** (age / halfLife));
}

/** Moves the evidence on to `at`; never back. */
export function decayTo(evidence: Evidence, at: EventTime, halfLife: Millis): void {
  if (at <= evidence.at) return;
  const factor = 0.5 ** ((at - evidence.at) / halfLife);
  const { odds } = evidence;
  for (let i = 0; i < odds.length; i += 1) odds[i] = (odds[i] ?? 0) * factor;
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
    const place = evidence.intents.indexOf(names[i] ?? "");
    const known = place < 0 ? 0 : (evidence.odds[place] ?? 0);
    const odds = (known + (priors[i] ?? 0)) / temperature;
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
