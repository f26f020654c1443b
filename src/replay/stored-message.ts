import type { EventTime } from "../time/event-time.ts";
import type { FileMessage } from "./formats.ts";

/** A message of a stream as the broker keeps it. */
export interface StoredMessage {
  /** Without the prefix. */
  readonly subject: string;
  readonly seq: number;
  /** When the broker stored it. */
  readonly time: EventTime;
  /** Names as they were sent. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly data: Uint8Array;
}

/** The first value of a header; undefined when it is missing or empty. */
export const headerOf = ({ headers }: StoredMessage, name: string): string | undefined =>
  (Object.hasOwn(headers, name) ? headers[name]?.[0] : undefined) || undefined;

/** The header that names the key group which wrote a message: the engine's own have it. */
export const GROUP_HEADER = "freshet-group";

/** The headers that name what caused an output, and when the record of `IN` behind it was stored. */
export const CAUSE_HEADER = "ce-causationid";
export const STORED_HEADER = "freshet-stored";

/** A message of `IN` as a replay takes it. */
export function replayed(message: StoredMessage): FileMessage {
  const { subject, seq, time, data } = message;
  const contentType = headerOf(message, "Content-Type");
  const msgId = headerOf(message, "Nats-Msg-Id");
  const learned = headerOf(message, GROUP_HEADER) !== undefined;
  return {
    subject,
    body: data,
    time,
    ids: undefined,
    stored: { seq, contentType, msgId, learned },
  };
}

/** What a stream held at one moment, on the broker or in a dump. */
export interface StoredLog {
  /** Nothing stored before this is in it; undefined when it begins with the stream's first message. */
  readonly from: EventTime | undefined;
  /** Nothing stored after this is in it. */
  readonly until: EventTime;
  /** In the order of sequences; may be read more than once. */
  read(): AsyncIterable<StoredMessage>;
  /** One message; undefined when it is not there. */
  at(seq: number): Promise<StoredMessage | undefined>;
}
