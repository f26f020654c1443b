import type { Lexicon } from "../../src/config/lexicon.ts";
import { segmented } from "./segmenter.ts";
import { WordFinder } from "./words.ts";

/** How strongly a term speaks for intents. */
export type TermMeaning = readonly { readonly intent: string; readonly weight: number }[];

/** The terms of the lexicon file; one that is listed under several intents speaks for each. */
export function readTerms(lexicon: Lexicon | undefined): WordFinder<TermMeaning> {
  const byTerm = new Map<string, { intent: string; weight: number }[]>();
  for (const [intent, entries] of Object.entries(lexicon?.intents ?? {})) {
    for (const { term, weight } of entries) {
      const meanings = byTerm.get(term) ?? [];
      meanings.push({ intent, weight });
      byTerm.set(term, meanings);
    }
  }
  const terms = [...byTerm].map(([text, meaning]) => ({ text, meaning }));
  return new WordFinder(terms, segmented, lexicon?.negation.words);
}
