import Type from "typebox";
import type { Calendar, Scene } from "../../src/config/calendar.ts";
import {
  type Context,
  type Facts,
  FORGET,
  type Forget,
  type Message,
  type Operator,
} from "../../src/flow/operator.ts";
import type { JobSettings, OperatorSpec } from "../../src/flow/spec.ts";
import {
  days,
  type EventTime,
  isoTime,
  latest,
  minus,
  minutes,
} from "../../src/time/event-time.ts";
import { LocalTime } from "../../src/time/local-time.ts";
import { dayKindAt } from "./day-kind.ts";
import { EVIDENCE } from "./profile-parts.ts";
import type { EventEvidence, SessionSignal, StandingOf, Step } from "./signals.ts";

/** The scene a person is in, and the act that last said so; or none, and when the last act was. */
export interface SceneState {
  scene: string;
  session: string;
  /** The act: when, its type, the tracker's id of it; without these two where there is no scene. */
  act: [at: EventTime, type: string, id: string];
  /** When the scene's hours end. */
  until: EventTime;
}

/** A person came into a scene or left it. */
export interface SceneSignal extends StandingOf {
  readonly topic: "scene";
  readonly session: string;
  /** Of an exit: what ended it; of an entry `act`. */
  readonly reason: "act" | "hours" | "session" | "touchpoint" | "forgotten";
  readonly evidence: readonly EventEvidence[];
}

const TIMER = "hours";
/** What comes later than this behind the watermark is history: nobody is in a scene of the past. */
const TOO_LATE = minutes(5);
/** No scene lasts longer: when who is in none acted last is of no use to anybody after it. */
const LONGEST = days(1);

/**
 * The scene each person is in: by where an act is, the kind of the local day, and the hour. Left when
 * the scene's hours or the session end, and at an act somewhere else. An act earlier than the last
 * one changes nothing, whoever it was before two turned out to be one.
 */
function sceneOperator(
  calendar: Calendar,
  timeZone: string,
): Operator<SessionSignal, SceneSignal, SceneState> {
  const local = new LocalTime(timeZone);
  const scenesAt = scenesByTouchpoint(calendar.scenes);
  return {
    name: "scene",
    version: 1,
    order: "arrival",
    purpose: "profiling",
    keep: LONGEST,
    key: ({ kind, person }) => (kind === "covisit" ? undefined : person),
    init: noScene,
    copy: (state) => ({ ...state }),
    onEvent(signal, state, ctx) {
      if (signal.kind === "session-end") {
        // By its time: sessions that turn out to be one have the name of one of them.
        return signal.session.last >= state.act[0]
          ? leave(state, "session", signal.at, ctx)
          : orForget(state);
      }
      if (signal.kind !== "step" || signal.session === null) return orForget(state);
      const { event } = signal;
      const tooLate = event.at < minus(ctx.watermark, TOO_LATE) || event.at < state.act[0];
      if (tooLate) return orForget(state);
      if (state.scene !== "" && state.until <= event.at) leave(state, "hours", state.until, ctx);
      const fitting = sceneOf(scenesAt(event.touchpoint), calendar.days, local, signal, ctx.facts);
      if (fitting === undefined) {
        leave(state, "touchpoint", event.at, ctx);
        state.act = [event.at, "", ""];
        return state;
      }
      return stay(state, fitting, signal, endOf(fitting, event.at, local), ctx);
    },
    onTimer: (_timer, state, ctx) => leave(state, "hours", ctx.now, ctx),
    publish: messageOf,
    forgotten: (state, ctx) => void leave(state, "forgotten", ctx.now, ctx),
    profile: (state, { at }) => ({ scene: shownScene(state, at) }),
    /** The scene of the later act; the other one is left by it. */
    merge(into, from, ctx) {
      const [state, other] = from.act[0] > into.act[0] ? [from, into] : [into, from];
      if (other.scene !== state.scene) leave(other, "touchpoint", state.act[0], ctx);
      if (state.scene !== "") ctx.setTimer(TIMER, state.until);
      return state;
    },
  };
}

/** Null when the person is in none, or its hours are over by `at`. */
function shownScene({ scene, session, act: [time, event, id], until }: SceneState, at: EventTime) {
  if (scene === "" || until <= at) return null;
  const evidence = [{ event, id, time: isoTime(time) }];
  return { scene, session, until: isoTime(until), evidence };
}

const noScene = (): SceneState => ({
  scene: "",
  session: "",
  act: [0 as EventTime, "", ""],
  until: 0 as EventTime,
});

const orForget = (state: SceneState): SceneState | Forget => (state.act[0] === 0 ? FORGET : state);

/** The scenes that an act at a touchpoint can be in, in the order of the file. */
function scenesByTouchpoint(scenes: readonly Scene[]): (touchpoint: string) => readonly Scene[] {
  const at = (name: string | undefined) =>
    scenes.filter(({ touchpoint }) => touchpoint === undefined || touchpoint === name);
  const anywhere = at(undefined);
  const named = new Map(
    scenes.flatMap(({ touchpoint }) =>
      touchpoint === undefined ? [] : [[touchpoint, at(touchpoint)] as const],
    ),
  );
  return (touchpoint) => named.get(touchpoint) ?? anywhere;
}

function sceneOf(
  here: readonly Scene[],
  days: Calendar["days"],
  local: LocalTime,
  { event }: Step,
  facts: Facts,
): Scene | undefined {
  if (here.length === 0) return undefined;
  const kind = dayKindAt(event.at, local, days, facts);
  const minute = local.minute(event.at);
  return here.find(
    ({ day, hours }) =>
      (day === undefined || day === kind) &&
      (hours.length === 0 || hours.some((stretch) => isWithin(minute, stretch))),
  );
}

type Stretch = Scene["hours"][number];

const isWithin = (minute: number, [from, to]: Stretch): boolean =>
  from < to ? minute >= from && minute < to : minute >= from || minute < to;

/** When the hours that hold `at` end; midnight where the scene has none. */
function endOf({ hours }: Scene, at: EventTime, local: LocalTime): EventTime {
  const minute = local.minute(at);
  const [, to = 24 * 60] = hours.find((stretch) => isWithin(minute, stretch)) ?? [];
  return local.nextMinute(at, to);
}

function stay(
  state: SceneState,
  { id }: Scene,
  { event, session }: Step,
  until: EventTime,
  ctx: Context<SceneSignal>,
): SceneState {
  const isNew = state.scene !== id;
  if (isNew && state.scene !== "") leave(state, "touchpoint", event.at, ctx);
  state.scene = id;
  state.session = session?.id ?? "";
  state.act = [event.at, event.type, event.clientId];
  if (state.until !== until) ctx.setTimer(TIMER, until);
  state.until = until;
  if (isNew) ctx.emit(signalOf(state, "act", event.at, ctx.key));
  return state;
}

function leave(
  state: SceneState,
  reason: SceneSignal["reason"],
  at: EventTime,
  ctx: Context<SceneSignal>,
): SceneState {
  if (state.scene === "") return state;
  ctx.emit(signalOf(state, reason, latest(at, state.act[0]), ctx.key));
  ctx.clearTimer(TIMER);
  state.scene = "";
  state.session = "";
  state.act = [state.act[0], "", ""];
  state.until = 0 as EventTime;
  return state;
}

function signalOf(
  { scene, session, act: [time, event, id] }: SceneState,
  reason: SceneSignal["reason"],
  at: EventTime,
  person: string,
): SceneSignal {
  const evidence = [{ event, id, time: isoTime(time) }];
  const on = reason === "act";
  return {
    kind: "standing",
    person,
    topic: "scene",
    value: scene,
    on,
    at,
    session,
    reason,
    evidence,
  };
}

const messageOf = (signal: SceneSignal): Message => {
  const { person, value, on, at, session, reason, evidence } = signal;
  return {
    subject: `scene.${value}.${on ? "entered" : "exited"}`,
    data: { scene: value, person, at: isoTime(at), session, reason, evidence },
  };
};

const NO_CALENDAR: Calendar = { version: 1, days: {}, scenes: [] };

export const sceneSpec: OperatorSpec = {
  name: "scene",
  flow: "shopper",
  summary: "The scene a person is in, by touchpoint, kind of day and local hour.",
  from: ["session"],
  tells: ["scene"],
  options: Type.Object({}, { additionalProperties: false }),
  profile: {
    scene: Type.Union(
      [
        Type.Object({
          scene: Type.String(),
          session: Type.String(),
          until: Type.String({ format: "date-time", description: "When its hours end." }),
          evidence: EVIDENCE,
        }),
        Type.Null(),
      ],
      { description: "The scene the person is in now; null when in none." },
    ),
  },
  make: (_options, job: JobSettings) =>
    sceneOperator((job.files["calendar"] as Calendar | undefined) ?? NO_CALENDAR, job.timeZone),
};
