import Type, { type Static } from "typebox";
import { FORGET, type Message, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime, latest } from "../../src/time/event-time.ts";
import type { Knowledge } from "./knowledge.ts";
import { duration, readOptions } from "./options.ts";
import {
  type DemandRecord,
  dimOf,
  FEEDBACK_MEASURES,
  type FeedbackMeasure,
  plainKey,
} from "./partial.ts";
import { fadesAt } from "./ranking.ts";
import { decay, rounded } from "./surprise.ts";
import { nextTelling } from "./told.ts";

type Tally = Readonly<Record<FeedbackMeasure, number>>;
/** How a kind of recommendation did, as of `at`. */
interface Outcome {
  readonly kind: "outcome";
  readonly name: "ctr" | "conversion";
  readonly of: string;
  readonly at: EventTime;
  /** Since the beginning. */
  readonly totals: Tally;
  /** Decayed. */
  readonly recent: Tally;
}
export interface LearningState {
  /** In the order of `FEEDBACK_MEASURES`. */
  totals: number[];
  /** The same, decayed as of `at`. */
  recent: number[];
  at: number;
  /** Something came in since it was told. */
  news: boolean;
}

const TELL = "tell";
const FORGOTTEN = 0.01;

const Options = Type.Object(
  {
    half_life: Type.String({ default: "7d", description: "Of what was learned." }),
    interval: Type.String({ default: "60s", description: "How often changes are told." }),
  },
  { additionalProperties: false },
);

/** What becomes of each kind of recommendation: click-through and conversion. */
function learningOperator(
  options: Static<typeof Options>,
): Operator<DemandRecord, Outcome | Knowledge, LearningState> {
  const halfLife = duration(options.half_life);
  const interval = duration(options.interval);
  const none = () => FEEDBACK_MEASURES.map(() => 0);
  return {
    name: "learning",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) => (dimOf(record) === "feedback" ? record.key : undefined),
    init: () => ({ totals: none(), recent: none(), at: 0, news: false }),
    onEvent(record, state, ctx) {
      const { payload, time } = record;
      if (payload[0] !== "feedback") return state;
      const now = latest(time, ctx.watermark);
      if (!state.news) ctx.setTimer(TELL, nextTelling(ctx.key, now, interval));
      forget(state, time, halfLife);
      const weight = decay(state.at - time, halfLife);
      FEEDBACK_MEASURES.forEach((_, i) => {
        const count = payload[i + 1] as number;
        state.totals[i] = (state.totals[i] ?? 0) + count;
        state.recent[i] = (state.recent[i] ?? 0) + count * weight;
      });
      state.news = true;
      return state;
    },
    onTimer(_timer, state, ctx) {
      forget(state, ctx.now, halfLife);
      const most = Math.max(...state.recent);
      if (!state.news && most <= FORGOTTEN) return FORGET;
      if (state.news) {
        const of = plainKey(ctx.key);
        const outcome = { kind: "outcome", of, at: ctx.now } as const;
        const [totals, recent] = [named(state.totals), named(state.recent)];
        ctx.emit({ ...outcome, name: "ctr", totals, recent });
        ctx.emit({ ...outcome, name: "conversion", totals, recent });
        const { shown, clicked, purchased } = recent;
        const value = {
          shown: rounded(shown),
          clicked: rounded(clicked),
          purchased: rounded(purchased),
        };
        ctx.emit({ kind: "knowledge", of: "kinds", key: of, value, from: ctx.key });
        state.news = false;
      }
      ctx.setTimer(TELL, fadesAt(most, FORGOTTEN, ctx.now, halfLife) as EventTime);
      return state;
    },
    publish: (out) => (out.kind === "knowledge" ? undefined : messageOf(out)),
  };
}

function forget(state: LearningState, now: number, halfLife: number): void {
  if (now <= state.at) return;
  const kept = state.at === 0 ? 1 : decay(now - state.at, halfLife);
  state.recent = state.recent.map((count) => count * kept);
  state.at = now;
}

const named = (counts: readonly number[]): Tally =>
  Object.fromEntries(FEEDBACK_MEASURES.map((name, i) => [name, counts[i] ?? 0])) as Tally;

/** Both rates are per recommendation shown; 0 when none was. */
function messageOf({ name, of, at, totals, recent }: Outcome): Message {
  const measure = name === "ctr" ? "clicked" : "purchased";
  const rate = (tally: Tally) => (tally.shown > 0 ? rounded(tally[measure] / tally.shown) : 0);
  return {
    subject: `kpi.${name}`,
    data: { kind: of, at: isoTime(at), value: rate(totals), recent: rate(recent), ...totals },
  };
}

export const learningSpec: OperatorSpec = {
  name: "learning",
  flow: "demand",
  summary: "Click-through and conversion of each kind of recommendation.",
  from: ["events"],
  options: Options,
  make: (options) => learningOperator(readOptions(Options, options)),
};
