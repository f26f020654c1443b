import type { Lexicon } from "../../src/config/lexicon.ts";
import { INTENTS, type Intent } from "../event.ts";
import type { TermMeaning } from "./intent-evidence.ts";
import type { Term } from "./words.ts";

/** The terms of the lexicon file; one that is listed under several intents speaks for each. */
export function readTerms(lexicon: Lexicon | undefined): Term<TermMeaning>[] {
  const byTerm = new Map<string, { intent: Intent; weight: number }[]>();
  for (const intent of INTENTS) {
    for (const { term, weight } of lexicon?.intents[intent] ?? []) {
      const meanings = byTerm.get(term) ?? [];
      meanings.push({ intent, weight });
      byTerm.set(term, meanings);
    }
  }
  return [...byTerm].map(([text, meaning]) => ({ text, meaning }));
}
