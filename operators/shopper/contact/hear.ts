import type { Facts } from "../../../src/flow/operator.ts";
import { copyPlain } from "../../../src/state/plain.ts";
import { CONSENT_EVENTS, hearConsent } from "../../consent.ts";
import { numberProp, type ShopEvent, textProp } from "../../event.ts";
import type { Matchers } from "../condition/matchers.ts";
import { without } from "../records.ts";
import type { Answered } from "./outcome.ts";
import { hearGrants } from "./quota.ts";
import { hearSender } from "./sender.ts";
import { ANSWER_EVENTS, hearAnswer } from "./silence.ts";
import type { ContactState } from "./state.ts";
import type { Policies } from "./verdict.ts";

/** A page has asked for what is placed in its slot. */
const SERVED = "recommendation.served";

const HEARD = new Set([...CONSENT_EVENTS, ...ANSWER_EVENTS, SERVED]);

/** Whether events of the type say something about what a person may be sent. */
export const isHeard = (type: string, grants: Matchers): boolean =>
  HEARD.has(type) || grants.knows(type);

/** Takes in consent, contacts, answers, grants and pages served; what the rules' counts need of an answer. */
export function hear(
  event: ShopEvent,
  state: ContactState,
  { policy }: Policies,
  grants: Matchers,
  facts: Facts,
): Answered | undefined {
  const met = grants.knows(event.type) ? grants.of(event, facts) : [];
  if (met.length > 0) hearGrants(state.ledger, policy, met, event.at);
  if (!HEARD.has(event.type)) return undefined;
  if (event.type === SERVED) {
    state.placed = without(state.placed, textProp(event, "slot") ?? "");
    return undefined;
  }
  state.consents = copyPlain(state.consents);
  hearConsent(state.consents, event);
  hearSender(state, event, state.consents);
  const heard = hearAnswer(state.silence, event, policy);
  if (heard === undefined) return undefined;
  const isSale = event.type === "feedback.purchased";
  const revenueMinor = isSale ? (numberProp(event, "total_minor") ?? 0) : 0;
  if (heard.hits + heard.blocked + revenueMinor === 0) return undefined;
  return { kind: "answered", ...heard, revenueMinor, at: event.at };
}
