import Type from "typebox";
import type { Context, Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime, latest, type Millis, minus } from "../../src/time/event-time.ts";
import { insertAt } from "./insert.ts";
import {
  JOURNEY_STAGES,
  type JourneyStage,
  type Mark,
  markOf,
  moved,
  noStanding,
  SEEDING,
  type Standing,
} from "./journey-stage.ts";
import { messageId } from "./message-id.ts";
import { duration } from "./options.ts";
import { extendPath, type PathStep, stepOf } from "./path.ts";
import type { SessionSignal } from "./signals.ts";

export interface JourneyOptions {
  /** Steps of the path that are kept. */
  readonly steps: number;
  readonly keep: Millis;
  /** How late an event may be to be judged in its place. */
  readonly maxAge: Millis;
}

const JOURNEY = "journey";
/** Marks of one person that a late event may still come before. */
const KEPT_MARKS = 32;

/** A stage that was told: when it was entered, which, and the id of its message. */
type ToldStage = [EventTime, number, string];

export interface JourneyState {
  /** The person's way, the last step last. */
  path: PathStep[];
  /** Where the person stands by all that is known. */
  now: Standing;
  /** Where the marks that have been given up for settled have led, and up to when. */
  settled: Standing;
  settledTo: EventTime;
  marks: Mark[];
  /** What was told of the marks. */
  told: ToldStage[];
}

/** A stage was entered, or what was said of one before is corrected. */
interface JourneySignal {
  readonly kind: "journey";
  readonly person: string;
  readonly stage: JourneyStage;
  readonly step: number;
  readonly at: EventTime;
  readonly from: { readonly stage: JourneyStage; readonly since: EventTime } | null;
  readonly purchases: number;
  readonly mark: Mark | null;
  readonly path: readonly PathStep[];
  /** Messages that this one takes the place of. */
  readonly supersedes: readonly string[];
}

/** A stage that the marks led to. */
interface Turn {
  readonly to: Standing;
  readonly from: Standing;
  readonly mark: Mark | null;
}

/**
 * Each person's way across all touchpoints, in the order in which it happened, and the stage of the
 * journey that it has led to. An event that comes late, by no more than `maxAge` and not before the
 * last 32 that count, is put in its place and everything behind it is judged again; what was told
 * wrongly is corrected by messages that name the one whose place they take.
 */
function journeyOperator(
  options: JourneyOptions,
): Operator<SessionSignal, JourneySignal, JourneyState> {
  return {
    name: JOURNEY,
    version: 1,
    order: "arrival",
    purpose: "profiling",
    keep: options.keep,
    key: (signal) => (signal.kind === "step" ? signal.person : undefined),
    init: () => ({
      path: [],
      now: noStanding(),
      settled: noStanding(),
      settledTo: 0 as EventTime,
      marks: [],
      told: [],
    }),
    copy: (state) => ({
      ...state,
      path: state.path.slice(),
      marks: state.marks.slice(),
      told: state.told.slice(),
    }),
    onEvent(signal, state, ctx) {
      if (signal.kind !== "step") return state;
      const { event, session } = signal;
      if (session !== null) extendPath(state.path, stepOf(event, session.id), options.steps);
      const mark = markOf(event);
      if (mark === undefined) return state;
      if (mark.at < state.settledTo) {
        ctx.late({ type: mark.type, event: mark.id, at: isoTime(mark.at) });
        return state;
      }
      if (addMark(state, mark)) judge(state, ctx);
      settle(state, latest(state.settledTo, minus(ctx.watermark, options.maxAge)));
      return state;
    },
    merge(into, from, ctx) {
      const settledTo = latest(into.settledTo, from.settledTo);
      const before = into.settled;
      for (const step of from.path) extendPath(into.path, step, options.steps);
      into.settled = since(further(into.settled, from.settled), [...into.marks, ...from.marks]);
      for (const mark of from.marks) addMark(into, mark);
      if (into.settled.stage !== before.stage && into.settled.stage !== 0) {
        say(into, ctx, { to: into.settled, from: before, mark: null }, []);
        judge(into, ctx, 1);
      } else judge(into, ctx);
      settle(into, settledTo);
      return into;
    },
    publish: messageOf,
    profile: ({ now, path }, { at }) => ({ journey: shownJourney(now, path, at) }),
  };
}

/** The stage, how long it has lasted by `at`, and the way there; null before the first stage. */
function shownJourney(now: Standing, path: readonly PathStep[], at: EventTime) {
  if (now.stage === 0) return null;
  return {
    stage: stageOf(now),
    step: now.stage,
    since: isoTime(now.since),
    stayed_ms: Math.max(0, at - now.since),
    purchases: now.purchases,
    path: path.map(shownStep),
  };
}

const shownStep = (step: PathStep) => ({ ...step, at: isoTime(step.at) });

/** Puts a mark in its place; false when it cannot change anything. Of looks only the first can. */
function addMark(state: JourneyState, mark: Mark): boolean {
  if (mark.kind === "seen") {
    const leading = state.marks.find(({ kind }) => kind !== "served" && kind !== "cancelled");
    if (state.settled.stage > 0 || (leading !== undefined && leading.at <= mark.at)) return false;
    state.marks = state.marks.filter(({ kind }) => kind !== "seen");
  }
  let place = state.marks.length;
  while (place > 0 && (state.marks[place - 1]?.at ?? mark.at) > mark.at) place -= 1;
  insertAt(state.marks, place, mark);
  return true;
}

/** Goes through the marks again, and says how the stages differ from what was told. */
function judge(state: JourneyState, ctx: Context<JourneySignal>, said = 0): void {
  const turns: Turn[] = [];
  let now = state.settled;
  for (const mark of state.marks) {
    const to = moved(now, mark);
    if (to.stage !== now.stage) turns.push({ to, from: now, mark });
    now = to;
  }
  state.now = now;
  let same = 0;
  while (isTold(state.told[same], turns[same])) same += 1;
  // Told too much and nothing else to say: where the person stands is said once more instead.
  if (same === turns.length && same < state.told.length) same -= 1;
  const wrong = state.told.splice(Math.max(same, 0)).map(([, , id]) => id);
  let k = said;
  for (const [i, turn] of turns.entries()) {
    if (i < same) continue;
    const insteadOf = i === turns.length - 1 ? wrong.splice(0) : wrong.splice(0, 1);
    state.told.push([turn.to.since, turn.to.stage, messageId(JOURNEY, ctx.key, ctx.cause, k)]);
    say(state, ctx, turn, insteadOf);
    k += 1;
  }
}

function isTold(told: ToldStage | undefined, turn: Turn | undefined): boolean {
  return told !== undefined && told[0] === turn?.to.since && told[1] === turn.to.stage;
}

function say(
  state: JourneyState,
  ctx: Context<JourneySignal>,
  { to, from, mark }: Turn,
  supersedes: readonly string[],
): void {
  ctx.emit({
    kind: "journey",
    person: ctx.key,
    stage: stageOf(to),
    step: to.stage,
    at: to.since,
    from: from.stage === 0 ? null : { stage: stageOf(from), since: from.since },
    purchases: to.purchases,
    mark,
    path: state.path.filter(({ at }) => at <= to.since),
    supersedes,
  });
}

const stageOf = ({ stage }: Standing): JourneyStage => JOURNEY_STAGES[stage - 1] ?? "seeding";

/** Gives up what is older than `horizon`, or too much, for settled: it is not judged again. */
function settle(state: JourneyState, horizon: EventTime): void {
  while (state.marks.length > KEPT_MARKS || (state.marks[0]?.at ?? horizon) < horizon) {
    const mark = state.marks.shift() as Mark;
    const to = moved(state.settled, mark);
    if (to.stage !== state.settled.stage) state.told.shift();
    state.settled = to;
    state.settledTo = latest(state.settledTo, mark.at);
  }
}

/** Of two settled standings of one person the further one, else the earlier, with the purchases of both. */
function further(a: Standing, b: Standing): Standing {
  const isFirst = a.stage > b.stage || (a.stage === b.stage && a.since <= b.since);
  const [first, second] = isFirst ? [a, b] : [b, a];
  return {
    ...first,
    purchases: a.purchases + b.purchases,
    open: [...second.open, ...first.open],
    paid: [...second.paid, ...first.paid],
  };
}

/** The first stage has lasted since the first look, also one that is not settled under its own name. */
function since(settled: Standing, marks: readonly Mark[]): Standing {
  if (settled.stage !== SEEDING) return settled;
  const looks = marks.filter(({ kind }) => kind === "seen").map(({ at }) => at);
  return { ...settled, since: Math.min(settled.since, ...looks) as EventTime };
}

function messageOf({
  person,
  stage,
  step,
  at,
  from,
  purchases,
  mark,
  path,
  supersedes,
}: JourneySignal) {
  return {
    subject: `lifecycle.journey_${stage}`,
    data: {
      person,
      stage,
      step,
      at: isoTime(at),
      from: from === null ? null : from.stage,
      stayed_ms: from === null ? null : at - from.since,
      purchases,
      repurchase: stage === "repurchase",
      evidence: mark === null ? [] : [{ event: mark.type, id: mark.id, time: isoTime(mark.at) }],
      path: path.map(shownStep),
      ...(supersedes.length === 0 ? {} : { supersedes }),
    },
  };
}

const Options = Type.Object(
  {
    steps: Type.Integer({
      default: 20,
      minimum: 1,
      maximum: 200,
      description: "How many steps of a person's path are kept, the last ones.",
    }),
    keep: Type.String({
      default: "400d",
      description: "A person of whom nothing was seen for so long is forgotten.",
    }),
  },
  { additionalProperties: false },
);

export const journeySpec: OperatorSpec = {
  name: JOURNEY,
  flow: "shopper",
  summary: "Each person's path across touchpoints and the stage of the journey it has led to.",
  from: ["session"],
  options: Options,
  profile: {
    journey: Type.Union(
      [
        Type.Object({
          stage: Type.Union(JOURNEY_STAGES.map((stage) => Type.Literal(stage))),
          step: Type.Integer({ minimum: 1, maximum: JOURNEY_STAGES.length }),
          since: Type.String({ format: "date-time" }),
          stayed_ms: Type.Integer({ minimum: 0, description: "Time in the stage up to `at`." }),
          purchases: Type.Integer({ minimum: 0 }),
          path: Type.Array(
            Type.Object({
              at: Type.String({ format: "date-time" }),
              touchpoint: Type.String(),
              type: Type.String(),
              about: Type.Union([Type.String(), Type.Null()]),
              session: Type.Union([Type.String(), Type.Null()]),
            }),
            { description: "The last steps across all touchpoints, oldest first." },
          ),
        }),
        Type.Null(),
      ],
      { description: "The stage of the journey and the way there; null before the first stage." },
    ),
  },
  make(options, job) {
    const read = options as { readonly steps?: number; readonly keep?: string };
    return journeyOperator({
      steps: read.steps ?? 20,
      keep: duration(read.keep, "400d"),
      maxAge: job.maxAge,
    });
  },
};
