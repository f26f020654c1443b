import type { Score } from "../../../src/config/condition-ast.ts";
import { type EventTime, millis, plus } from "../../../src/time/event-time.ts";
import { faded, lastAbove, weightParts } from "./decay.ts";
import type { EdgeLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import type { Fire, Machine, Mark } from "./machine.ts";
import { type EdgeHistory, machineEdge } from "./machine-leaf.ts";

/** The score as of a time, the tier it is in (−1: below all), and the mark that changed it last. */
type ScoreState = readonly [at: EventTime, score: number, tier: number, last: Mark];

/** A score comes into another tier, up or down. */
export function scoreEdge(score: Score): EdgeLeaf<EdgeHistory<ScoreState>> {
  const { add, halfLife, tiers } = score;
  return machineEdge({
    key: leafKey("score", add, halfLife, tiers),
    matchers: add.map(({ of }) => of),
    machine: scoreMachine(score),
    cancels: undefined,
    parts: (occurrence) => weightParts(add, occurrence),
  });
}

function scoreMachine({ halfLife, tiers }: Score): Machine<ScoreState> {
  const tierOf = (score: number) => tiers.findLastIndex(({ from }) => score >= from);
  const tell = (fire: Fire, tier: number, score: number, mark: Mark, trigger: string) => {
    const bound = { tier: tiers[tier]?.name ?? "none", score: Math.round(score * 1e6) / 1e6 };
    fire({ trigger, bound: { trigger: bound }, marks: [mark] });
  };
  return {
    take(state, mark, fire) {
      const [at, score, tier] = state ?? [mark[0], 0, -1];
      const now = faded(score, mark[0] - at, halfLife) + mark[5];
      const reached = tierOf(now);
      if (reached !== tier) tell(fire, reached, now, mark, mark[2]);
      return [mark[0], now, reached, mark];
    },
    wake([at, score, tier]) {
      const bound = tiers[tier]?.from;
      return bound === undefined || halfLife === null
        ? undefined
        : plus(lastAbove(at, score, bound, halfLife), millis(1));
    },
    woken([at, score, tier, last], now, fire) {
      const left = faded(score, now - at, halfLife);
      const reached = Math.min(tier - 1, tierOf(left));
      tell(fire, reached, left, last, `${last[2]}@${tiers[tier]?.name}`);
      return [at, score, reached, last];
    },
    holds: ([, , tier]) => tier >= 0,
    marks: ([, , , last]) => [last],
  };
}
