import { decode, encode } from "@msgpack/msgpack";
import { clockCorrected } from "../../../operators/collect/clock.ts";
import { eventId, sourceOf } from "../../../operators/collect/event-id.ts";
import { readTime } from "../../../operators/collect/timestamp.ts";
import { headerOf, type StoredMessage } from "../../replay/stored-message.ts";
import type { Millis } from "../../time/event-time.ts";
import type { DeadLetter } from "./letters.ts";

/** What is sent to `IN` for a dead letter. */
export interface Again {
  readonly ok: true;
  /** Without the prefix. */
  readonly subject: string;
  readonly data: Uint8Array;
  readonly contentType: string | undefined;
}
export interface NotAgain {
  readonly ok: false;
  readonly why: string;
}

export interface AgainOptions {
  readonly maxAge: Millis;
  /** Whether time comes from the events: then a later sending changes no event's time. */
  readonly trustRecv: boolean;
}

type Raw = Readonly<Record<string, unknown>>;
const isRaw = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Collect shows so much of a subject. */
const SUBJECT_SHOWN = 200;

const TIMER: NotAgain = { ok: false, why: "a timer failed: there is no event to send again" };
const SHARE: NotAgain = {
  ok: false,
  why: "the operator got it from another operator, and the rest of the event was applied",
};
const NO_PLACE: NotAgain = {
  ok: false,
  why: "the letter does not say which record of IN it is of",
};
const GONE: NotAgain = { ok: false, why: "its record is no longer on IN" };
const OTHER: NotAgain = { ok: false, why: "the record it names on IN is another one" };

/** Where the original of a letter stands on `IN`; letters hold no identifiers, so they hold no original. */
export function recordOf({ reason, data }: DeadLetter): number | NotAgain {
  const { seq } = data;
  if (typeof seq === "number") return seq;
  if (reason !== "operator") return NO_PLACE;
  return data["timer"] === undefined ? SHARE : TIMER;
}

/**
 * The original of a letter as it can be sent again: the body that was refused, or the one event of
 * a batch; the event that broke an operator under a new id, for collect knows the old one. Event
 * times stay what they were.
 */
export function againOf(
  letter: DeadLetter,
  stored: StoredMessage | undefined,
  options: AgainOptions,
): Again | NotAgain {
  if (stored === undefined) return GONE;
  return letter.reason === "operator"
    ? eventAgain(letter, stored)
    : bodyAgain(letter, stored, options);
}

function bodyAgain(
  { data }: DeadLetter,
  stored: StoredMessage,
  options: AgainOptions,
): Again | NotAgain {
  const { subject, bytes, index } = data;
  if (stored.subject.slice(0, SUBJECT_SHOWN) !== subject || stored.data.length !== bytes)
    return OTHER;
  const whole = asItWas(stored);
  const body = bodyOf(stored);
  if (body === undefined || stored.subject.startsWith("in.knowledge.")) return whole;
  const values = Array.isArray(body) ? body : [body];
  const wanted = typeof index === "number" ? values.slice(index, index + 1) : values;
  const kept = options.trustRecv ? wanted : wanted.map((value) => inTime(value, stored, options));
  if (wanted.length === values.length && kept.every((value, i) => value === values[i]))
    return whole;
  return encoded(stored, Array.isArray(body) ? kept : kept[0]);
}

/**
 * Later, an event that says when it was sent would be moved on by as long as it lay dead, and one
 * of the future would no longer be one.
 */
function inTime(value: unknown, { subject, time }: StoredMessage, options: AgainOptions): unknown {
  const isFeedback = subject.startsWith("in.feedback.");
  if (!isRaw(value) || !(isFeedback || subject.startsWith("in.event."))) return value;
  const ts = isFeedback && value["ts"] === undefined ? time : readTime(value["ts"]);
  if (ts === undefined) return value;
  const { sent: said, ...rest } = value;
  const sent = readTime(said);
  const corrected = sent === undefined ? undefined : clockCorrected(ts, sent, time, options.maxAge);
  const at = Math.min(corrected ?? ts, time);
  return at === readTime(value["ts"]) && said === undefined ? value : { ...rest, ts: at };
}

function eventAgain({ id, data }: DeadLetter, stored: StoredMessage): Again | NotAgain {
  const event = isRaw(data["event"]) ? data["event"] : {};
  const body = bodyOf(stored);
  const values: readonly unknown[] = Array.isArray(body) ? body : [body];
  const raw = values.find(
    (value, index) =>
      isRaw(value) &&
      event["id"] ===
        eventId(sourceOf(value["src"]), String(event["clientId"]), Number(event["recv"]), index),
  );
  if (!isRaw(raw)) return OTHER;
  const { sent: _sent, ...rest } = raw;
  return encoded(stored, { ...rest, id: `replay-${id}`, ts: event["at"] });
}

const asItWas = (stored: StoredMessage): Again => ({
  ok: true,
  subject: stored.subject,
  data: stored.data,
  contentType: headerOf(stored, "Content-Type"),
});

const isMsgpack = ({ data }: StoredMessage): boolean => (data[0] ?? 0) >= 0x80 && data[0] !== 0xef;

/** Undefined when nobody can read it. */
function bodyOf(stored: StoredMessage): unknown {
  try {
    if (isMsgpack(stored)) return decode(stored.data);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(stored.data));
  } catch {
    return undefined;
  }
}

function encoded(stored: StoredMessage, value: unknown): Again {
  const data = isMsgpack(stored) ? encode(value) : Buffer.from(JSON.stringify(value));
  return { ...asItWas(stored), data };
}
