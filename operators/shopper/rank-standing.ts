import Type from "typebox";
import type { Matcher, Rank } from "../../src/config/condition-ast.ts";
import { type Generations, perGeneration } from "../../src/config/generation.ts";
import {
  type Context,
  FORGET,
  type Forget,
  type Hop,
  type Operator,
} from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, hours, latest, minutes, plus } from "../../src/time/event-time.ts";
import { partialHop } from "../demand/partial.ts";
import { valuesOf } from "./condition/bound.ts";
import { faded, lastAbove, weightOf } from "./condition/decay.ts";
import { Matchers } from "./condition/matchers.ts";
import { rankKey, ranksIn } from "./condition/rank.ts";
import type { SessionSignal, StandingOf, Step } from "./signals.ts";

/** A person's score in a group, as of a time. */
type Score = [at: EventTime, score: number];

/** By rank: whether the person stands in it, and the scores by group. */
export type RankStandingState = Record<string, [on: boolean, groups: Record<string, Score>]>;

/** A rank with what it is called, which takes a hash to say. */
interface NamedRank extends Rank {
  readonly key: string;
}

/** A score that somebody got, on its way to the ranking of the group. */
export interface Scored {
  readonly kind: "scored";
  readonly person: string;
  readonly rank: NamedRank;
  readonly group: string;
  readonly weight: number;
  readonly at: EventTime;
}

/** Matchers and ranks of one file. */
interface Ranked {
  readonly matchers: Matchers;
  readonly ranks: readonly NamedRank[];
}

/** How long until a score is in the ranking and the ranking is known here. */
const LOOK = minutes(1);
/** How often one who stands in a rank is looked at again: others may have overtaken. */
const LOOK_AGAIN = hours(1);
const KEPT_GROUPS = 16;
/** Below this part of what is asked for a score is forgotten. */
const FORGOTTEN = 0.01;

/**
 * Tells who stands in the ranks that segments and rules ask for. Scores go to the demand flow, which
 * ranks each group; what it found comes back as the fact `leaders`. Looked at a minute after each
 * score, and hourly while somebody stands in it; a score that fades out ends it to the millisecond.
 */
function rankStandingOperator(
  files: readonly unknown[],
  generations: Generations | undefined,
): Operator<SessionSignal, StandingOf | Scored, RankStandingState> {
  const inForce = perGeneration(generations, (generation) => {
    const { segments, rules } = generation?.files ?? {};
    const all = generation === undefined ? files : [segments, rules];
    const ranked = all.map(rankedIn).filter(({ ranks }) => ranks.length > 0);
    const keyed = ranked.flatMap(({ ranks }) => ranks.map((rank) => [rank.key, rank] as const));
    return { ranked, byKey: new Map(keyed) };
  });
  return {
    name: "rank_standing",
    version: 1,
    order: "arrival",
    purpose: "profiling",
    key: (signal, facts) =>
      signal.kind === "step" &&
      inForce(facts).ranked.some(({ matchers }) => matchers.knows(signal.event.type))
        ? signal.person
        : undefined,
    init: () => ({}),
    onEvent(signal, state, ctx) {
      if (signal.kind === "step")
        for (const file of inForce(ctx.facts).ranked) score(file, signal, state, ctx);
      return Object.keys(state).length === 0 ? FORGET : state;
    },
    onTimer(timer, state, ctx) {
      const rank = inForce(ctx.facts).byKey.get(timer.name);
      if (rank === undefined) delete state[timer.name];
      else look(rank, state, ctx);
      return orForget(state);
    },
    merge(into, from, ctx) {
      const { byKey } = inForce(ctx.facts);
      for (const [key, [, groups]] of Object.entries(from)) {
        const rank = byKey.get(key);
        if (rank === undefined) continue;
        const standing = into[key] ?? [false, {}];
        into[key] = standing;
        for (const [group, [at, weight]] of Object.entries(groups)) {
          add(standing[1], group, weight, at, rank);
          // The ranking of the group knows it under the other name, where it fades unseen.
          ctx.emit({ kind: "scored", person: ctx.key, rank, group, weight, at });
        }
        ctx.setTimer(key, plus(ctx.watermark, LOOK));
      }
      return orForget(into);
    },
    forgotten(state, ctx) {
      const { byKey } = inForce(ctx.facts);
      // A weight of nothing takes the person out of the ranking of the group.
      for (const [key, [, groups]] of Object.entries(state)) {
        const rank = byKey.get(key);
        if (rank === undefined) continue;
        for (const group of Object.keys(groups)) {
          ctx.emit({ kind: "scored", person: ctx.key, rank, group, weight: 0, at: ctx.now });
        }
      }
    },
    forward: (out) => (out.kind === "scored" ? hopOf(out) : undefined),
  };
}

const orForget = (state: RankStandingState): RankStandingState | Forget =>
  Object.keys(state).length === 0 ? FORGET : state;

/** A file after reading: its definitions stand under `segments` or `rules`. */
function rankedIn(file: unknown): Ranked {
  const { matchers = [] } = (file ?? {}) as { readonly matchers?: readonly Matcher[] };
  const named = ranksIn(file).map((rank): NamedRank => ({ ...rank, key: rankKey(rank) }));
  const ranks = [...new Map(named.map((rank) => [rank.key, rank])).values()];
  const used = new Set(ranks.flatMap(({ add }) => add.map(({ of }) => of.index)));
  return { matchers: new Matchers(matchers.filter(({ index }) => used.has(index))), ranks };
}

function score(
  { matchers, ranks }: Ranked,
  { event }: Step,
  state: RankStandingState,
  ctx: Context<StandingOf | Scored>,
): void {
  const met = matchers.of(event, ctx.facts);
  if (met.length === 0) return;
  for (const rank of ranks) {
    const weight = weightOf(rank.add, { event, met });
    const group = valuesOf(event, rank.per)[0];
    if (weight === undefined || weight === 0 || group === undefined) continue;
    const { key } = rank;
    const standing = state[key] ?? [false, {}];
    state[key] = standing;
    add(standing[1], group, weight, event.at, rank);
    ctx.emit({ kind: "scored", person: ctx.key, rank, group, weight, at: event.at });
    ctx.setTimer(key, plus(latest(event.at, ctx.watermark), LOOK));
  }
}

function add(
  groups: Record<string, Score>,
  group: string,
  weight: number,
  at: EventTime,
  { halfLife }: Rank,
): void {
  const [since, before] = groups[group] ?? [at, 0];
  const now = latest(since, at);
  groups[group] = [now, faded(before, now - since, halfLife) + faded(weight, now - at, halfLife)];
  const names = Object.keys(groups);
  if (names.length <= KEPT_GROUPS) return;
  const least = (a: string, b: string) =>
    scoreAt(groups[b], now, halfLife) < scoreAt(groups[a], now, halfLife) ? b : a;
  delete groups[names.reduce(least)];
}

const scoreAt = (of: Score | undefined, at: EventTime, halfLife: Rank["halfLife"]): number =>
  of === undefined ? 0 : faded(of[1], at - of[0], halfLife);

/** Tells whether the person stands in the rank now, and when to look again. */
function look(rank: NamedRank, state: RankStandingState, ctx: Context<StandingOf | Scored>): void {
  const { key, halfLife, atLeast } = rank;
  const standing = state[key];
  if (standing === undefined) return;
  const [was, groups] = standing;
  const leads = Object.entries(groups).filter(
    ([group, of]) => scoreAt(of, ctx.now, halfLife) >= atLeast && isLeader(`${key}:${group}`, ctx),
  );
  const on = leads.length > 0;
  standing[0] = on;
  if (on !== was) {
    ctx.emit({ kind: "standing", person: ctx.key, topic: "rank", value: key, on, at: ctx.now });
  }
  for (const [group, of] of Object.entries(groups)) {
    if (scoreAt(of, ctx.now, halfLife) < atLeast * FORGOTTEN) delete groups[group];
  }
  if (Object.keys(groups).length === 0) {
    delete state[key];
    return;
  }
  const again = plus(ctx.now, LOOK_AGAIN);
  const fades = leads.map(([, [at, value]]) => lastAbove(at, value, atLeast, halfLife) + 1);
  const forgets = Object.values(groups).map(
    ([at, value]) => lastAbove(at, value, atLeast * FORGOTTEN, halfLife) + 1,
  );
  const next = on ? Math.min(again, Math.max(...fades)) : Math.max(...forgets);
  ctx.setTimer(key, Math.max(next, ctx.now + 1) as EventTime);
}

function isLeader(key: string, { facts, key: person }: Context<unknown>): boolean {
  const leaders = facts.get("leaders", key);
  return Array.isArray(leaders) && leaders.includes(person);
}

function hopOf({ person, rank, group, weight, at }: Scored): Hop {
  const { key, halfLife, top } = rank;
  return partialHop(`${key}:${group}`, at, ["leaders", person, weight, halfLife, top]);
}

export const rankStandingSpec: OperatorSpec = {
  name: "rank_standing",
  flow: "shopper",
  summary: "Who is among the first of a group, as segments and rules ask with `rank`.",
  from: ["session"],
  tells: ["rank"],
  options: Type.Object({}, { additionalProperties: false }),
  make: (_options, job) =>
    rankStandingOperator([job.files["segments"], job.files["rules"]], job.generations),
};
