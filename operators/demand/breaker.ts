import Type from "typebox";
import type { Breaker, RuleFile } from "../../src/config/rule-ast.ts";
import { type Context, FORGET, type Operator } from "../../src/flow/operator.ts";
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
  policy: Breaker | undefined,
): Operator<DemandRecord, Knowledge, BreakerState> {
  return {
    name: "breaker",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) => (policy !== undefined && dimOf(record) === "contact" ? record.key : undefined),
    init: () => ({ sent: 0, blocked: 0, at: 0, open: false }),
    onEvent({ payload, time }, state, ctx) {
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
      if (policy === undefined) return FORGET;
      fade(state, ctx.now, policy);
      judge(state, policy, ctx);
      return state.open || state.sent > FORGOTTEN ? state : FORGET;
    },
  };
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
  make: (_options, job) =>
    breakerOperator((job.files["rules"] as RuleFile | undefined)?.contact.breaker),
};
