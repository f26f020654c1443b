import { copyPlain } from "../../../src/state/plain.ts";
import { type EventTime, latest } from "../../../src/time/event-time.ts";
import { withDecision } from "./decision.ts";
import type { Usage } from "./limit.ts";
import { MOST_WAITING } from "./restraint.ts";
import { joinSender } from "./sender.ts";
import { KEPT_NOTES } from "./silence.ts";
import type { ContactState } from "./state.ts";
import type { Policies } from "./verdict.ts";

type Records<V> = Readonly<Record<string, V>>;

/** What restrains messages to a person, with what did to somebody who turned out to be the same. */
export function joinContact(
  into: ContactState,
  from: ContactState,
  { keptDecisions }: Pick<Policies, "keptDecisions">,
): void {
  into.clock = latest(into.clock, from.clock);
  into.taken = latest(into.taken, from.taken);
  const consents = copyPlain(into.consents);
  consents.withdrawn = latest(consents.withdrawn, from.consents.withdrawn);
  consents.purposes = joined(consents.purposes, from.consents.purposes, laterSaid);
  consents.channels = joined(consents.channels, from.consents.channels, laterSaid);
  into.consents = consents;
  into.caps = joined(into.caps, from.caps, joinUsage);
  into.ledger.used = joined(into.ledger.used, from.ledger.used, joinUsage);
  into.ledger.grants = joined(into.ledger.grants, from.ledger.grants, joinGrants);
  into.once = joined(into.once, from.once, latest);
  into.silence.muted = joined(into.silence.muted, from.silence.muted, latest);
  into.placed = joined(into.placed, from.placed, (a, b) => (b.until > a.until ? b : a));
  joinSender(into, from);
  const notes = [...into.silence.notes, ...from.silence.notes].sort((a, b) => a.at - b.at);
  into.silence.notes = notes.slice(-KEPT_NOTES);
  const decisions = [...into.decisions, ...from.decisions].sort((a, b) => a.at - b.at);
  into.decisions = [];
  for (const decision of decisions)
    into.decisions = withDecision(into.decisions, decision, keptDecisions);
  into.moment = [...into.moment, ...from.moment].slice(0, MOST_WAITING);
  into.held = [...into.held, ...from.held].sort((a, b) => a[0] - b[0]).slice(0, MOST_WAITING);
}

function joined<V>(into: Records<V>, from: Records<V>, join: (a: V, b: V) => V): Record<string, V> {
  const all = { ...into };
  for (const [name, other] of Object.entries(from)) {
    const own = into[name];
    all[name] = own === undefined ? other : join(own, other);
  }
  return all;
}

type Said = [at: EventTime, yes: boolean];
const laterSaid = (a: Said, b: Said): Said => (b[0] > a[0] ? b : a);

/** Numbers of calendar periods are far smaller than times. */
const FIRST_TIME = 1e10;

/** Both used the same limit: of a calendar period it adds up, times stand side by side. */
function joinUsage(a: Usage, b: Usage): Usage {
  const [periodA = 0, countA = 0] = a;
  const [periodB = 0, countB = 0] = b;
  if (Math.max(periodA, periodB) >= FIRST_TIME) return [...a, ...b].sort((x, y) => x - y);
  if (periodA === periodB) return [periodA, countA + countB];
  return periodB > periodA ? b : a;
}

/** What both were granted is left to the one they are; 0 is for ever. */
function joinGrants(
  [leftA, untilA]: [number, EventTime],
  [leftB, untilB]: [number, EventTime],
): [number, EventTime] {
  const until = untilA === 0 || untilB === 0 ? (0 as EventTime) : latest(untilA, untilB);
  return [leftA + leftB, until];
}
