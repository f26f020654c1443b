import {
  AckPolicy,
  DeliverPolicy,
  type MsgHdrs,
  type NatsConnection,
  nanos,
  nuid,
  type StreamInfo,
} from "nats";
import { Fault } from "../faults.ts";
import { StreamReader } from "../nats/reader.ts";
import { manager } from "../nats/streams.ts";
import { type EventTime, earliest, isoTime, latest } from "../time/event-time.ts";
import type { Log } from "../watch/log.ts";
import type { StoredLog, StoredMessage } from "./stored-message.ts";

export interface BrokerLogOptions {
  readonly stream: string;
  /** Of the job: it is cut off every subject. */
  readonly prefix: string;
  /** Subjects wanted, without the prefix; all of them when left out. */
  readonly filter?: string;
  /** Only what was stored at this time or later. */
  readonly from?: EventTime | undefined;
  /** Only what was stored at this time or earlier. */
  readonly until?: EventTime | undefined;
  readonly log: Log;
}

/** What a stream of the broker holds at the moment it is opened. */
export class BrokerLog implements StoredLog {
  readonly from: EventTime | undefined;
  readonly until: EventTime;
  /** How many the stream held, whatever the filter. */
  readonly messages: number;
  readonly #nc: NatsConnection;
  readonly #options: BrokerLogOptions;
  readonly #last: number;

  private constructor(
    nc: NatsConnection,
    options: BrokerLogOptions,
    extent: { from: EventTime | undefined; until: EventTime; last: number; messages: number },
  ) {
    this.#nc = nc;
    this.#options = options;
    this.from = extent.from;
    this.until = extent.until;
    this.#last = extent.last;
    this.messages = extent.messages;
  }

  /** LOG_MISSING when the broker has no such stream. */
  static async open(nc: NatsConnection, options: BrokerLogOptions): Promise<BrokerLog> {
    const { stream, until } = options;
    const now = Date.now() as EventTime;
    const { state } = await infoOf(nc, stream);
    return new BrokerLog(nc, options, {
      from: latestOf(options.from, beginning(state)),
      until: until === undefined ? now : earliest(until, now),
      last: state.last_seq,
      messages: state.messages,
    });
  }

  async *read(): AsyncGenerator<StoredMessage> {
    const { prefix, stream, log } = this.#options;
    if (!(await this.#holdsAny())) return;
    const filter = subjectsOf(this.#options);
    const since = this.#options.from ?? 0;
    const reader = new StreamReader(this.#nc, { stream, ...filter, since, log });
    for await (const message of reader.messages()) {
      const { streamSequence: seq, timestampNanos, pending } = message.info;
      const time = Math.floor(timestampNanos / 1_000_000) as EventTime;
      if (time > this.until || seq > this.#last) return;
      const { subject, headers, data } = message;
      yield storedMessage(prefix, { subject, headers, data, seq, time });
      // The last one may have been removed: then the end is where nothing is left.
      if (seq === this.#last || pending === 0) return;
    }
  }

  async at(seq: number): Promise<StoredMessage | undefined> {
    const { stream, prefix } = this.#options;
    const jsm = await manager(this.#nc);
    const stored = await jsm.streams.getMessage(stream, { seq }).catch(unlessMissing);
    if (stored === undefined) return undefined;
    const time = stored.time.getTime() as EventTime;
    const { subject, header, data } = stored;
    return storedMessage(prefix, { subject, headers: header, data, seq, time });
  }

  /** A reading of nothing would wait for the first message. */
  async #holdsAny(): Promise<boolean> {
    const { stream, from } = this.#options;
    const { filter } = subjectsOf(this.#options);
    const jsm = await manager(this.#nc);
    const { name, num_pending } = await jsm.consumers.add(stream, {
      name: `freshet_${nuid.next()}`,
      ...(filter === undefined ? {} : { filter_subject: filter }),
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: isoTime(from ?? (0 as EventTime)),
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(30_000),
    });
    await jsm.consumers.delete(stream, name);
    return num_pending > 0;
  }
}

type Delivered = Omit<StoredMessage, "headers"> & { readonly headers?: MsgHdrs | undefined };

const storedMessage = (prefix: string, { headers, ...rest }: Delivered): StoredMessage => ({
  ...rest,
  subject: rest.subject.slice(prefix.length + 1),
  headers: Object.fromEntries(headers ?? []),
});

async function infoOf(nc: NatsConnection, stream: string): Promise<StreamInfo> {
  const jsm = await manager(nc);
  return jsm.streams.info(stream).catch((error: unknown) => {
    if (!/stream not found/.test(String(error))) throw error;
    throw new Fault("LOG_MISSING", `the broker has no stream ${stream}`, { stream }, error);
  });
}

/** When the stream's first message was stored; undefined when none has gone yet. */
function beginning({ first_seq, first_ts, messages }: StreamInfo["state"]): EventTime | undefined {
  if (first_seq <= 1) return undefined;
  return (messages === 0 ? Date.now() : Date.parse(first_ts)) as EventTime;
}

const latestOf = (a: EventTime | undefined, b: EventTime | undefined): EventTime | undefined =>
  a === undefined || b === undefined ? (a ?? b) : latest(a, b);

function subjectsOf({ prefix, filter }: BrokerLogOptions): { readonly filter?: string } {
  return filter === undefined ? {} : { filter: `${prefix}.${filter}` };
}

function unlessMissing(error: unknown): undefined {
  if (/no message found/.test(String(error))) return undefined;
  throw error;
}
