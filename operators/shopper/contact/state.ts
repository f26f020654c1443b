import { days, type EventTime } from "../../../src/time/event-time.ts";
import { type Consents, isSilent, noConsents } from "../../consent.ts";
import { isEmpty, kept } from "../records.ts";
import type { Decision } from "./decision.ts";
import type { Usage } from "./limit.ts";
import type { Proposal } from "./proposal.ts";
import { type Ledger, noLedger, pruneLedger } from "./quota.ts";
import type { Sender } from "./sender.ts";
import { noSilence, pruneSilence, type Silence } from "./silence.ts";

/**
 * What restrains messages to one person. Plain data. Lists and records are replaced, never changed:
 * copies share them.
 */
export interface ContactState {
  /** Of the last decision: none is dated before it. */
  clock: EventTime;
  consents: Consents;
  /** Of the caps, by cap, channel and rule. */
  caps: Readonly<Record<string, Usage>>;
  ledger: Ledger;
  silence: Silence;
  /** By key of a rule's `once`: not before. */
  once: Readonly<Record<string, EventTime>>;
  /** The moment whose one message of marketing went or is held, last of all. */
  taken: EventTime;
  /** What waits for the end of its moment. */
  moment: readonly Proposal[];
  /** What quiet hours hold, with the earliest time it may go. */
  held: readonly (readonly [until: EventTime, proposal: Proposal])[];
  /** What waits for a page to ask for it, by slot. */
  placed: Readonly<Record<string, Placement>>;
  /** The last ones, oldest first, for whoever asks why. */
  decisions: readonly Decision[];
  /** Who writes to the person on WeCom, where that is known. */
  sender?: Sender;
}

/** A sku that is shown first in a slot at the next asking. Plain data. */
export interface Placement {
  readonly sku: string;
  readonly rule: string;
  readonly rec: string;
  readonly until: EventTime;
}

export const newContact = (): ContactState => ({
  clock: 0 as EventTime,
  consents: noConsents(),
  caps: {},
  ledger: noLedger(),
  silence: noSilence(),
  once: {},
  taken: 0 as EventTime,
  moment: [],
  held: [],
  placed: {},
  decisions: [],
});

/** A copy that shares nothing that changes in place. */
export const copyContact = (state: ContactState): ContactState => ({
  ...state,
  ledger: { ...state.ledger },
  silence: { ...state.silence },
});

/** Longer than any calendar month and any back-off. */
const KEEP = days(40);

/** Drops what can no longer count at `at`. */
export function pruneContact(state: ContactState, at: EventTime): void {
  pruneLedger(state.ledger, at);
  pruneSilence(state.silence, at, KEEP);
  state.once = kept(state.once, (until) => until > at);
  state.placed = kept(state.placed, ({ until }) => until >= at);
  state.decisions = state.decisions.filter((decision) => decision.at + KEEP > at);
  if (state.clock + KEEP > at) return;
  state.caps = {};
  state.ledger.used = {};
}

/** Nothing is left that could restrain anything. */
export const isBlank = (state: ContactState): boolean =>
  isSilent(state.consents) &&
  state.sender === undefined &&
  isEmpty(state.caps) &&
  isEmpty(state.ledger.used) &&
  isEmpty(state.ledger.grants) &&
  state.silence.notes.length === 0 &&
  isEmpty(state.silence.muted) &&
  isEmpty(state.once) &&
  state.moment.length + state.held.length + state.decisions.length === 0 &&
  isEmpty(state.placed);
