import Type, { type Static } from "typebox";
import type { Context, Message, Operator } from "../../src/flow/operator.ts";
import { FORGET } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime, plus } from "../../src/time/event-time.ts";
import {
  advance,
  type Baseline,
  type BaselineOptions,
  count,
  type Judgement,
  judge,
  newBaseline,
  rateOf,
  settle,
} from "./baseline.ts";
import type { Knowledge } from "./knowledge.ts";
import { duration, readOptions } from "./options.ts";
import type { ShopPace } from "./pace.ts";
import {
  type DemandRecord,
  type Dim,
  dimOf,
  eventCount,
  type HeatDim,
  isRecord,
  plainKey,
} from "./partial.ts";
import { rounded } from "./surprise.ts";

/** A key is met far more often than it used to be, or no longer is. */
export interface Trend {
  readonly kind: "spike" | "end";
  readonly scope: HeatDim;
  readonly key: string;
  readonly at: EventTime;
  readonly since: EventTime;
  /** Of the onset for a spike, the highest for an end. */
  readonly z: number;
  readonly count: number;
  /** Over the same time as `count`, by the key's own past. */
  readonly expected: number;
  readonly perHour: number;
}

interface Surge {
  /** Start of the window that gave it away. */
  since: number;
  /** When it was last surprising. */
  hot: number;
  z: number;
  count: number;
  expected: number;
}
export interface TrendState {
  base: Baseline | null;
  surge: Surge | null;
  /** Latest time seen. */
  last: number;
}

const END = "end";
const QUIET = "quiet";
const PANE = "10s";

const sensitivity = (minCount: number, onset: number) =>
  Type.Object(
    {
      min_count: Type.Integer({
        minimum: 1,
        default: minCount,
        description: "Fewer events in the window are never a spike.",
      }),
      onset: Type.Number({
        exclusiveMinimum: 0,
        default: onset,
        description: "Standard deviations above the key's own past from which it is a spike.",
      }),
    },
    { additionalProperties: false, default: {} },
  );

const Options = Type.Object(
  {
    short_window: Type.String({ default: "60s", description: "Catches sudden spikes." }),
    long_window: Type.String({
      default: "5m",
      description: "Catches slow ones; what is older than this makes the baseline.",
    }),
    half_life: Type.String({ default: "2h", description: "Of the baseline." }),
    warmup: Type.String({
      default: "12m",
      description: "No spike before the shop has been watched for so long.",
    }),
    hold: Type.String({
      default: "5m",
      description: "A spike ends when it has not been surprising for so long.",
    }),
    longest: Type.String({ default: "2h", description: "What lasts longer is the new usual." }),
    keep: Type.String({ default: "12h", description: "A key this long quiet is forgotten." }),
    fade: Type.Number({
      minimum: 0,
      default: 2,
      description: "Standard deviations below which a spike is no longer surprising.",
    }),
    prior_events: Type.Number({
      exclusiveMinimum: 0,
      default: 0.5,
      description: "What a key is taken to have done before it is known: so many events …",
    }),
    prior_time: Type.String({ default: "1m", description: "… in so much time." }),
    shape: Type.Number({
      exclusiveMinimum: 0,
      default: 30,
      description: "How even behaviour is at best: variance = mean + mean² / shape.",
    }),
    item: sensitivity(3, 3.8),
    category: sensitivity(8, 4.5),
    keyword: sensitivity(4, 4),
    region: sensitivity(20, 4.5),
  },
  { additionalProperties: false },
);

/**
 * Spikes by surprise: the count of the last minute or five against what the key itself used to do
 * (a decayed rate that leaves out the last five minutes and every spike), measured in standard
 * deviations of what one knows of that rate. What the whole shop does more of is no key's news, nor
 * are the many clicks of one visit. It begins at `onset`, ends after `hold` below `fade`.
 */
function trendOperator(
  options: Static<typeof Options>,
): Operator<DemandRecord, Trend | Knowledge, TrendState> {
  const pane = duration(PANE);
  const warmup = duration(options.warmup);
  const hold = duration(options.hold);
  const keep = duration(options.keep);
  const longest = duration(options.longest);
  const baseline: BaselineOptions = {
    pane,
    shortWindow: Math.floor(duration(options.short_window) / pane),
    longWindow: Math.floor(duration(options.long_window) / pane),
    halfLife: duration(options.half_life),
    priorEvents: options.prior_events,
    priorTime: duration(options.prior_time),
    shape: options.shape,
  };
  return {
    name: "trend",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) => (scopeOf(record) === undefined ? undefined : record.key),
    init: () => ({ base: null, surge: null, last: 0 }),
    onEvent(record, state, ctx) {
      const scope = scopeOf(record);
      if (scope === undefined) return state;
      const [since, pace, burst] = record.payload[1] as ShopPace;
      const isNew = state.base === null;
      const now = Math.max(record.time, state.last);
      state.base ??= newBaseline(since, now, baseline);
      if (isNew) ctx.setTimer(QUIET, plus(now as EventTime, keep));
      state.last = now;
      advance(state.base, now, state.surge !== null, baseline);
      const events = eventCount(record.payload);
      if (events > 0 && !count(state.base, record.time, events, pane)) {
        ctx.late({ key: record.key, count: events, second: isoTime(record.time) });
        return state;
      }
      const { min_count, onset } = options[scope];
      const of = { minCount: min_count, busier: pace / 100, burst: burst / 100 };
      const seen = judge(state.base, now, of, baseline);
      if (state.surge !== null) {
        if (seen.z >= options.fade) heat(state.surge, now, seen);
      } else if (seen.z >= onset && now - since >= warmup) {
        state.surge = { since: seen.start, hot: now, ...figures(seen) };
        ctx.setTimer(END, plus(now as EventTime, hold));
        tell("spike", scope, state, rateOf(state.base, baseline), ctx);
      }
      return state;
    },
    onTimer(timer, state, ctx) {
      const { surge, base } = state;
      if (base === null) return FORGET;
      if (timer.name === QUIET) {
        const due = state.last + keep;
        if (due <= ctx.now && surge === null) return FORGET;
        ctx.setTimer(QUIET, Math.max(due, ctx.now + hold) as EventTime);
        return state;
      }
      if (surge === null) return state;
      const due = surge.hot + hold;
      if (due > ctx.now && ctx.now - surge.since < longest) {
        ctx.setTimer(END, due as EventTime);
        return state;
      }
      const scope = ctx.key.slice(0, ctx.key.indexOf(":")) as HeatDim;
      tell("end", scope, state, rateOf(base, baseline), ctx);
      advance(base, ctx.now, true, baseline);
      if (due > ctx.now) settle(base, baseline);
      state.surge = null;
      return state;
    },
    publish: (out) => (out.kind === "knowledge" ? undefined : messageOf(out)),
  };
}

const isHeatDim = (dim: Dim | undefined): dim is HeatDim =>
  dim === "item" || dim === "category" || dim === "keyword" || dim === "region";

function scopeOf(input: unknown): HeatDim | undefined {
  const dim = dimOf(input);
  const watched = isHeatDim(dim) && isRecord(input) && input.key !== "category:*";
  return watched ? dim : undefined;
}

const figures = ({ z, count, expected }: Judgement) => ({ z, count, expected });

function heat(surge: Surge, now: number, seen: Judgement): void {
  surge.hot = now;
  if (seen.z > surge.z) Object.assign(surge, figures(seen));
}

function tell(
  kind: Trend["kind"],
  scope: HeatDim,
  { surge }: TrendState,
  rate: number,
  ctx: Context<Trend | Knowledge>,
): void {
  if (surge === null) return;
  const { z, count, expected } = surge;
  const key = plainKey(ctx.key);
  const since = surge.since as EventTime;
  const perHour = rate * 3_600_000;
  ctx.emit({ kind, scope, key, at: ctx.now, since, z, count, expected, perHour });
  if (scope !== "item") return;
  const value = kind === "end" ? null : { z: rounded(z), since };
  ctx.emit({ kind: "knowledge", of: "trending", key, value, from: ctx.key });
}

function messageOf(trend: Trend): Message {
  const { kind, scope, key, at, since, z, count, expected, perHour } = trend;
  return {
    subject: `trend.${kind}.${scope}`,
    data: {
      scope,
      key,
      ...(scope === "item" ? { sku: key } : {}),
      at: isoTime(at),
      since: isoTime(since),
      z: rounded(z),
      count,
      expected: rounded(expected),
      per_hour: rounded(perHour),
      ...(kind === "end" ? { duration_ms: at - since } : {}),
    },
  };
}

export const trendSpec: OperatorSpec = {
  name: "trend",
  flow: "demand",
  summary: "Spikes of items, categories, keywords and regions, by surprise against their own past.",
  from: ["events"],
  options: Options,
  make: (options) => trendOperator(readOptions(Options, options)),
};
