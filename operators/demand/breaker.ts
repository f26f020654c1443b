import Type from "typebox";
import { perGeneration } from "../../src/config/generation.ts";
import type { Breaker, RuleFile } from "../../src/config/rule-ast.ts";
import { type Context, type Facts, FORGET, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import type { Knowledge } from "./knowledge.ts";
import { type DemandRecord, dimOf, plainKey } from "./partial.ts";
import { decay } from "./surprise.ts";

export interface BreakerState {
  /** Messages sent and blocked, decayed as of `at`. */
  sent: number;
  blocked: number;
  at: number;
  open: boolean;
}

const FADE = "fade";
const FORGOTTEN = 0.01;

/**
 * Stops a rule whose messages too many people block, and lets it go on when so much of what was
 * counted has faded that it cannot be judged any more.
 */
export function breakerOperator(
  policyAt: (facts: Facts) => Breaker | undefined,
): Operator<DemandRecord, Knowledge, BreakerState> {
  return {
    name: "breaker",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record, facts) =>
      dimOf(record) === "contact" && policyAt(facts) !== undefined ? record.key : undefined,
    init: () => ({ sent: 0, blocked: 0, at: 0, open: false }),
    onEvent({ payload, time }, state, ctx) {
      const policy = policyAt(ctx.facts);
      if (policy === undefined || payload[0] !== "contact") return state;
      fade(state, time, policy);
      const weight = decay(state.at - time, policy.halfLife);
      const [, , sent, , blocked] = payload;
      state.sent += sent * weight;
      state.blocked += blocked * weight;
      judge(state, policy, ctx);
      return state;
    },
    onTimer(_timer, state, ctx) {
      const policy = policyAt(ctx.facts);
      if (policy === undefined) return released(state, ctx);
      fade(state, ctx.now, policy);
      judge(state, policy, ctx);
      return state.open || state.sent > FORGOTTEN ? state : FORGET;
    },
  };
}

/** Nothing is to be stopped any more: neither is what has been. */
function released(state: BreakerState, ctx: Context<Knowledge>): typeof FORGET {
  if (state.open) {
    ctx.emit({
      kind: "knowledge",
      of: "breaker",
      key: plainKey(ctx.key),
      value: null,
      from: ctx.key,
    });
  }
  return FORGET;
}

function fade(state: BreakerState, now: number, { halfLife }: Breaker): void {
  if (now <= state.at) return;
  const kept = state.at === 0 ? 1 : decay(now - state.at, halfLife);
  state.sent *= kept;
  state.blocked *= kept;
  state.at = now;
}

/** Tells when it opens or closes, and waits until too little is left for that. */
function judge(state: BreakerState, { share, least, halfLife }: Breaker, ctx: Context<Knowledge>) {
  const open = state.sent >= least && state.blocked >= share * state.sent;
  if (open !== state.open) {
    state.open = open;
    const value = open ? { open } : null;
    ctx.emit({ kind: "knowledge", of: "breaker", key: plainKey(ctx.key), value, from: ctx.key });
  }
  const faded = halfLife * Math.log2(Math.max(1, state.sent / (open ? least : FORGOTTEN)));
  ctx.setTimer(FADE, (Math.max(state.at, ctx.now) + Math.ceil(faded) + 1) as EventTime);
}

export const breakerSpec: OperatorSpec = {
  name: "breaker",
  flow: "demand",
  summary: "Stops rules whose messages too many people block.",
  from: ["events"],
  options: Type.Object({}, { additionalProperties: false }),
  make: (_options, job) => {
    const file = job.files["rules"] as RuleFile | undefined;
    return breakerOperator(
      perGeneration(
        job.generations,
        (generation) => (generation?.files.rules ?? file)?.contact.breaker,
      ),
    );
  },
};
