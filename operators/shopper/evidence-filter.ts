import type { EventTime, Millis } from "../../src/time/event-time.ts";
import { INTENTS } from "../event.ts";

/** Log-odds for each intent, in the order of `INTENTS`, as they stood at `at`. */
export interface Evidence {
  at: EventTime;
  odds: number[];
}

export const noEvidence = (at: EventTime): Evidence => ({ at, odds: INTENTS.map(() => 0) });

/**
 * Adds a clue of time `at`. The sum halves every half-life; a clue that comes late counts what is
 * left of it by now, so the order of arrival does not matter.
 */
export function addEvidence(
  evidence: Evidence,
  at: EventTime,
  intent: number,
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
  evidence.odds = evidence.odds.map((odds) => odds * factor);
  evidence.at = at;
}

/** Softmax of evidence and `browsing`, the log-odds that browsing has of its own. */
export function probabilitiesOf(evidence: Evidence, browsing: number): number[] {
  const odds = evidence.odds.map((value, i) =>
    INTENTS[i] === "browse" ? value + browsing : value,
  );
  const most = Math.max(...odds);
  const powers = odds.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
