import type { Message } from "../../src/flow/operator.ts";
import type { EventTime } from "../../src/time/event-time.ts";

/** A record of `IN`. */
export interface CollectInput {
  /** Without the prefix: begins with `in.`. */
  readonly subject: string;
  readonly data: Uint8Array;
  readonly contentType: string | undefined;
  readonly seq: number;
  /** When the broker stored it. */
  readonly time: EventTime;
  readonly msgId: string | undefined;
}

/** An identifier's kind and pseudonym. */
export type KnownId = readonly [kind: string, pseudonym: string];

/**
 * `[type, touchpoint, session, props, clientId, recvMs]`, and the event's identifiers where one of
 * them became its person's with it.
 */
export type JournalPayload = readonly [
  string,
  string,
  string | null,
  unknown,
  string,
  number,
  ids?: readonly KnownId[],
];

export interface JournalRecord {
  /** The person. */
  readonly key: string;
  readonly id: string;
  readonly at: EventTime;
  readonly payload: JournalPayload;
}

export interface LinkRecord {
  readonly from: string;
  readonly to: string;
  /** The cause of what it sets off. */
  readonly id: string;
  readonly at: EventTime;
}

export interface CollectSink {
  /** To the group of the record's key. */
  event(record: JournalRecord): void;
  /** To the groups of both persons: from here on `from` is `to`. */
  link(record: LinkRecord): void;
  /** To every group of both flows. */
  fact(kind: string, key: string, value: unknown): void;
  /** Broker time has entered this second (a multiple of 1000); to every group. */
  time(second: EventTime): void;
  publish(message: Message, cause: string): void;
}
