import Type, { type Static } from "typebox";
import { perGeneration } from "../../src/config/generation.ts";
import type { Goal, SegmentFile } from "../../src/config/segment-ast.ts";
import type { Context, Facts, Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import { LocalTime } from "../../src/time/local-time.ts";
import { intervalOption, rateOf, tellLater } from "./kpi.ts";
import { duration, readOptions } from "./options.ts";
import { type DemandRecord, dimOf, plainKey } from "./partial.ts";

/** Local days that rates look back over, today included. */
const DAYS = 30;

/** What came in on one local day. */
type Day = [day: number, entered: number, converted: number, active: number];

export interface SegmentKpiState {
  members: number;
  silent: number;
  /** The last 30 local days on which something happened, oldest first. */
  days: Day[];
  /** Something came in since it was told. */
  news: boolean;
}

interface SegmentKpi {
  readonly segment: string;
  readonly name: string;
  readonly at: EventTime;
  readonly counts: Readonly<Record<string, number>>;
}

const Options = Type.Object({ interval: intervalOption }, { additionalProperties: false });

/** How many are in each segment now, and how it does by its goal. */
export function segmentKpiOperator(
  options: Static<typeof Options>,
  goalsAt: (facts: Facts) => ReadonlyMap<string, Goal>,
  timeZone: string,
): Operator<DemandRecord, SegmentKpi, SegmentKpiState> {
  const interval = duration(options.interval);
  const local = new LocalTime(timeZone);
  return {
    name: "segment_kpi",
    version: 1,
    order: "event-time",
    key: (record) => (dimOf(record) === "segment" ? record.key : undefined),
    init: () => ({ members: 0, silent: 0, days: [], news: false }),
    onEvent({ payload, time }, state, ctx) {
      if (payload[0] !== "segment") return state;
      const [, members, silent, entered, converted, active] = payload;
      state.members += members;
      state.silent += silent;
      const day = dayOf(state, local.day(time));
      day[1] += entered;
      day[2] += converted;
      day[3] += active;
      tellLater(state, time, ctx, interval);
      return state;
    },
    onTimer(_timer, state, ctx) {
      state.news = false;
      const segment = plainKey(ctx.key);
      tell(segment, state, goalsAt(ctx.facts).get(segment), local.day(ctx.now), ctx);
      return state;
    },
    publish: ({ segment, name, at, counts }) => ({
      subject: `kpi.${name}`,
      data: { segment, at: isoTime(at), ...counts },
    }),
  };
}

function dayOf(state: SegmentKpiState, number: number): Day {
  const known = state.days.find(([day]) => day === number);
  if (known !== undefined) return known;
  const made: Day = [number, 0, 0, 0];
  state.days.push(made);
  state.days.sort((a, b) => a[0] - b[0]);
  if (state.days.length > DAYS) state.days.shift();
  return made;
}

function tell(
  segment: string,
  { members, silent, days }: SegmentKpiState,
  goal: Goal | undefined,
  today: number,
  ctx: Context<SegmentKpi>,
): void {
  const recent = days.filter(([day]) => day > today - DAYS && day <= today);
  const sum = (column: 1 | 2) => recent.reduce((all, day) => all + day[column], 0);
  const emit = (name: string, counts: SegmentKpi["counts"]) =>
    ctx.emit({ segment, name, at: ctx.now, counts });
  emit("segment_size", { members });
  switch (goal) {
    case "conversion": {
      const [entered, converted] = [sum(1), sum(2)];
      emit("segment_conversion", { entered, converted, rate: rateOf(converted, entered) });
      break;
    }
    case "churn":
      emit("segment_churn", { members, lost: silent, rate: rateOf(silent, members) });
      break;
    case "stickiness": {
      const daily = recent.find(([day]) => day === today)?.[3] ?? 0;
      const monthly = members - silent;
      emit("segment_stickiness", { daily, monthly, rate: rateOf(daily, monthly) });
      break;
    }
    case undefined:
  }
}

export const segmentKpiSpec: OperatorSpec = {
  name: "segment_kpi",
  flow: "demand",
  summary: "How many are in each segment, and conversion, churn or stickiness by its goal.",
  from: ["events"],
  options: Options,
  make(options, job) {
    const file = job.files["segments"] as SegmentFile | undefined;
    const goalsAt = perGeneration(job.generations, (generation) => {
      const { segments = [] } = generation?.files.segments ?? file ?? {};
      return new Map(
        segments.flatMap(({ id, goal }) => (goal === undefined ? [] : [[id, goal] as const])),
      );
    });
    const timeZone = file?.timeZone ?? job.timeZone;
    return segmentKpiOperator(readOptions(Options, options), goalsAt, timeZone);
  },
};
