import type { Refusal } from "../../src/codec/wire.ts";
import type { Message } from "../../src/flow/operator.ts";
import { type EventTime, isoTime, type Millis } from "../../src/time/event-time.ts";
import type { CollectInput } from "./contract.ts";
import type { Original } from "./mask.ts";

const MAX_TEXT = 200;

/** What is told about something refused; `index` is its place in its batch. */
export function deadLetter(
  why: Refusal,
  input: CollectInput,
  index: number | undefined,
  now: EventTime,
  original: Original,
): Message {
  const data = {
    reason: why.reason,
    ...(why.field === undefined ? {} : { field: why.field.slice(0, MAX_TEXT) }),
    remedy: why.remedy,
    subject: input.subject.slice(0, MAX_TEXT),
    seq: input.seq,
    ...(index === undefined ? {} : { index }),
    at: isoTime(now),
    bytes: input.data.length,
    ...original,
  };
  return { subject: `deadletter.${why.reason}`, data, time: now };
}

export interface LateEvent {
  readonly type: string;
  readonly clientId: string;
  readonly at: EventTime;
  readonly broker: EventTime;
  readonly maxAge: Millis;
  readonly seq: number;
  readonly index: number;
}

/** What is told about an event that came too late to count. */
export function lateMessage(late: LateEvent): Message {
  const data = {
    reason: "too_old",
    type: late.type,
    at: isoTime(late.at),
    broker: isoTime(late.broker),
    max_age_ms: late.maxAge,
    client_id: late.clientId,
    seq: late.seq,
    index: late.index,
  };
  return { subject: "late.collect", data, time: late.broker };
}
