import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  type NatsConnection,
  nanos,
  nuid,
} from "nats";
import { Fault } from "../faults.ts";
import type { Log } from "../watch/log.ts";
import { checkRead } from "./log-check.ts";
import { lastOf, manager } from "./streams.ts";

/** The record a reader read last: after every doubt it must still be there, the same. */
export interface ReadPosition {
  readonly seq: number;
  /** Milliseconds; the broker's store time. */
  readonly time: number;
}

export interface ReaderOptions {
  readonly stream: string;
  /** Subject filters; undefined reads the whole stream and checks that no sequence is missing. */
  readonly filter?: string;
  /** Reading goes on behind it; with a time, it is the last record that was read and must still be there. */
  readonly after?: { readonly seq: number; readonly time: number | undefined };
  /** Begins with the first record stored at or after this wall time, when `after` is not given. */
  readonly since?: number;
  readonly headersOnly?: boolean;
  /** What is purged or ages out before it is read is no loss: whoever reads knows what he misses. */
  readonly forgetful?: boolean;
  /** Ends behind this sequence, which the filter must take in. */
  readonly until?: number;
  /** Ends with the last record there is. */
  readonly toEnd?: boolean;
  readonly log: Log;
}

const BATCH = 500;
const HEARTBEAT_MS = 2500;
const RETRY_MS = 100;
/** A request that a dying connection swallowed costs so long. */
const REQUEST_MS = 1000;

/**
 * Reads a stream from a position, gap-free and with back-pressure, through broker kills, resets
 * and black holes: a named ephemeral pull consumer without acks, made anew by sequence after any
 * doubt. Throws LOG_TRUNCATED, LOG_LOST_TAIL or LOG_REWRITTEN when the log is not the one it read.
 */
export class StreamReader {
  readonly #nc: NatsConnection;
  readonly #options: ReaderOptions;
  #last: { readonly seq: number; readonly time: number | undefined };
  #consumer: ConsumerMessages | undefined;
  /** Of the consumer on the broker. */
  #name = "";
  #stopped = false;
  #ended = false;
  #restarts = 0;
  #end: ReadPosition | undefined;
  /** Unknown until the stream has been looked at, and again after every doubt. */
  #lastSeq = Number.POSITIVE_INFINITY;

  constructor(nc: NatsConnection, options: ReaderOptions) {
    this.#nc = nc;
    this.#options = options;
    this.#last = options.after ?? { seq: 0, time: 0 };
  }
  get position(): ReadPosition {
    return { seq: this.#last.seq, time: this.#last.time ?? 0 };
  }
  /** Records the stream holds behind the position, as of the last message; infinite while nobody knows. */
  get pending(): number {
    return Math.max(0, this.#lastSeq - this.#last.seq);
  }
  get restarts(): number {
    return this.#restarts;
  }
  stop(): void {
    this.#stopped = true;
    this.#consumer?.stop();
  }

  async *messages(): AsyncGenerator<JsMsg> {
    while (!this.#stopped && !this.#nc.isClosed()) {
      try {
        const more = await this.#open();
        if (!more) return;
        yield* this.#session();
        if (this.#done()) return;
      } catch (error) {
        if (error instanceof Fault) throw error;
        this.#options.log.debug(
          { stream: this.#options.stream, error: String(error) },
          "reader waits",
        );
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
      this.#restarts += 1;
    }
  }

  #done(): boolean {
    const { until } = this.#options;
    return this.#stopped || this.#ended || (until !== undefined && this.#last.seq >= until);
  }

  /** A fresh consumer behind the last record; false when a bounded read has nothing left. */
  async #open(): Promise<boolean> {
    const { stream, filter, headersOnly } = this.#options;
    if (this.#done()) return false;
    const jsm = await manager(this.#nc, REQUEST_MS);
    await this.#check();
    this.#name = `freshet_${nuid.next()}`;
    const info = await jsm.consumers.add(stream, {
      name: this.#name,
      ...(filter === undefined ? {} : { filter_subject: filter }),
      ...(headersOnly === true ? { headers_only: true } : {}),
      ack_policy: AckPolicy.None,
      ...this.#start(),
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(60_000),
    });
    if (this.#options.toEnd === true) {
      this.#end = await this.#lastRecord(jsm);
      if (info.num_pending === 0 || this.#isBehind(this.#end)) {
        this.#forget(info.name);
        return false;
      }
    }
    const consumer = await this.#nc
      .jetstream({ timeout: REQUEST_MS })
      .consumers.get(stream, info.name);
    this.#consumer = await consumer.consume({
      max_messages: BATCH,
      expires: HEARTBEAT_MS * 2,
      idle_heartbeat: HEARTBEAT_MS,
    });
    return true;
  }

  #start(): { deliver_policy: DeliverPolicy; opt_start_seq?: number; opt_start_time?: string } {
    const { since } = this.#options;
    if (this.#last.seq > 0 || since === undefined) {
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#last.seq + 1 };
    }
    const from = new Date(since).toISOString();
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: from };
  }

  /**
   * The last record that a bounded reading is to bring. nats-server 2.9 may count more pending ones
   * than there are for a filter, so their number alone does not say when the end is reached.
   */
  async #lastRecord(jsm: JetStreamManager): Promise<ReadPosition | undefined> {
    const { stream, filter } = this.#options;
    if (filter === undefined) return { seq: this.#lastSeq, time: Number.POSITIVE_INFINITY };
    const last = await lastOf(jsm, stream, filter);
    return last && { seq: last.seq, time: last.time.getTime() };
  }

  #isBehind(end: ReadPosition | undefined): boolean {
    if (end === undefined) return false;
    const { since = 0 } = this.#options;
    // Rounding may move a time by a millisecond.
    return this.#last.seq >= end.seq || (this.#last.seq === 0 && end.time + 1 < since);
  }

  /** The log must still be the one that was read. */
  async #check(): Promise<void> {
    const { stream, since, forgetful } = this.#options;
    const jsm = await manager(this.#nc, REQUEST_MS);
    const fromTime = this.#last.seq === 0 && since !== undefined;
    const state = await (fromTime
      ? jsm.streams.info(stream).then((info) => info.state)
      : checkRead(jsm, stream, this.#last, forgetful));
    this.#lastSeq = state.last_seq;
  }

  /** Yields until the consumer ends or something makes its completeness doubtful. */
  async *#session(): AsyncGenerator<JsMsg> {
    const messages = this.#consumer;
    if (messages === undefined) return;
    // Told to stop while it was opened.
    if (this.#stopped) messages.stop();
    const guard = watch(this.#nc, messages);
    let delivered = 0;
    try {
      for await (const message of messages) {
        const { deliverySequence, streamSequence, timestampNanos, pending } = message.info;
        if (deliverySequence !== delivered + 1) return;
        delivered += 1;
        this.#last = { seq: streamSequence, time: Math.floor(timestampNanos / 1_000_000) };
        this.#lastSeq = Math.max(this.#lastSeq, streamSequence + pending);
        yield message;
        this.#ended = this.#options.toEnd === true && (pending === 0 || this.#isBehind(this.#end));
        if (this.#done()) return;
      }
    } finally {
      guard();
      this.#lastSeq = Number.POSITIVE_INFINITY;
      messages.stop();
      this.#drop(messages);
    }
  }

  #drop(messages: ConsumerMessages): void {
    if (this.#nc.isClosed()) return;
    messages.close().catch(() => undefined);
    this.#forget(this.#name);
  }

  /** Best effort: the server forgets an unused consumer by itself after a minute. */
  #forget(consumer: string): void {
    manager(this.#nc, REQUEST_MS)
      .then((jsm) => jsm.consumers.delete(this.#options.stream, consumer))
      .catch(() => undefined);
  }
}

const DOUBTS: ReadonlySet<string> = new Set([
  "heartbeats_missed",
  "consumer_not_found",
  "consumer_deleted",
  "stream_not_found",
  "no_responders",
]);

/** Ends the iteration when the connection or the consumer is in doubt; returns the end of the watch. */
function watch(nc: NatsConnection, messages: ConsumerMessages): () => void {
  const connection = nc.status();
  void (async () => {
    for await (const status of await messages.status()) {
      if (DOUBTS.has(status.type)) messages.stop();
    }
  })().catch(() => undefined);
  void (async () => {
    for await (const status of connection) {
      if (status.type === "disconnect" || status.type === "reconnect") messages.stop();
    }
  })().catch(() => undefined);
  return () => {
    (connection as unknown as { stop?: () => void }).stop?.();
  };
}
