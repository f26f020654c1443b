import { createHash } from "node:crypto";
import type { Output } from "../flow/output.ts";
import { type EventTime, isoTime } from "../time/event-time.ts";
import { differences } from "./differences.ts";
import { headerOf, type StoredMessage } from "./stored-message.ts";

/** Where an output goes: what demand learned stands on IN. */
export type Place = "IN" | "OUT";

export const placeOf = (subject: string): Place => (subject.startsWith("in.") ? "IN" : "OUT");

/** A message that was published, as far as it is remembered: its text can be looked up again. */
export interface PublishedOutput {
  readonly place: Place;
  readonly seq: number;
  readonly id: string;
  readonly subject: string;
  readonly time: EventTime;
  readonly digest: string;
}

/**
 * What stands on the broker as outputs of the flows, by id. Takes about 300 bytes an output; what
 * has been taken out is forgotten.
 */
export class Published {
  readonly #byId = new Map<string, PublishedOutput>();

  /** Returns the one that stands there under the same id, if any. */
  add(message: StoredMessage, place: Place): PublishedOutput | undefined {
    const { seq, subject, time } = message;
    // One without an id is nobody's output, and is found as such.
    const id = headerOf(message, "ce-id") ?? `none, ${place} ${seq}`;
    const before = this.#byId.get(id);
    if (before !== undefined) return before;
    const digest = digestOfStored(message);
    this.#byId.set(id, { place, seq, id, subject, time, digest });
    return undefined;
  }

  /** Takes out what stands under the id of an output. */
  take(id: string): PublishedOutput | undefined {
    const found = this.#byId.get(id);
    this.#byId.delete(id);
    return found;
  }

  /** What nobody has taken. */
  rest(): Iterable<PublishedOutput> {
    return this.#byId.values();
  }
}

/** Of an output as it is published. */
export const digestOfOutput = ({ subject, time, data }: Output): string =>
  digestOf(subject, isoTime(time), JSON.stringify(data));

/** Of a message as it stands on the broker. */
export const digestOfStored = (message: StoredMessage): string =>
  digestOf(message.subject, headerOf(message, "ce-time") ?? "", message.data);

/** What was published, to be compared with what should have been. */
function readPublished(message: StoredMessage): unknown {
  const text = Buffer.from(message.data).toString("utf8");
  const { subject } = message;
  const time = headerOf(message, "ce-time");
  try {
    return { subject, time, data: JSON.parse(text) as unknown };
  } catch {
    return { subject, time, data: text };
  }
}

/** Where what was published differs from an output, in words. */
export function differencesOf(
  stored: StoredMessage | undefined,
  { subject, time, data }: Output,
): readonly string[] {
  const wanted = { subject, time: isoTime(time), data };
  const published = stored === undefined ? undefined : readPublished(stored);
  const where = differences(published, wanted, MOST_DIFFERENCES);
  return where.length > 0 ? where : ["the same fields in another order or other spelling"];
}

const MOST_DIFFERENCES = 8;

function digestOf(subject: string, time: string, data: string | Uint8Array): string {
  const hash = createHash("sha256").update(`${subject}\0${time}\0`).update(data);
  return hash.digest("base64");
}
