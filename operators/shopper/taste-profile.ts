import Type from "typebox";
import type { ProfileView } from "../../src/flow/operator.ts";
import { isoTime, latest } from "../../src/time/event-time.ts";
import { rankingOf } from "./candidates.ts";
import { shares } from "./leanings.ts";
import { rounded } from "./recommendation.ts";
import { CATEGORY_HALF_LIFE, type Taste, TOUCHPOINT_HALF_LIFE } from "./taste.ts";

const KEPT_NEEDS = 5;
/** Things last looked at that others' visits are asked about. */
const SOURCES = 5;

/** What the recommender's state says of a person's preferences, and of needs not yet acted on. */
export function showTaste(taste: Taste, { at, facts }: ProfileView) {
  const now = latest(at, taste.seenAt);
  const { skus, skuAts, categories, touchpoints, prices, logPrice } = taste;
  return {
    preferences: {
      categories: asRecord(shares(categories, now, CATEGORY_HALF_LIFE)),
      touchpoints: asRecord(shares(touchpoints, now, TOUCHPOINT_HALF_LIFE)),
      ...(prices === 0 ? {} : { price_minor: Math.round(Math.exp(logPrice)) }),
      looked_at: skus.map((sku, i) => ({ sku, at: isoTime(skuAts[i] ?? now) })),
    },
    needs: latentNeeds(taste, facts),
  };
}

const asRecord = (of: readonly (readonly [string, number])[]): Record<string, number> =>
  Object.fromEntries(of.map(([name, share]) => [name, rounded(share)]));

/** What others met together with what the person looked at last, and the person has not met. */
function latentNeeds({ skus }: Taste, facts: ProfileView["facts"]) {
  const needs = new Map<string, { score: number; because: string[] }>();
  for (const source of skus.slice(-SOURCES).reverse()) {
    for (const [sku, score] of rankingOf(facts, "covisit", source)) {
      if (skus.includes(sku)) continue;
      const known = needs.get(sku);
      if (known === undefined) needs.set(sku, { score, because: [source] });
      else {
        known.score += score;
        known.because.push(source);
      }
    }
  }
  return [...needs]
    .sort(([a, { score: x }], [b, { score: y }]) => y - x || (a < b ? -1 : 1))
    .slice(0, KEPT_NEEDS)
    .map(([sku, { score, because }]) => ({ sku, score: rounded(score), because }));
}

const Shares = (description: string) =>
  Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: 1 }), { description });

export const TASTE_SECTIONS = {
  preferences: Type.Object(
    {
      categories: Type.Optional(Shares("Share of the person's faded interest, by category.")),
      touchpoints: Type.Optional(Shares("Share of the person's faded acts, by touchpoint.")),
      price_minor: Type.Optional(Type.Integer({ description: "A typical price looked at." })),
      looked_at: Type.Optional(
        Type.Array(Type.Object({ sku: Type.String(), at: Type.String({ format: "date-time" }) })),
      ),
    },
    { description: "What the person leans to." },
  ),
  needs: Type.Array(
    Type.Object({
      sku: Type.String(),
      score: Type.Number(),
      because: Type.Array(Type.String(), { description: "What the person looked at." }),
    }),
    { description: "Latent needs: what others met together with what the person looked at." },
  ),
};
