import Type, { type Static } from "typebox";
import { fnv1a32 } from "../../src/codec/hash.ts";
import type { Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { days, type EventTime, isoTime, latest } from "../../src/time/event-time.ts";
import { intervalOption, tellLater } from "./kpi.ts";
import { duration, readOptions } from "./options.ts";
import { type DemandRecord, dimOf, plainKey } from "./partial.ts";
import { decay, rounded } from "./surprise.ts";

/** What people did with one thing since it was first met, or met again after a long time. */
export interface EngagementKpiState {
  count: number;
  /** How often it was said how much of it, the sum of that, and how often it was nearly all. */
  ratios: number;
  ratioSum: number;
  completed: number;
  amounts: number;
  amountSum: number;
  /** Each time weighs 1 and fades; as of `heatAt`. */
  heat: number;
  heatAt: EventTime;
  /** Different people by a hash of their pseudonym, up to as many as are asked for. */
  people: number[];
  /** Something came in since it was told. */
  news: boolean;
}

interface EngagementKpi {
  readonly what: string;
  readonly thing: string;
  readonly at: EventTime;
  readonly figures: Readonly<Record<string, number>>;
}

/** 看完 */
const COMPLETED = 0.9;

const Options = Type.Object(
  {
    interval: intervalOption,
    half_life: Type.String({ default: "1h", description: "In which the heat of a thing halves." }),
    least_people: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 5,
      description: "Nothing is told of a thing that fewer different people have had to do with.",
    }),
  },
  { additionalProperties: false },
);

/** How articles, lives, menus, pages, groups, searches and questions do, of people in numbers only. */
function engagementKpiOperator(
  options: Static<typeof Options>,
): Operator<DemandRecord, EngagementKpi, EngagementKpiState> {
  const interval = duration(options.interval);
  const halfLife = duration(options.half_life);
  const least = options.least_people;
  return {
    name: "engagement_kpi",
    version: 1,
    order: "event-time",
    keep: days(30),
    key: (record) => (dimOf(record) === "engagement" ? record.key : undefined),
    init: () => ({
      count: 0,
      ratios: 0,
      ratioSum: 0,
      completed: 0,
      amounts: 0,
      amountSum: 0,
      heat: 0,
      heatAt: 0 as EventTime,
      people: [],
      news: false,
    }),
    copy: (state) => ({ ...state, people: state.people.slice() }),
    onEvent({ payload, time }, state, ctx) {
      if (payload[0] !== "engagement") return state;
      const [, person, ratio, amount] = payload;
      add(state, ratio, amount);
      warm(state, time, halfLife);
      meet(state.people, person, least);
      if (state.people.length < least) return state;
      tellLater(state, time, ctx, interval);
      return state;
    },
    onTimer(_timer, state, ctx) {
      state.news = false;
      const key = plainKey(ctx.key);
      const colon = key.indexOf(":");
      ctx.emit({
        what: key.slice(0, colon),
        thing: key.slice(colon + 1),
        at: ctx.now,
        figures: figuresOf(state, ctx.now, halfLife),
      });
      return state;
    },
    publish: ({ what, thing, at, figures }) => ({
      subject: `kpi.${what}`,
      data: { [what]: thing, at: isoTime(at), ...figures },
    }),
  };
}

function add(state: EngagementKpiState, ratio: number | null, amount: number | null): void {
  state.count += 1;
  if (ratio !== null) {
    state.ratios += 1;
    state.ratioSum += ratio;
    if (ratio >= COMPLETED) state.completed += 1;
  }
  if (amount !== null) {
    state.amounts += 1;
    state.amountSum += amount;
  }
}

function warm(state: EngagementKpiState, time: EventTime, halfLife: number): void {
  const now = latest(state.heatAt, time);
  state.heat = state.heat * decay(now - state.heatAt, halfLife) + decay(now - time, halfLife);
  state.heatAt = now;
}

function meet(people: number[], person: string, least: number): void {
  if (people.length >= least) return;
  const hash = fnv1a32(person);
  if (!people.includes(hash)) people.push(hash);
}

function figuresOf(
  state: EngagementKpiState,
  now: EventTime,
  halfLife: number,
): Readonly<Record<string, number>> {
  const { count, ratios, ratioSum, completed, amounts, amountSum, heat, heatAt } = state;
  return {
    count,
    heat: rounded(heat * decay(now - heatAt, halfLife)),
    ...(ratios === 0 ? {} : { completion: rounded(ratioSum / ratios), completed }),
    ...(amounts === 0 ? {} : { sum: amountSum, mean: rounded(amountSum / amounts) }),
  };
}

export const engagementKpiSpec: OperatorSpec = {
  name: "engagement_kpi",
  flow: "demand",
  summary: "How articles, lives, menus, pages, groups, searches and questions do.",
  from: ["events"],
  options: Options,
  make: (options) => engagementKpiOperator(readOptions(Options, options)),
};
