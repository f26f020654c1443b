import type { Facts, ScoreRequest } from "../../src/flow/operator.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { type Candidate, goodsItem, itemOf, rankingOf, shortlist } from "./candidates.ts";
import { type Fields, fieldsOf, sellableOf, textOf } from "./catalog.ts";
import type { Placement } from "./contact/state.ts";
import { type RankInput, vectorOf } from "./rank.ts";
import type { RecommendOptions } from "./recommend.ts";
import { inWords } from "./recommendation.ts";
import type { Taste } from "./taste.ts";

/** What a page asks for: `n` things to show in a slot such as `mp.home.first`. */
export interface Slot {
  readonly slot: string;
  readonly n: number;
}

/** What a page is told. */
export interface Answer {
  readonly items: readonly Fields[];
  /** Keys of the items (sku, content, offer with sku), for the event that says they were served. */
  readonly keys: readonly string[];
  /** Kind of the first item. */
  readonly kind: string;
  readonly score: number | null;
  readonly reason: { readonly code: string; readonly zh: string };
  readonly personalized: boolean;
  readonly model_version: string | null;
  /** The rule whose placement comes first. */
  readonly rule?: string;
}

/** Either the answer at once, or a question for the scorer and what `answerSlot` needs beside it. */
export type Serving =
  | { readonly answer: Answer }
  | { readonly request: ScoreRequest; readonly candidates: readonly Candidate[] };

/** Things one answer holds, at most. */
const MOST = 50;

/**
 * What to show a person in a slot, by the recommender's state of that person (undefined when there
 * is none) and the facts in force. Reads only. Sold-out goods are left out. The same inputs give
 * the same answer.
 */
export function planServing(
  taste: Taste | undefined,
  facts: Facts,
  slot: Slot,
  now: EventTime,
  options: Pick<RecommendOptions, "weights" | "candidates">,
): Serving {
  const n = wanted(slot);
  if (taste === undefined || taste.seenAt === 0) return { answer: popularAnswer(facts, n) };
  const most = Math.max(n, options.candidates);
  const list = shortlist(taste, facts, now, { withSeen: true, most });
  const there = list.candidates.map((_, i) => i).filter((i) => isThere(list.candidates[i]));
  if (there.length === 0) return { answer: popularAnswer(facts, n) };
  const input: RankInput = {
    weights: vectorOf(options.weights),
    candidates: there.flatMap((i) => [list.features[i] ?? []]),
  };
  return {
    request: { scorer: "rank", input },
    candidates: there.flatMap((i) => list.candidates[i] ?? []),
  };
}

/** Whether a slot is among those that are filled: named, or within one that is. */
export const fills = ({ slots }: Pick<RecommendOptions, "slots">, slot: string): boolean =>
  slots.length === 0 || slots.some((name) => slot === name || slot.startsWith(`${name}.`));

/** The answer once the scorer has spoken; what is missing to `n` is filled up with what is popular. */
export function answerSlot(
  candidates: readonly Candidate[],
  result: unknown,
  facts: Facts,
  slot: Slot,
  version: string,
): Answer {
  const n = wanted(slot);
  const scores = result as readonly number[];
  const order = candidates
    .map((_, i) => i)
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
    .slice(0, n);
  const chosen = order.flatMap((i) => candidates[i] ?? []);
  const first = chosen[0];
  if (first === undefined) return popularAnswer(facts, n);
  const keys = chosen.map(({ key }) => key);
  const more = first.kind === "service" ? [] : popularSkus(facts, n - chosen.length, keys);
  return {
    items: [
      ...chosen.map((candidate) => itemOf(candidate, facts)),
      ...more.map((sku) => goodsItem(facts, sku)),
    ],
    keys: [...keys, ...more],
    kind: first.kind,
    score: scores[order[0] ?? 0] ?? null,
    reason: { code: first.reason, zh: inWords(first, (name) => titleOf(facts, name) ?? name) },
    personalized: true,
    model_version: version,
  };
}

/** The answer with what a rule has placed in the slot before everything else. */
export function withPlacement(
  answer: Answer,
  placement: Placement | undefined,
  facts: Facts,
  slot: Slot,
  now: EventTime,
): Answer {
  if (placement === undefined || now > placement.until) return answer;
  const { sku, rule } = placement;
  if ((sellableOf(facts, sku) ?? 1) <= 0) return answer;
  const n = wanted(slot);
  const others = <T>(all: readonly T[]) => all.filter((_, i) => answer.keys[i] !== sku);
  return {
    ...answer,
    items: [goodsItem(facts, sku), ...others(answer.items)].slice(0, n),
    keys: [sku, ...others(answer.keys)].slice(0, n),
    kind: "product",
    personalized: true,
    reason: { code: "placed", zh: rule },
    rule,
  };
}

function popularAnswer(facts: Facts, n: number): Answer {
  const keys = popularSkus(facts, n, []);
  return {
    items: keys.map((sku) => goodsItem(facts, sku)),
    keys,
    kind: "product",
    score: null,
    reason: { code: "popular", zh: "大家最近都在看" },
    personalized: false,
    model_version: null,
  };
}

const wanted = ({ n }: Slot): number => Math.max(0, Math.min(MOST, Math.floor(n)));

const isThere = (candidate: Candidate | undefined): boolean =>
  candidate !== undefined && (candidate.sellable === null || candidate.sellable > 0);

function popularSkus(facts: Facts, n: number, but: readonly string[]): string[] {
  return rankingOf(facts, "popular", "*")
    .map(([sku]) => sku)
    .filter((sku) => !but.includes(sku) && (sellableOf(facts, sku) ?? 1) > 0)
    .slice(0, Math.max(0, n));
}

const titleOf = (facts: Facts, sku: string): string | undefined =>
  textOf(fieldsOf(facts, "catalog", sku), "title");
