import type { Facts } from "../../src/flow/operator.ts";
import { type EventTime, isoTime, plus } from "../../src/time/event-time.ts";
import { shortlist } from "./candidates.ts";
import { factsRead } from "./facts-read.ts";
import { FEATURES, rank, vectorOf } from "./rank.ts";
import type { RecommendOptions } from "./recommend.ts";
import { rounded } from "./recommendation.ts";
import type { Taste } from "./taste.ts";

/** Candidates that are shown, the best first. */
const SHOWN = 10;

/** What there is to recommend to a person at a moment, how it scores and what keeps it back. JSON. */
export function explainTaste(
  taste: Taste,
  shopFacts: Facts,
  at: EventTime,
  options: Pick<RecommendOptions, "weights" | "candidates" | "minScore" | "every" | "version">,
) {
  const { facts, read } = factsRead(shopFacts);
  const { candidates, features } =
    taste.seenAt === 0
      ? { candidates: [], features: [] }
      : shortlist(taste, facts, at, { withSeen: false, most: options.candidates });
  const weights = vectorOf(options.weights);
  const scores = rank({ weights, candidates: features });
  const shown = candidates
    .map((candidate, i) => ({
      kind: candidate.kind,
      key: candidate.key,
      channel: candidate.channel,
      reason: candidate.reason,
      because: candidate.because,
      score: rounded(scores[i] ?? 0),
      left_out: leftOut(candidate.sellable, scores[i] ?? 0, options.minScore),
      sellable: candidate.sellable,
      adds: addedBy(features[i] ?? [], weights),
    }))
    .sort((a, b) => b.score - a.score);
  const nextAt = taste.pushedAt === 0 ? at : plus(taste.pushedAt, options.every);
  return {
    model: options.version,
    min_score: options.minScore,
    ...(nextAt > at ? { not_before: isoTime(nextAt) } : {}),
    candidates: shown.slice(0, SHOWN),
    more: Math.max(0, shown.length - SHOWN),
    kept_back: taste.muted.flatMap((key, i) => {
      const until = taste.mutedUntil[i] ?? at;
      return until > at ? [{ key, until: isoTime(until) }] : [];
    }),
    facts: read(),
  };
}

function leftOut(sellable: number | null, score: number, least: number): string | null {
  if (score < least) return "low_score";
  return sellable !== null && sellable <= 0 ? "stock" : null;
}

/** Log-odds that each feature adds, those that add something. */
function addedBy(features: readonly number[], weights: readonly number[]): Record<string, number> {
  const added = FEATURES.map((feature, i) => {
    return [feature, rounded((features[i] ?? 0) * (weights[i] ?? 0))] as const;
  });
  return Object.fromEntries(added.filter(([, adds]) => adds !== 0));
}
