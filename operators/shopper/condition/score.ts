import type { LimitedWeight, Score } from "../../../src/config/condition-ast.ts";
import { type EventTime, millis, minus, plus } from "../../../src/time/event-time.ts";
import { valuesOf } from "./bound.ts";
import { faded, lastAbove, weightOf } from "./decay.ts";
import { shownScore, textOfMatcher } from "./explained.ts";
import type { EdgeLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import type { Fire, Machine, Mark } from "./machine.ts";
import { type EdgeHistory, machineEdge, type Part } from "./machine-leaf.ts";

/** By the place of a limited weight: what of it counted lately, with its distinct value. */
type Counted = Readonly<Record<number, readonly (readonly [at: EventTime, value: string])[]>>;

/** The score as of a time, the tier it is in (−1: below all), and the mark that changed it last. */
type ScoreState = readonly [
  at: EventTime,
  score: number,
  tier: number,
  last: Mark,
  counted: Counted,
];

/** A score comes into another tier, up or down; without tiers, it changes by an event. */
export function scoreEdge(score: Score): EdgeLeaf<EdgeHistory<ScoreState>> {
  const { add, halfLife, tiers } = score;
  return machineEdge({
    key: leafKey("score", add, halfLife, tiers),
    matchers: add.map(({ of }) => of),
    machine: scoreMachine(score),
    cancels: undefined,
    shown: { what: add.map(({ of }) => textOfMatcher(of)).join("; ") },
    waiting: (state, at) => reachedTier(score, state, at),
    parts(occurrence) {
      const parts: Part[] = [];
      add.forEach((weight, i) => {
        const value = weightOf([weight], occurrence);
        if (value === undefined) return;
        const distinct = weight.limit?.distinct ?? null;
        const label = distinct === null ? "" : valuesOf(occurrence.event, distinct).join("\n");
        // Its role is the place of the weight: an event may meet several.
        parts.push({ role: i, label, value, bound: null, partition: "" });
      });
      return parts;
    },
  });
}

/** The tier that is reached, and how far it is to the next one up. */
function reachedTier({ halfLife, tiers }: Score, [at, score, tier]: ScoreState, now: EventTime) {
  const have = faded(score, now - at, halfLife);
  const next = tiers[tier + 1];
  return {
    have: shownScore(have),
    ...(tiers.length === 0 ? {} : { tier: tiers[tier]?.name ?? "none" }),
    ...(next === undefined
      ? {}
      : { need: next.from, lacking: { amount: shownScore(Math.max(0, next.from - have)) } }),
  };
}

function scoreMachine({ add, halfLife, tiers }: Score): Machine<ScoreState> {
  const tierOf = (score: number) => tiers.findLastIndex(({ from }) => score >= from);
  const tell = (fire: Fire, tier: number, score: number, mark: Mark, trigger: string) => {
    const bound = {
      tier: tiers[tier]?.name ?? "none",
      score: Math.round(score * 1e6) / 1e6,
      points: mark[5],
    };
    fire({ trigger, bound: { trigger: bound }, marks: [mark] });
  };
  return {
    take(state, mark, fire) {
      const [at, score, tier, , before] = state ?? [mark[0], 0, -1, mark, {}];
      const counted = withCounted(before, mark, add[mark[1]]);
      if (counted === undefined) return state;
      const now = faded(score, mark[0] - at, halfLife) + mark[5];
      const reached = tierOf(now);
      const trigger = mark[1] === 0 ? mark[2] : `${mark[2]}+${mark[1]}`;
      if (reached !== tier || tiers.length === 0) tell(fire, reached, now, mark, trigger);
      return [mark[0], now, reached, mark, counted];
    },
    wake([at, score, tier]) {
      const bound = tiers[tier]?.from;
      return bound === undefined || halfLife === null
        ? undefined
        : plus(lastAbove(at, score, bound, halfLife), millis(1));
    },
    woken([at, score, tier, last, counted], now, fire) {
      const left = faded(score, now - at, halfLife);
      const reached = Math.min(tier - 1, tierOf(left));
      tell(fire, reached, left, last, `${last[2]}@${tiers[tier]?.name}`);
      return [at, score, reached, last, counted];
    },
    holds: ([, , tier]) => tier >= 0,
    marks: ([, , , last]) => [last],
  };
}

/** What counted lately with one more; undefined when the limit of its weight lets it not count. */
function withCounted(
  counted: Counted,
  [at, role, , , value]: Mark,
  weight: LimitedWeight | undefined,
): Counted | undefined {
  const limit = weight?.limit ?? null;
  if (limit === null) return counted;
  const lately = (counted[role] ?? []).filter(([time]) => time > minus(at, limit.every));
  const isSame = limit.distinct !== null && lately.some(([, one]) => one === value);
  if (isSame || lately.length >= limit.max) return undefined;
  return { ...counted, [role]: [...lately, [at, value]] };
}
