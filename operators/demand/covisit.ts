import Type, { type Static } from "typebox";
import { FORGET, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, latest } from "../../src/time/event-time.ts";
import type { Knowledge } from "./knowledge.ts";
import { duration, readOptions } from "./options.ts";
import { type DemandRecord, dimOf, plainKey } from "./partial.ts";
import { addTo, fadesAt, newRanking, type Ranking, scaleAt, sumOf, top } from "./ranking.ts";
import { rounded } from "./surprise.ts";
import { nextTelling, sameOrder } from "./told.ts";

export interface CovisitState {
  ranking: Ranking | null;
  told: string[];
  /** Something came in since it was told. */
  news: boolean;
}

const TELL = "tell";
const FORGET_IT = "forget";
const FORGOTTEN = 0.01;

const Options = Type.Object(
  {
    half_life: Type.String({ default: "1d", description: "Of a meeting's weight." }),
    interval: Type.String({ default: "60s", description: "How often changes are told." }),
    neighbours: Type.Integer({ minimum: 20, maximum: 256, default: 64 }),
    top: Type.Integer({ minimum: 1, maximum: 20, default: 20 }),
    min_support: Type.Integer({
      minimum: 1,
      default: 2,
      description: "Seconds in which two items were met together before it counts for anything.",
    }),
    shrink: Type.Number({
      minimum: 0,
      default: 5,
      description: "Meetings with nobody that every item is taken to have had.",
    }),
  },
  { additionalProperties: false },
);

/**
 * Items met in one session with the key's item. The score is the share of the item's meetings,
 * shrunk for items that are hardly known: c / (n + shrink).
 */
function covisitOperator(
  options: Static<typeof Options>,
): Operator<DemandRecord, Knowledge, CovisitState> {
  const halfLife = duration(options.half_life);
  const interval = duration(options.interval);
  return {
    name: "covisit",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) => (dimOf(record) === "covisit" ? record.key : undefined),
    init: () => ({ ranking: null, told: [], news: false }),
    onEvent(record, state, ctx) {
      if (record.payload[0] !== "covisit") return state;
      const now = latest(record.time, ctx.watermark);
      state.ranking ??= newRanking(now);
      if (!state.news) ctx.setTimer(TELL, nextTelling(ctx.key, now, interval));
      state.news = true;
      const scale = scaleAt(state.ranking, record.time, halfLife);
      for (const [sku, count] of record.payload[1]) {
        addTo(state.ranking, sku, count * scale, options.neighbours);
      }
      return state;
    },
    onTimer(timer, state, ctx) {
      if (state.ranking === null) return FORGET;
      const key = plainKey(ctx.key);
      const sum = sumOf(state.ranking, ctx.now, halfLife);
      if (timer.name === FORGET_IT && sum <= FORGOTTEN) {
        if (state.told.length > 0) {
          ctx.emit({ kind: "knowledge", of: "covisit", key, value: null, from: ctx.key });
        }
        return FORGET;
      }
      // Weights decay alike: without news there is no new order.
      if (timer.name === TELL) state.news = false;
      const wanted = { n: options.top, support: options.min_support, at: ctx.now, halfLife };
      const best = top(state.ranking, wanted);
      if (!sameOrder(state.told, best)) {
        const value = best.map(([sku, c]) => [sku, rounded(c / (sum + options.shrink))] as const);
        ctx.emit({ kind: "knowledge", of: "covisit", key, value, from: ctx.key });
        state.told = best.map(([sku]) => sku);
      }
      ctx.setTimer(FORGET_IT, fadesAt(sum, FORGOTTEN, ctx.now, halfLife) as EventTime);
      return state;
    },
  };
}

export const covisitSpec: OperatorSpec = {
  name: "covisit",
  flow: "demand",
  summary: "Which items are met in one session with each item.",
  from: ["events"],
  options: Options,
  make: (options) => covisitOperator(readOptions(Options, options)),
};
