import type { EvidenceRule, IntentFile, Range, TextRule } from "../../src/config/intents.ts";
import type { Lexicon } from "../../src/config/lexicon.ts";
import type { Facts } from "../../src/flow/operator.ts";
import { numberProp, type ShopEvent, textProp } from "../event.ts";
import { isAboutGoods } from "./catalog.ts";
import { Matchers } from "./condition/matchers.ts";
import { readTerms, type TermMeaning } from "./lexicon.ts";
import type { WordFinder } from "./words.ts";

/** What an event says about an intent: a weight in log-odds, and why in a word. */
export interface Clue {
  readonly intent: string;
  readonly weight: number;
  readonly why: string;
}

/** What the session knew before the event, this event counted in. */
export interface EvidenceContext {
  /** How often the event's sku has been looked at. */
  readonly viewsOfSku: number;
  /** Distinct skus looked at in the event's category. */
  readonly skusOfCategory: number;
  /** The event's sku is one of them for the first time. */
  readonly newInCategory: boolean;
  readonly orderedLately: boolean;
}

/** Terms of a text that a clue names. */
const SHOWN_TERMS = 3;

/** The evidence of `intents.yaml` and `lexicon.yaml`, found by what an event is. */
export class EvidenceBook {
  readonly #file: IntentFile;
  readonly #matchers: Matchers;
  readonly #words: WordFinder<TermMeaning>;
  readonly #negation: number;
  readonly #orderedLately: ReadonlyMap<string, number>;

  constructor(file: IntentFile, lexicon: Lexicon | undefined) {
    this.#file = file;
    this.#matchers = new Matchers(file.matchers);
    this.#words = readTerms(lexicon);
    this.#negation = lexicon?.negation.factor ?? 0;
    this.#orderedLately = new Map(file.names.map((name, i) => [name, file.orderedLately[i] ?? 1]));
  }

  /** The clues of one event. */
  cluesOf(event: ShopEvent, context: EvidenceContext, facts: Facts): readonly Clue[] {
    if (!this.#matchers.knows(event.type)) return [];
    const met = this.#matchers.of(event, facts);
    const clues: Clue[] = [];
    for (const rule of this.#file.evidence) {
      if (!met.includes(rule.of.index) || !applies(rule, event, context, facts)) continue;
      const weight = rule.weight * shareOf(rule, event);
      const intent = this.#file.names[rule.intent] ?? "";
      if (weight !== 0) clues.push({ intent, weight, why: rule.why });
    }
    for (const rule of this.#file.texts) {
      if (met.includes(rule.of.index)) clues.push(...this.#ofText(rule, event));
    }
    if (!context.orderedLately) return clues;
    return clues.map((clue) => ({
      ...clue,
      weight: clue.weight * (this.#orderedLately.get(clue.intent) ?? 1),
    }));
  }

  /** The share of each intent's evidence that outlives the event; undefined when all of it does. */
  keptBy(event: ShopEvent, facts: Facts): ReadonlyMap<string, number> | undefined {
    if (!this.#matchers.knows(event.type)) return undefined;
    const met = this.#matchers.of(event, facts);
    const settled = this.#file.settled.filter(({ by }) => met.includes(by.index));
    if (settled.length === 0) return undefined;
    return new Map(
      this.#file.names.map((name, i) => [
        name,
        settled.reduce((share, { keeps }) => share * (keeps[i] ?? 1), 1),
      ]),
    );
  }

  #ofText({ field, factor, atMost }: TextRule, event: ShopEvent): Clue[] {
    const sums = new Map<string, { weight: number; terms: string[] }>();
    for (const { text, meaning, negated } of this.#words.find(textProp(event, field) ?? "")) {
      for (const { intent, weight } of meaning) {
        const sum = sums.get(intent) ?? { weight: 0, terms: [] };
        sum.weight += weight * (negated ? this.#negation : 1);
        sum.terms.push(negated ? `-${text}` : text);
        sums.set(intent, sum);
      }
    }
    return [...sums].map(([intent, { weight, terms }]) => ({
      intent,
      weight: Math.min(weight * factor, atMost),
      why: `${field}:${terms.slice(0, SHOWN_TERMS).join("+")}`,
    }));
  }
}

function applies(
  { repeat, alternative, only }: EvidenceRule,
  event: ShopEvent,
  context: EvidenceContext,
  facts: Facts,
): boolean {
  if (repeat !== null && !within(repeat, context.viewsOfSku)) return false;
  if (alternative !== null) {
    if (!context.newInCategory || !within(alternative, context.skusOfCategory)) return false;
  }
  switch (only) {
    case null:
      return true;
    case "ordered_lately":
      return context.orderedLately;
    case "about_goods":
      return isAboutGoods(event, facts);
    case "names_order":
      return textProp(event, "order_id") !== undefined;
  }
}

const within = ({ from, to }: Range, n: number): boolean => from <= n && n <= to;

function shareOf({ per }: EvidenceRule, event: ShopEvent): number {
  if (per === null) return 1;
  return Math.max(0, Math.min(1, (numberProp(event, per.field) ?? 0) / per.full));
}
