import Type, { type Static } from "typebox";
import { type Context, FORGET, type Message, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import {
  type EventTime,
  earliest,
  isoTime,
  latest,
  type Millis,
  minus,
} from "../../src/time/event-time.ts";
import type { Seen } from "./condition/leaf.ts";
import {
  copyLife,
  joinLives,
  type LifeHistory,
  lived,
  noLife,
  STAGES,
  type Stage,
  type StageRules,
  type Standing,
  stageAt,
  stageSince,
  turningPoints,
} from "./life-stage.ts";
import { type StageTelling, stageCorrections, type ToldStage } from "./life-told.ts";
import { messageId } from "./message-id.ts";
import { duration } from "./options.ts";
import { EVIDENCE } from "./profile-parts.ts";
import type { EventEvidence, SessionSignal, StandingOf } from "./signals.ts";

const NAME = "lifecycle";
const TIMER = "turn";
/** Turns that may still be corrected; older ones stand. */
const KEPT_TURNS = 16;

export interface LifecycleState {
  life: LifeHistory;
  /** Up to here everything is told. */
  judged: EventTime;
  /** How it stood before the turns of the log; "" when nothing was told before them. */
  base: Stage | "";
  log: ToldStage[];
  /** When the timer is due; it finds out by itself that it came early. 0 when there is none. */
  due: EventTime;
  /** The cause that last published, and how many messages it has made: a timer may share an event's. */
  cause: string;
  said: number;
}

/** The stage of a person's life as a customer changed, or what was said of it is corrected. */
export interface LifeSignal extends StandingOf {
  readonly topic: "life";
  readonly value: Stage;
  readonly before: Stage | null;
  readonly reason: Standing["reason"] | "corrected";
  readonly evidence: readonly EventEvidence[];
  readonly supersedes: string | null;
}

/**
 * Where each person stands as a customer: dormant after so long without an act; else at risk of being
 * lost once the next purchase is overdue by the person's own rhythm; else active who buys often; else
 * new for a while after the first purchase, or after being first seen; else active. Turns come to the
 * millisecond, by acts and by the clock. A late act, up to `maxAge`, judges anew what was told since.
 */
export function lifecycleOperator(
  rules: StageRules,
  maxAge: Millis,
  keep: Millis,
): Operator<SessionSignal, LifeSignal, LifecycleState> {
  return {
    name: NAME,
    version: 1,
    order: "arrival",
    purpose: "profiling",
    key: (signal) =>
      signal.kind === "step" && signal.session !== null ? signal.person : undefined,
    init: () => ({
      life: noLife(),
      judged: 0 as EventTime,
      base: "",
      log: [],
      due: 0 as EventTime,
      cause: "",
      said: 0,
    }),
    copy: (state) => ({ ...state, life: copyLife(state.life), log: state.log.slice() }),
    onEvent(signal, state, ctx) {
      if (signal.kind !== "step") return state;
      const { at, clientId, type } = signal.event;
      const mayTurn = lived(state.life, [at, clientId, type], rules, state.judged);
      const isDue = state.due !== 0 && state.due <= at;
      if (mayTurn || isDue) judge(state, at, rules, maxAge, ctx);
      else state.judged = latest(state.judged, at);
      return state;
    },
    onTimer(_timer, state, ctx) {
      state.due = 0 as EventTime;
      judge(state, ctx.now, rules, maxAge, ctx);
      return state.life.since === 0 ? FORGET : state;
    },
    publish: messageOf,
    profile: ({ life }, { at }) => ({ life: shownLife(life, at, rules) }),
    keep,
    merge(into, from, ctx) {
      joinLives(into.life, from.life, rules);
      into.judged = latest(into.judged, from.judged);
      into.due = 0 as EventTime;
      judge(into, minus(into.judged, maxAge), rules, maxAge, ctx);
      return into;
    },
  };
}

/** The stage as of `at` and what speaks for it; null before the person was first seen. */
function shownLife(life: LifeHistory, at: EventTime, rules: StageRules) {
  const now = latest(at, life.since);
  const standing = stageAt(life, now, rules);
  if (standing === undefined) return null;
  const { stage, reason, evidence } = standing;
  const since = stageSince(life, now, rules);
  return { stage, since: isoTime(since), reason, evidence: evidence.map(shownAct) };
}

/** Tells the turns since `at`, and sets the timer for the next one. */
function judge(
  state: LifecycleState,
  at: EventTime,
  rules: StageRules,
  maxAge: Millis,
  ctx: Context<LifeSignal>,
): void {
  const { life } = state;
  const to = latest(at, state.judged);
  const horizon = minus(to, maxAge);
  const from = latest(latest(earliest(at, (state.judged + 1) as EventTime), horizon), life.settled);
  const split = state.log.findIndex(([time]) => time >= from);
  const open = split < 0 ? [] : state.log.splice(split);
  const before = state.log.at(-1)?.[1] ?? (state.base === "" ? undefined : state.base);
  let now = before;
  let next: EventTime | undefined;
  const turns: { at: EventTime; stage: Stage }[] = [];
  for (const point of [from, ...turningPoints(life, from, rules)]) {
    const stage = stageAt(life, point, rules)?.stage;
    if (stage === undefined || stage === now) continue;
    if (point > to) {
      next = point;
      break;
    }
    now = stage;
    turns.push({ at: point, stage });
  }
  const tellings = stageCorrections(before, open, turns);
  const stand = turns.length - tellings.filter(({ undoes }) => !undoes).length;
  state.log.push(...open.slice(0, stand));
  for (const telling of tellings) {
    const ref = say(state, telling, rules, ctx);
    if (!telling.undoes) state.log.push([telling.at, telling.stage, ref]);
  }
  state.judged = to;
  settle(state, horizon);
  wait(state, next, ctx);
}

/** Turns before the horizon can no longer change: only how they left things is kept. */
function settle(state: LifecycleState, horizon: EventTime): void {
  const { log } = state;
  while (log.length > KEPT_TURNS || (log[0]?.[0] ?? horizon) < horizon) {
    state.base = (log.shift() as ToldStage)[1];
  }
}

/** A timer that is due no later than the next turn is left alone. */
function wait(state: LifecycleState, next: EventTime | undefined, ctx: Context<LifeSignal>): void {
  if (next === undefined) return;
  if (state.due !== 0 && state.due <= next) return;
  state.due = next;
  ctx.setTimer(TIMER, next);
}

/** Emits one telling; returns the id that its message gets. */
function say(
  state: LifecycleState,
  { at, stage, insteadOf, undoes }: StageTelling,
  rules: StageRules,
  ctx: Context<LifeSignal>,
): string {
  if (state.cause !== ctx.cause) {
    state.cause = ctx.cause;
    state.said = 0;
  }
  const ref = messageId(NAME, ctx.key, ctx.cause, state.said);
  state.said += 1;
  const { life } = state;
  const standing = stageAt(life, at, rules);
  const evidence = (standing?.evidence ?? []).map(shownAct);
  ctx.emit({
    kind: "standing",
    person: ctx.key,
    topic: "life",
    value: stage,
    on: true,
    at,
    insteadOf: insteadOf?.[0] ?? null,
    before: stageAt(life, (at - 1) as EventTime, rules)?.stage ?? null,
    reason: undoes ? "corrected" : (standing?.reason ?? "regular"),
    evidence,
    supersedes: insteadOf?.[2] ?? null,
  });
  return ref;
}

const shownAct = ([time, id, event]: Seen): EventEvidence => ({ event, id, time: isoTime(time) });

function messageOf(signal: LifeSignal): Message {
  const { person, value: stage, before, at, reason, evidence, supersedes } = signal;
  const corrects = supersedes === null ? {} : { supersedes };
  return {
    subject: `lifecycle.${stage}`,
    data: { stage, person, before, at: isoTime(at), reason, evidence, ...corrects },
  };
}

const Options = Type.Object(
  {
    new_for: Type.String({
      default: "30d",
      description: "New for so long after the first purchase; before any, after being first seen.",
    }),
    often: Type.Object(
      {
        orders: Type.Integer({ default: 2, minimum: 1, maximum: 8 }),
        within: Type.String({ default: "30d" }),
      },
      {
        additionalProperties: false,
        default: {},
        description: "So many orders within so long make somebody active, however new.",
      },
    ),
    dormant_after: Type.String({
      default: "60d",
      description: "Dormant after so long without an act.",
    }),
    churn: Type.Object(
      {
        times: Type.Number({ default: 2, minimum: 1, maximum: 100 }),
        least: Type.String({ default: "14d" }),
      },
      {
        additionalProperties: false,
        default: {},
        description:
          "At risk once the last order is more than `times` the own rhythm ago, and more than `least`.",
      },
    ),
    keep: Type.String({
      default: "400d",
      description: "A person of whom nothing is heard for this long is forgotten.",
    }),
  },
  { additionalProperties: false },
);

export const lifecycleSpec: OperatorSpec = {
  name: NAME,
  flow: "shopper",
  summary:
    "New, active, dormant or at risk of being lost, by the person's own rhythm and the clock.",
  from: ["session"],
  tells: ["life"],
  options: Options,
  profile: {
    life: Type.Union(
      [
        Type.Object({
          stage: Type.Union(STAGES.map((stage) => Type.Literal(stage))),
          since: Type.String({ format: "date-time" }),
          reason: Type.String(),
          evidence: EVIDENCE,
        }),
        Type.Null(),
      ],
      { description: "Where the person stands as a customer; null when not known yet." },
    ),
  },
  make(options, job) {
    const read = options as Partial<Static<typeof Options>>;
    const { often, churn } = read;
    return lifecycleOperator(
      {
        newFor: duration(read.new_for, "30d"),
        often: { orders: often?.orders ?? 2, within: duration(often?.within, "30d") },
        dormantAfter: duration(read.dormant_after, "60d"),
        churn: { times: churn?.times ?? 2, least: duration(churn?.least, "14d") },
      },
      job.maxAge,
      duration(read.keep, "400d"),
    );
  },
};
