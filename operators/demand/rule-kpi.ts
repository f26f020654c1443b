import Type, { type Static } from "typebox";
import { perGeneration } from "../../src/config/generation.ts";
import type { MessageClass, RuleFile } from "../../src/config/rule-ast.ts";
import type { Facts, Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import { intervalOption, rateOf, tellLater } from "./kpi.ts";
import { duration, readOptions } from "./options.ts";
import { type DemandRecord, dimOf, plainKey } from "./partial.ts";

/** What became of what one rule proposed, since the beginning. */
export interface RuleKpiState {
  proposed: number;
  sent: number;
  hits: number;
  blocked: number;
  revenueMinor: number;
  /** Something came in since it was told. */
  news: boolean;
}

interface RuleKpi {
  readonly rule: string;
  readonly class: MessageClass;
  readonly at: EventTime;
  readonly counts: RuleKpiState;
}

const Options = Type.Object({ interval: intervalOption }, { additionalProperties: false });

/** How precisely each rule contacts people: of whom it might, whom it did, and who answered. */
function ruleKpiOperator(
  options: Static<typeof Options>,
  classesAt: (facts: Facts) => ReadonlyMap<string, MessageClass>,
): Operator<DemandRecord, RuleKpi, RuleKpiState> {
  const interval = duration(options.interval);
  return {
    name: "rule_kpi",
    version: 1,
    order: "event-time",
    key: (record) => (dimOf(record) === "contact" ? record.key : undefined),
    init: () => ({ proposed: 0, sent: 0, hits: 0, blocked: 0, revenueMinor: 0, news: false }),
    onEvent({ payload, time }, state, ctx) {
      if (payload[0] !== "contact") return state;
      const [, proposed, sent, hits, blocked, revenueMinor] = payload;
      state.proposed += proposed;
      state.sent += sent;
      state.hits += hits;
      state.blocked += blocked;
      state.revenueMinor += revenueMinor;
      tellLater(state, time, ctx, interval);
      return state;
    },
    onTimer(_timer, state, ctx) {
      state.news = false;
      const rule = plainKey(ctx.key);
      const of = classesAt(ctx.facts).get(rule) ?? "marketing";
      ctx.emit({ rule, class: of, at: ctx.now, counts: state });
      return state;
    },
    publish: ({ rule, class: of, at, counts }) => {
      const { proposed, sent, hits, blocked, revenueMinor } = counts;
      return {
        subject: "kpi.precision",
        data: {
          // Whoever looks for what a rule did to people looks for `rule`.
          of: rule,
          class: of,
          at: isoTime(at),
          eligible: proposed,
          contacted: sent,
          hits,
          blocked,
          revenue_minor: revenueMinor,
          contact_rate: rateOf(sent, proposed),
          hit_rate: rateOf(hits, sent),
        },
      };
    },
  };
}

export const ruleKpiSpec: OperatorSpec = {
  name: "rule_kpi",
  flow: "demand",
  summary: "How precisely each rule contacts people, and what they bought of it.",
  from: ["events"],
  options: Options,
  make: (options, job) => {
    const file = job.files["rules"] as RuleFile | undefined;
    const classesAt = perGeneration(job.generations, (generation) => {
      const { rules = [] } = generation?.files.rules ?? file ?? {};
      return new Map(rules.map((rule) => [rule.id, rule.class]));
    });
    return ruleKpiOperator(readOptions(Options, options), classesAt);
  },
};
