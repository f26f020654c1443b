import Type, { type Static } from "typebox";
import { FORGET, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, latest } from "../../src/time/event-time.ts";
import type { Knowledge } from "./knowledge.ts";
import { duration, readOptions } from "./options.ts";
import { type DemandRecord, dimOf, HEAT_MEASURES, plainKey } from "./partial.ts";
import { addTo, fadesAt, newRanking, type Ranking, scaleAt, top } from "./ranking.ts";
import { rounded } from "./surprise.ts";
import { nextTelling, sameOrder } from "./told.ts";

export interface PopularityState {
  ranking: Ranking | null;
  /** The order that was told last. */
  told: string[];
  /** Something came in since it was told. */
  news: boolean;
}

const TELL = "tell";
const FORGET_IT = "forget";
/** Below this weight nobody remembers the category's last item. */
const FORGOTTEN = 0.01;

const Options = Type.Object(
  {
    half_life: Type.String({ default: "6h", description: "Of an event's weight." }),
    interval: Type.String({ default: "60s", description: "How often changes are told." }),
    candidates: Type.Integer({ minimum: 20, maximum: 1000, default: 200 }),
    top: Type.Integer({ minimum: 1, maximum: 20, default: 20 }),
    weights: Type.Object(
      {
        views: Type.Integer({ minimum: 0, default: 1 }),
        touches: Type.Integer({ minimum: 0, default: 1 }),
        carts: Type.Integer({ minimum: 0, default: 4 }),
        favs: Type.Integer({ minimum: 0, default: 3 }),
        orders: Type.Integer({ minimum: 0, default: 6 }),
      },
      { additionalProperties: false, default: {}, description: "What an event is worth." },
    ),
  },
  { additionalProperties: false },
);

/** The items people turn to now, of each category and (key `*`) of the whole shop. */
function popularityOperator(
  options: Static<typeof Options>,
): Operator<DemandRecord, Knowledge, PopularityState> {
  const halfLife = duration(options.half_life);
  const interval = duration(options.interval);
  const weights = HEAT_MEASURES.map((measure) => options.weights[measure]);
  return {
    name: "popularity",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) => (dimOf(record) === "category" ? record.key : undefined),
    init: () => ({ ranking: null, told: [], news: false }),
    onEvent(record, state, ctx) {
      if (record.payload[0] !== "category") return state;
      const now = latest(record.time, ctx.watermark);
      state.ranking ??= newRanking(now);
      if (!state.news) ctx.setTimer(TELL, nextTelling(ctx.key, now, interval));
      state.news = true;
      const scale = scaleAt(state.ranking, record.time, halfLife);
      for (const [sku, ...counts] of record.payload[2]) {
        let weight = 0;
        for (let i = 0; i < counts.length; i += 1) weight += (counts[i] ?? 0) * (weights[i] ?? 0);
        if (weight > 0) addTo(state.ranking, sku, weight * scale, options.candidates);
      }
      return state;
    },
    onTimer(timer, state, ctx) {
      if (state.ranking === null) return FORGET;
      const best = top(state.ranking, { n: options.top, support: 1, at: ctx.now, halfLife });
      const key = plainKey(ctx.key);
      const heaviest = best[0]?.[1] ?? 0;
      if (timer.name === FORGET_IT && heaviest <= FORGOTTEN) {
        ctx.emit({ kind: "knowledge", of: "popular", key, value: null, from: ctx.key });
        return FORGET;
      }
      // Weights decay alike: without news there is no new order.
      if (timer.name === TELL) state.news = false;
      if (!sameOrder(state.told, best)) {
        const value = best.map(([sku, weight]) => [sku, rounded(weight)] as const);
        ctx.emit({ kind: "knowledge", of: "popular", key, value, from: ctx.key });
        state.told = best.map(([sku]) => sku);
      }
      ctx.setTimer(FORGET_IT, fadesAt(heaviest, FORGOTTEN, ctx.now, halfLife) as EventTime);
      return state;
    },
  };
}

export const popularitySpec: OperatorSpec = {
  name: "popularity",
  flow: "demand",
  summary: "The most popular items per category and of the whole shop, decayed.",
  from: ["events"],
  options: Options,
  make: (options) => popularityOperator(readOptions(Options, options)),
};
