import fc from "fast-check";
import { expect, test } from "vitest";
import { type CandidateOptions, shortlist } from "../../../operators/shopper/candidates.ts";
import { lean } from "../../../operators/shopper/leanings.ts";
import {
  DEFAULT_WEIGHTS,
  FEATURES,
  LeastScore,
  rank,
  vectorOf,
  type Weights,
} from "../../../operators/shopper/rank.ts";
import { noTaste, type Taste } from "../../../operators/shopper/taste.ts";
import { FactStore } from "../../../src/flow/fact-store.ts";
import { type EventTime, millis } from "../../../src/time/event-time.ts";
import { DAY, T0 } from "./support.ts";

const NOW = T0 as EventTime;
const SKUS = Array.from({ length: 12 }, (_, i) => `s${i}`);
const CATEGORIES = ["tent", "stove", "lamp"];

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const share = between(0, 1);
const sku = fc.constantFrom(...SKUS);
const bestFirst = (most: number) =>
  fc
    .array(fc.tuple(sku, between(0, most)), { maxLength: 12 })
    .map((list) => [...new Map(list)].sort((a, b) => b[1] - a[1]));

const factsOf = fc
  .record({
    catalog: fc.array(
      fc.record({
        category: fc.constantFrom(...CATEGORIES),
        price_minor: fc.integer({ min: 1, max: 50_000 }),
        margin: between(-1, 2),
      }),
      { maxLength: 12 },
    ),
    trending: fc.array(fc.record({ z: between(-3, 9) }), { maxLength: 12 }),
    covisit: fc.array(bestFirst(1), { minLength: 12, maxLength: 12 }),
    popular: fc.array(bestFirst(50), { minLength: 4, maxLength: 4 }),
    kinds: fc.array(
      fc.record({ shown: fc.nat(200), clicked: fc.nat(200), purchased: fc.nat(200) }),
      { maxLength: 1 },
    ),
    content_about: fc.array(fc.subarray(["c1", "c2"]), { maxLength: 12 }),
  })
  .map((told) => {
    const facts = new FactStore();
    const keys: Readonly<Record<string, readonly string[]>> = {
      popular: ["*", ...CATEGORIES],
      kinds: ["product"],
    };
    for (const [kind, values] of Object.entries(told)) {
      values.forEach((value, i) => {
        facts.put(kind, (keys[kind] ?? SKUS)[i] ?? "", value);
      });
    }
    return facts;
  });

const leanings = (...names: string[]) =>
  fc.array(fc.tuple(fc.constantFrom(...names), share), { maxLength: 4 });
const tasteOf = fc
  .record({
    skus: fc.uniqueArray(sku, { maxLength: 10 }),
    categories: leanings(...CATEGORIES),
    touchpoints: leanings("mp", "gzh", "wecom", "pay"),
    logPrice: between(5, 11),
    prices: fc.nat(3),
    muted: fc.uniqueArray(sku, { maxLength: 4 }),
    intent: fc.option(fc.record({ intent: fc.nat(4), probability: share, sku: fc.option(sku) })),
  })
  .map(({ categories, touchpoints, intent, ...rest }): Taste => {
    const taste: Taste = {
      ...noTaste(),
      ...rest,
      skuAts: rest.skus.map(() => NOW),
      mutedUntil: rest.muted.map(() => (NOW + 1) as EventTime),
      intent:
        intent === null ? null : { ...intent, category: null, at: NOW, isNews: true, evidence: [] },
    };
    for (const [name, by] of categories) lean(taste.categories, name, by, NOW, millis(DAY), 6);
    for (const [name, by] of touchpoints) lean(taste.touchpoints, name, by, NOW, millis(DAY), 8);
    return taste;
  });

const anyWeights = fc
  .array(between(-8, 8), { minLength: FEATURES.length, maxLength: FEATURES.length })
  .map(
    (all) => Object.fromEntries(FEATURES.map((name, i) => [name, all[i]])) as unknown as Weights,
  );

test("law: what is left out for a least score are only things that score less", () => {
  const seen = { left: 0, kept: 0, nothing: 0 };
  const law = (
    facts: FactStore,
    taste: Taste,
    weights: Weights,
    pick: number,
    withSeen: boolean,
    most: number,
  ) => {
    const scored = (options: CandidateOptions) => {
      const { candidates, features } = shortlist(taste, facts, NOW, options);
      const scores = rank({ weights: vectorOf(weights), candidates: features });
      return candidates.map((candidate, i) => ({ candidate, score: scores[i] ?? 0 }));
    };
    const all = scored({ withSeen, most });
    // From 1 on the very score of one of them: the least that must not be left out.
    const score = pick <= 1 ? pick : (all[pick % all.length]?.score ?? 0.5);
    const some = scored({ withSeen, most, least: new LeastScore(weights, score) });
    const enough = (of: typeof all) => of.filter((one) => one.score >= score);
    expect(enough(some)).toEqual(enough(all));
    seen.left += all.length - some.length;
    seen.kept += some.length;
    if (some.length < all.length && some.length === 0) seen.nothing += 1;
  };
  const weights = fc.oneof(fc.constant(DEFAULT_WEIGHTS), anyWeights);
  const pick = fc.oneof(share, fc.integer({ min: 2, max: 100 }));
  const most = fc.integer({ min: 1, max: 4 });
  fc.assert(fc.property(factsOf, tasteOf, weights, pick, fc.boolean(), most, law), {
    numRuns: 3000,
  });
  expect(seen.left).toBeGreaterThan(500);
  expect(seen.kept).toBeGreaterThan(500);
  expect(seen.nothing).toBeGreaterThan(50);
});
