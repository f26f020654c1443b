import Type, { type Static } from "typebox";
import { FORGET, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, latest } from "../../src/time/event-time.ts";
import type { Knowledge } from "./knowledge.ts";
import { duration, readOptions } from "./options.ts";
import { type DemandRecord, dimOf, plainKey } from "./partial.ts";
import { addTo, fadesAt, newRanking, type Ranking, removeFrom, scaleAt, top } from "./ranking.ts";
import { nextTelling, sameOrder } from "./told.ts";

export interface LeadersState {
  ranking: Ranking | null;
  halfLife: number;
  top: number;
  told: string[];
  /** Something came in since it was told. */
  news: boolean;
}

const TELL = "tell";
const FADE = "fade";
/** Below this score nobody leads. */
const FORGOTTEN = 0.01;
/** People of one group whose scores are kept; no leader is ever missed. */
const CANDIDATES = 500;

const Options = Type.Object(
  { interval: Type.String({ default: "10s", description: "How often changes are told." }) },
  { additionalProperties: false },
);

/** Who leads each group by its score: told to the shopper flow as a fact. */
function leadersOperator(
  options: Static<typeof Options>,
): Operator<DemandRecord, Knowledge, LeadersState> {
  const interval = duration(options.interval);
  return {
    name: "leaders",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) => (dimOf(record) === "leaders" ? record.key : undefined),
    init: () => ({ ranking: null, halfLife: 1, top: 1, told: [], news: false }),
    onEvent({ payload, time }, state, ctx) {
      if (payload[0] !== "leaders") return state;
      const [, person, weight, halfLife, leading] = payload;
      const now = latest(time, ctx.watermark);
      state.ranking ??= newRanking(now);
      state.halfLife = halfLife;
      state.top = leading;
      if (!state.news) ctx.setTimer(TELL, nextTelling(ctx.key, now, interval));
      state.news = true;
      if (weight === 0) {
        removeFrom(state.ranking, person);
        return state;
      }
      addTo(state.ranking, person, weight * scaleAt(state.ranking, time, halfLife), CANDIDATES);
      return state;
    },
    onTimer(timer, state, ctx) {
      if (state.ranking === null) return FORGET;
      const { halfLife } = state;
      const best = top(state.ranking, { n: state.top, support: 1, at: ctx.now, halfLife });
      const key = plainKey(ctx.key);
      const most = best[0]?.[1] ?? 0;
      if (timer.name === FADE && most <= FORGOTTEN) {
        ctx.emit({ kind: "knowledge", of: "leaders", key, value: null, from: ctx.key });
        return FORGET;
      }
      if (timer.name === TELL) state.news = false;
      if (!sameOrder(state.told, best)) {
        state.told = best.map(([person]) => person);
        ctx.emit({ kind: "knowledge", of: "leaders", key, value: state.told, from: ctx.key });
      }
      ctx.setTimer(FADE, fadesAt(most, FORGOTTEN, ctx.now, halfLife) as EventTime);
      return state;
    },
  };
}

export const leadersSpec: OperatorSpec = {
  name: "leaders",
  flow: "demand",
  summary: "Who leads each group by a score, for `rank`.",
  from: ["events"],
  options: Options,
  make: (options) => leadersOperator(readOptions(Options, options)),
};
