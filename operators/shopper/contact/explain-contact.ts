import { CHANNELS } from "../../../src/config/rule-ast.ts";
import { type EventTime, isoTime } from "../../../src/time/event-time.ts";
import { agrees, hasLeft, isMinor } from "../../consent.ts";
import { chance } from "./chance.ts";
import { shownDecision } from "./decision.ts";
import { usedOf } from "./limit.ts";
import { quietAt } from "./quiet.ts";
import { openWay } from "./quota.ts";
import { isBackedOff } from "./silence.ts";
import type { ContactState } from "./state.ts";
import type { KeyedCap, Policies } from "./verdict.ts";

/** What restrains messages to a person at a moment, what waits, and what was decided lately. JSON. */
export function explainContact(
  person: string,
  state: ContactState,
  policies: Policies,
  at: EventTime,
) {
  const { policy, unsaid, seed } = policies;
  const { consents, silence, held, moment, placed, decisions } = state;
  const { backoff } = policy;
  return {
    contact: {
      marketing: agrees(consents, "marketing", unsaid) && agrees(consents, "profiling", unsaid),
      minor: isMinor(consents),
      held_out: policy.holdOut > 0 && chance(seed, person, "contact") < policy.holdOut,
      channels: CHANNELS.map((channel) => channelNow(channel, state, policies, at)),
      caps: policies.caps.flatMap((cap) => capNow(cap, state, policies, at)),
      backed_off: backoff !== undefined && isBackedOff(silence, backoff, at),
      muted: Object.entries(silence.muted)
        .filter(([, until]) => until > at)
        .map(([name, until]) => ({ name, until: isoTime(until) })),
      once: Object.entries(state.once)
        .filter(([, until]) => until > at)
        .map(([key, until]) => ({ key: key.split("\n").join(", "), until: isoTime(until) })),
      waiting: [
        ...moment.map(({ rule, at: until }) => ({ rule, until: isoTime(until) })),
        ...held.map(([until, { rule }]) => ({ rule, until: isoTime(until) })),
      ],
      placed: Object.entries(placed)
        .filter(([, { until }]) => until >= at)
        .map(([slot, { sku, rule, rec, until }]) => ({
          slot,
          sku,
          rule,
          rec_id: rec,
          until: isoTime(until),
        })),
    },
    decisions: decisions.map(shownDecision),
  };
}

/** What marketing meets on a channel: `open` is whether its quota has something left. */
function channelNow(
  channel: (typeof CHANNELS)[number],
  { consents, ledger }: ContactState,
  { policy, local }: Policies,
  at: EventTime,
) {
  const quiet = quietAt(policy, channel, "marketing", at, local);
  const way = openWay(ledger, policy, channel, "marketing", at, local);
  return {
    channel,
    left: hasLeft(consents, channel),
    ...(quiet.does === "hold" ? { quiet_until: isoTime(quiet.until) } : {}),
    open: way !== undefined,
    quota: way?.shown ?? {},
  };
}

/** What is used of a cap, apart for each channel and rule where it is; what nothing is used of is left out. */
function capNow(cap: KeyedCap, { caps }: ContactState, { local }: Policies, at: EventTime) {
  const { key, max, every } = cap;
  return Object.entries(caps).flatMap(([place, usage]) => {
    const [of, rule = "", channel = ""] = place.split("/");
    const used = of === key ? usedOf(usage, cap, at, local) : 0;
    if (used === 0) return [];
    return [
      {
        used,
        max,
        every: typeof every === "number" ? `${every}ms` : every,
        ...(rule === "" ? {} : { rule }),
        ...(channel === "" ? {} : { channel }),
      },
    ];
  });
}
