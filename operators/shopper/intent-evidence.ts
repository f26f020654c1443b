import type { Matcher } from "../../src/config/condition-ast.ts";
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

/** What of the file events of one type can meet, in the order of the file. */
interface TypeEvidence {
  readonly rules: readonly EvidenceRule[];
  readonly texts: readonly TextRule[];
  readonly settled: IntentFile["settled"];
}

/** The evidence of `intents.yaml` and `lexicon.yaml`, found by what an event is. */
export class EvidenceBook {
  readonly #file: IntentFile;
  readonly #matchers: Matchers;
  readonly #words: WordFinder<TermMeaning>;
  readonly #negation: number;
  readonly #orderedLately: ReadonlyMap<string, number>;
  readonly #byType: ReadonlyMap<string, TypeEvidence>;

  constructor(file: IntentFile, lexicon: Lexicon | undefined) {
    this.#file = file;
    this.#matchers = new Matchers(file.matchers);
    this.#words = readTerms(lexicon);
    this.#negation = lexicon?.negation.factor ?? 0;
    this.#orderedLately = new Map(file.names.map((name, i) => [name, file.orderedLately[i] ?? 1]));
    this.#byType = byType(file);
  }

  /** Indexes of the matchers that the event meets: what the others here ask for. */
  metBy(event: ShopEvent, facts: Facts): readonly number[] {
    return this.#matchers.of(event, facts);
  }

  /** The clues of one event. */
  cluesOf(
    event: ShopEvent,
    met: readonly number[],
    context: EvidenceContext,
    facts: Facts,
  ): readonly Clue[] {
    const known = this.#byType.get(event.type);
    if (known === undefined || met.length === 0) return NO_CLUES;
    const clues: Clue[] = [];
    for (const rule of known.rules) {
      if (!met.includes(rule.of.index) || !applies(rule, event, context, facts)) continue;
      const weight = rule.weight * shareOf(rule, event);
      const intent = this.#file.names[rule.intent] ?? "";
      if (weight !== 0) clues.push({ intent, weight, why: rule.why });
    }
    for (const rule of known.texts) {
      if (met.includes(rule.of.index)) clues.push(...this.#ofText(rule, event));
    }
    if (!context.orderedLately) return clues;
    return clues.map((clue) => ({
      ...clue,
      weight: clue.weight * (this.#orderedLately.get(clue.intent) ?? 1),
    }));
  }

  /** The share of each intent's evidence that outlives the event; undefined when all of it does. */
  keptBy(event: ShopEvent, met: readonly number[]): ReadonlyMap<string, number> | undefined {
    const known = this.#byType.get(event.type);
    if (known === undefined || known.settled.length === 0) return undefined;
    const settled = known.settled.filter(({ by }) => met.includes(by.index));
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

const NO_CLUES: readonly Clue[] = [];

function byType({ matchers, evidence, texts, settled }: IntentFile): Map<string, TypeEvidence> {
  const types = new Set(matchers.flatMap(({ events }) => events));
  const evidenceOf = (type: string): TypeEvidence => {
    const isMetBy = (matcher: Matcher) => matcher.events.includes(type);
    return {
      rules: evidence.filter(({ of }) => isMetBy(of)),
      texts: texts.filter(({ of }) => isMetBy(of)),
      settled: settled.filter(({ by }) => isMetBy(by)),
    };
  };
  return new Map([...types].map((type) => [type, evidenceOf(type)]));
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
