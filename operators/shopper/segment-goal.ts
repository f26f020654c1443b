import Type from "typebox";
import type { SegmentFile } from "../../src/config/segment-ast.ts";
import {
  type Context,
  FORGET,
  type Forget,
  type Hop,
  type Operator,
} from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, latest, type Millis, plus } from "../../src/time/event-time.ts";
import { LocalTime } from "../../src/time/local-time.ts";
import { partialHop, type SegmentPartial } from "../demand/partial.ts";
import type { ShopEvent } from "../event.ts";
import { duration } from "./options.ts";
import { isAct } from "./session.ts";
import type { SegmentSignal, SessionSignal } from "./signals.ts";

const SILENT = "silent";
const PAID = "order.paid";

/** A stay in a segment: whether it led to an order, and the last local day that was counted. */
type Stay = [converted: boolean, day: number];

export interface SegmentGoalState {
  /** By segment that the person is a member of. Stays are replaced, never changed. */
  stays: Record<string, Stay>;
  /** The person's last act, or the first entry where none was seen. */
  last: EventTime;
  silent: boolean;
  /** Stays of somebody who turned out to be this person, until it is told of this one. */
  moved?: Record<string, Stay>;
}

/** What changed about a segment's members. */
export interface SegmentChange {
  readonly kind: "segment-change";
  readonly segment: string;
  readonly counts: SegmentPartial;
  readonly at: EventTime;
}

/** No change; `with` something is one. */
const CHANGE = { members: 0, silent: 0, entered: 0, converted: 0, active: 0 };

/**
 * Counts for the demand flow what the segments' goals are measured by: who is a member, who of them
 * paid during the stay (the order that ends it included), who has done nothing for `silence`, and
 * who did something today.
 */
export function segmentGoalOperator(
  silence: Millis,
  timeZone: string,
): Operator<SessionSignal | SegmentSignal, SegmentChange, SegmentGoalState> {
  const local = new LocalTime(timeZone);
  return {
    name: "segment_goal",
    version: 1,
    order: "arrival",
    purpose: "profiling",
    key: (signal) =>
      signal.kind === "segment" || (signal.kind === "step" && isAct(signal.event.type))
        ? signal.person
        : undefined,
    init: () => ({ stays: {}, last: 0 as EventTime, silent: false }),
    copy: (state) => ({ ...state, stays: { ...state.stays } }),
    onEvent(signal, state, ctx) {
      if (signal.kind === "segment") return turned(signal, state, silence, ctx);
      if (signal.kind === "step") return acted(signal.event, state, local, ctx);
      return state;
    },
    onTimer(_timer, state, ctx) {
      const due = (plus(state.last, silence) + 1) as EventTime;
      if (ctx.now >= due) setSilent(state, true, ctx);
      else ctx.setTimer(SILENT, due);
      return state;
    },
    merge: (into, from, ctx) => joined(into, from, silence, ctx),
    forward: ({ segment, counts, at }): Hop => partialHop(segment, at, counts),
  };
}

type GoalContext = Context<SegmentChange>;

function tell(segment: string, change: Partial<typeof CHANGE>, ctx: GoalContext): void {
  const { members, silent, entered, converted, active } = { ...CHANGE, ...change };
  const counts = ["segment", members, silent, entered, converted, active] as const;
  ctx.emit({ kind: "segment-change", segment, counts, at: ctx.now });
}

function turned(
  signal: SegmentSignal,
  state: SegmentGoalState,
  silence: Millis,
  ctx: GoalContext,
): SegmentGoalState | Forget {
  const { segment, member, undoes } = signal;
  const stay = state.stays[segment];
  const silent = state.silent ? 1 : 0;
  // An entry in the place of another, or that takes an exit back, has been counted; an exit that
  // takes an entry back says that it never was.
  const entered = member ? Number(signal.insteadOf === null) : -Number(undoes);
  if (member && stay === undefined) {
    if (state.last === 0) {
      state.last = ctx.now;
      ctx.setTimer(SILENT, (plus(ctx.now, silence) + 1) as EventTime);
    }
    const moved = state.moved?.[segment];
    state.stays[segment] = moved ?? [false, 0];
    tell(segment, { members: 1, entered, silent, converted: Number(moved?.[0] ?? false) }, ctx);
  } else if (!member && stay !== undefined) {
    delete state.stays[segment];
    const paid = stay[0] || signal.evidence.some(({ event }) => event === PAID);
    const converted = undoes ? -Number(stay[0]) : Number(paid && !stay[0]);
    tell(segment, { members: -1, entered, converted, silent: -silent }, ctx);
  } else if (entered !== 0) tell(segment, { entered }, ctx);
  return Object.keys(state.stays).length === 0 ? FORGET : state;
}

/**
 * What was counted for somebody who turned out to be this person is taken back. Where this one is no
 * member yet, and is told to be one now, the stay goes on.
 */
function joined(
  into: SegmentGoalState,
  from: SegmentGoalState,
  silence: Millis,
  ctx: GoalContext,
): SegmentGoalState {
  if (latest(into.last, from.last) > into.last || into.last === 0) {
    into.last = from.last;
    if (into.silent) setSilent(into, false, ctx);
    ctx.setTimer(SILENT, (plus(into.last, silence) + 1) as EventTime);
  }
  const moved: Record<string, Stay> = {};
  for (const [segment, [paid, day]] of Object.entries(from.stays)) {
    const stay = into.stays[segment];
    const converted = stay === undefined || stay[0] ? -Number(paid) : 0;
    tell(segment, { members: -1, entered: -1, silent: -Number(from.silent), converted }, ctx);
    if (stay === undefined) moved[segment] = [paid, day];
    else into.stays[segment] = [stay[0] || paid, Math.max(stay[1], day)];
  }
  into.moved = moved;
  return into;
}

function acted(
  { type, at }: ShopEvent,
  state: SegmentGoalState,
  local: LocalTime,
  ctx: GoalContext,
): SegmentGoalState | Forget {
  if (state.moved !== undefined) delete state.moved;
  const stays = Object.entries(state.stays);
  if (stays.length === 0) return FORGET;
  state.last = latest(state.last, at);
  if (state.silent) {
    setSilent(state, false, ctx);
    ctx.setTimer(SILENT, ctx.now);
  }
  const day = local.day(at);
  for (const [segment, stay] of stays) {
    const active = day > stay[1] ? 1 : 0;
    const converted = type === PAID && !stay[0] ? 1 : 0;
    if (active + converted === 0) continue;
    tell(segment, { active, converted }, ctx);
    state.stays[segment] = [stay[0] || converted > 0, Math.max(day, stay[1])];
  }
  return state;
}

function setSilent(state: SegmentGoalState, silent: boolean, ctx: GoalContext): void {
  state.silent = silent;
  for (const segment of Object.keys(state.stays)) tell(segment, { silent: silent ? 1 : -1 }, ctx);
}

const Options = Type.Object(
  {
    silence: Type.String({
      default: "30d",
      description: "A member who has done nothing for longer than this counts as lost.",
    }),
  },
  { additionalProperties: false },
);

export const segmentGoalSpec: OperatorSpec = {
  name: "segment_goal",
  flow: "shopper",
  summary: "What the goals of segments are measured by: members, orders, silence, active days.",
  from: ["session", "segment"],
  options: Options,
  make(options, job) {
    const { silence } = options as { readonly silence?: string };
    const file = job.files["segments"] as SegmentFile | undefined;
    return segmentGoalOperator(duration(silence, "30d"), file?.timeZone ?? job.timeZone);
  },
};
