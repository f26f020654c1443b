import Type, { type Static } from "typebox";
import type { Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { latest } from "../../src/time/event-time.ts";
import { quantiles, type Sketch } from "../../src/time/quantiles.ts";
import type { Knowledge } from "./knowledge.ts";
import { duration, readOptions } from "./options.ts";
import { type DemandRecord, dimOf, plainKey } from "./partial.ts";
import { nextTelling } from "./told.ts";

export interface SpendingState {
  /** What each buyer has spent lately. */
  sketch: Sketch | null;
  buyers: number;
  told: readonly number[];
}

/** The fact `spending` of key `*`. */
export interface SpendingLevels {
  /** Minor units that half, four fifths and nineteen twentieths of the buyers spend less than. */
  readonly p50: number;
  readonly p80: number;
  readonly p95: number;
  readonly buyers: number;
}

const TELL = "tell";

const Options = Type.Object(
  {
    interval: Type.String({ default: "60s", description: "How often changes are told." }),
    least: Type.Integer({
      minimum: 2,
      default: 20,
      description: "Of fewer buyers nothing is told.",
    }),
  },
  { additionalProperties: false },
);

/**
 * What the shop's buyers spend, as quantiles over people: each person counts with what they have spent
 * lately, and leaves with what is too long ago. A sketch of relative error 1 % (src/time/quantiles.ts)
 * from which values can be taken back, so it is always that of the people as they are now.
 */
function spendingOperator(
  options: Static<typeof Options>,
): Operator<DemandRecord, Knowledge, SpendingState> {
  const interval = duration(options.interval);
  const levels = quantiles([0.5, 0.8, 0.95]);
  return {
    name: "spending",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) => (dimOf(record) === "spend" ? record.key : undefined),
    init: () => ({ sketch: null, buyers: 0, told: [] }),
    onEvent({ payload, time }, state, ctx) {
      if (payload[0] !== "spend") return state;
      const [, before, now] = payload;
      const sketch = state.sketch ?? levels.init();
      if (before > 0) levels.remove(sketch, before);
      if (now > 0) levels.add(sketch, now, time);
      state.sketch = sketch;
      state.buyers += (now > 0 ? 1 : 0) - (before > 0 ? 1 : 0);
      ctx.setTimer(TELL, nextTelling(ctx.key, latest(time, ctx.watermark), interval));
      return state;
    },
    onTimer(_timer, state, ctx) {
      const { sketch, buyers } = state;
      if (sketch === null || buyers < options.least) return state;
      const [p50 = 0, p80 = 0, p95 = 0] = levels.result(sketch).map((of) => Math.round(of ?? 0));
      if (state.told[0] === p50 && state.told[1] === p80 && state.told[2] === p95) return state;
      state.told = [p50, p80, p95];
      const value: SpendingLevels = { p50, p80, p95, buyers };
      ctx.emit({
        kind: "knowledge",
        of: "spending",
        key: plainKey(ctx.key),
        value,
        from: ctx.key,
      });
      return state;
    },
  };
}

export const spendingSpec: OperatorSpec = {
  name: "spending",
  flow: "demand",
  summary: "What buyers spend, as quantiles over people, for `spending_tier`.",
  from: ["events"],
  options: Options,
  make: (options) => spendingOperator(readOptions(Options, options)),
};
