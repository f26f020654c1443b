import type { Message } from "../../src/flow/operator.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";

/** Two persons are one: what is said of `from` from here on is said of `person`. */
export const identityMerged = (from: string, person: string, at: EventTime): Message => ({
  subject: "identity.merged",
  data: { person, from, at: isoTime(at) },
  time: at,
});

/** Identifiers came together that are not one person's; `kind` is that of the one in question. */
export const identityConflict = (
  reason: string,
  kind: string,
  person: string,
  at: EventTime,
): Message => ({
  subject: "identity.conflict",
  data: { reason, kind, person, at: isoTime(at) },
  time: at,
});
