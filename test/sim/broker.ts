import { type ConsumerConfig, type MsgHdrs, NatsError, type StreamConfig } from "nats";
import { subjectMatcher } from "./subjects.ts";

/** A message as a stream keeps it. */
export interface StoredMessage {
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
  readonly seq: number;
  /** When it was stored: milliseconds since the epoch, with a fraction. */
  readonly time: number;
}

/** What the broker answers to a message that asks for it. */
export type PublishReply =
  | { readonly stream: string; readonly seq: number; readonly duplicate?: boolean }
  | { readonly error: { readonly code: number; readonly description: string } };

export interface DeliveredMessage {
  readonly message: StoredMessage;
  readonly deliverySequence: number;
  /** Messages for this consumer behind it. */
  readonly pending: number;
}

class SimStream {
  readonly config: Partial<StreamConfig>;
  readonly name: string;
  /** By sequence − 1; a hole was purged or deleted. */
  readonly messages: (StoredMessage | undefined)[] = [];
  /** All that was ever stored, for whoever judges a run. */
  readonly ever: StoredMessage[] = [];
  readonly consumers = new Map<string, SimConsumer>();
  readonly #ids = new Map<string, StoredMessage>();
  readonly #lastBySubject = new Map<string, StoredMessage>();
  readonly #takes: readonly ((subject: string) => boolean)[];
  #firstSeq = 1;
  #count = 0;

  constructor(config: Partial<StreamConfig>) {
    this.config = config;
    this.name = config.name ?? "";
    this.#takes = (config.subjects ?? []).map(subjectMatcher);
  }
  get firstSeq(): number {
    return this.#firstSeq;
  }
  get lastSeq(): number {
    return this.messages.length;
  }
  get count(): number {
    return this.#count;
  }
  takes(subject: string): boolean {
    return this.#takes.some((matches) => matches(subject));
  }
  at(seq: number): StoredMessage | undefined {
    return this.messages[seq - 1];
  }

  /** Stores a message, or finds that it has its id already. */
  append(message: Omit<StoredMessage, "seq">): { seq: number; duplicate: boolean } {
    const id = message.headers?.get("Nats-Msg-Id") ?? "";
    const known = id === "" ? undefined : this.#ids.get(id);
    if (known !== undefined && message.time - known.time < this.#window) {
      return { seq: known.seq, duplicate: true };
    }
    const stored = { ...message, seq: this.messages.length + 1 };
    this.messages.push(stored);
    this.ever.push(stored);
    this.#count += 1;
    this.#lastBySubject.set(stored.subject, stored);
    if (id !== "") this.#ids.set(id, stored);
    for (const consumer of this.consumers.values()) consumer.gain(stored);
    return { seq: stored.seq, duplicate: false };
  }
  /** In milliseconds. */
  get #window(): number {
    return (this.config.duplicate_window ?? 0) / 1_000_000;
  }

  /** Messages by subject, of those that match. */
  countBySubject(filter: string): Record<string, number> {
    const matches = subjectMatcher(filter);
    const counts: Record<string, number> = {};
    for (const message of this.messages) {
      if (message === undefined || !matches(message.subject)) continue;
      counts[message.subject] = (counts[message.subject] ?? 0) + 1;
    }
    return counts;
  }

  /** Takes a message out, as a purge, a deletion, or a rotten disk does. */
  remove(seq: number): void {
    const message = this.at(seq);
    if (message === undefined) return;
    this.messages[seq - 1] = undefined;
    this.#count -= 1;
    for (const consumer of this.consumers.values()) consumer.lose(message);
    if (this.#lastBySubject.get(message.subject) === message) {
      const before = this.messages.findLast((other) => other?.subject === message.subject);
      if (before === undefined) this.#lastBySubject.delete(message.subject);
      else this.#lastBySubject.set(message.subject, before);
    }
    while (this.#firstSeq <= this.lastSeq && this.at(this.#firstSeq) === undefined)
      this.#firstSeq += 1;
  }
  replace(seq: number, data: Uint8Array): void {
    const message = this.at(seq);
    if (message === undefined) return;
    const changed = { ...message, data };
    this.messages[seq - 1] = changed;
    if (this.#lastBySubject.get(message.subject) === message)
      this.#lastBySubject.set(message.subject, changed);
  }

  /** The last message of a subject, or of the subjects a pattern matches. */
  lastOf(pattern: string): StoredMessage | undefined {
    const exact = this.#lastBySubject.get(pattern);
    if (exact !== undefined) return exact;
    const matches = subjectMatcher(pattern);
    let last: StoredMessage | undefined;
    for (const [subject, message] of this.#lastBySubject) {
      if (message.seq > (last?.seq ?? 0) && matches(subject)) last = message;
    }
    return last;
  }
}

/** A pull consumer without acks. It lives in memory: a broker that ends forgets it. */
export class SimConsumer {
  readonly name: string;
  readonly stream: SimStream;
  readonly #matches: ((subject: string) => boolean) | undefined;
  readonly #headersOnly: boolean;
  #next: number;
  #delivered = 0;
  #pending = 0;
  /** Messages its client has asked for and not been sent. */
  credit = 0;
  /** Told when there may be something to send. */
  onMore: () => void = () => undefined;

  constructor(stream: SimStream, config: Partial<ConsumerConfig>) {
    this.stream = stream;
    this.name = config.name ?? "";
    const { filter_subject: filter } = config;
    this.#matches = filter === undefined ? undefined : subjectMatcher(filter);
    this.#headersOnly = config.headers_only === true;
    this.#next = config.opt_start_seq ?? 1;
    if (config.opt_start_time !== undefined) {
      const since = Date.parse(config.opt_start_time);
      const first = stream.messages.find(
        (message) => message !== undefined && message.time >= since,
      );
      this.#next = first?.seq ?? stream.lastSeq + 1;
    }
    for (const message of stream.messages) if (message !== undefined) this.gain(message);
  }
  /** Messages for it that it has not sent. */
  get pending(): number {
    return this.#pending;
  }
  /** The stream has a message more. */
  gain(message: StoredMessage): void {
    if (this.#wants(message)) this.#pending += 1;
  }
  /** The stream has a message less. */
  lose(message: StoredMessage): void {
    if (this.#wants(message)) this.#pending -= 1;
  }
  /** Whether a message is for it, and not sent. */
  #wants({ seq, subject }: StoredMessage): boolean {
    return seq >= this.#next && (this.#matches?.(subject) ?? true);
  }
  /** The next messages it may send, so many at the most. */
  take(most: number): DeliveredMessage[] {
    const room = Math.min(most, this.credit);
    const found: StoredMessage[] = [];
    const { lastSeq } = this.stream;
    while (found.length < room && this.#next <= lastSeq) {
      const message = this.stream.at(this.#next);
      if (message !== undefined && this.#wants(message)) found.push(message);
      this.#next += 1;
    }
    if (found.length === 0) return [];
    this.credit -= found.length;
    this.#pending -= found.length;
    const behind = this.#pending;
    return found.map((message, i) => ({
      message: this.#headersOnly ? { ...message, data: NOTHING } : message,
      deliverySequence: ++this.#delivered,
      pending: behind + found.length - 1 - i,
    }));
  }
}

/** As the API has it: `seq` or `keep`, never both. */
interface PurgeRequest {
  readonly filter?: string;
  readonly seq?: number;
  readonly keep?: number;
}

const NOTHING = new Uint8Array();

/** The errors of the API, in the server's words. */
const ERRORS = {
  10014: [404, "consumer not found"],
  10037: [404, "no message found"],
  10057: [400, "sequence {seq} not found"],
  10059: [404, "stream not found"],
  10077: [500, "no space left on device"],
} as const;

function apiError(code: keyof typeof ERRORS, seq = 0): NatsError {
  const [status, words] = ERRORS[code];
  const description = words.replace("{seq}", String(seq));
  const error = new NatsError(description, String(status));
  error.api_error = { code: status, err_code: code, description };
  return error;
}

/** A broker with JetStream, as far as the engine knows one. It has no clock and no network. */
export class SimBroker {
  readonly #streams = new Map<string, SimStream>();
  /** By subject, as long as the streams are the same. */
  readonly #takers = new Map<string, SimStream | undefined>();
  /** Counts its lives: what was under way to an earlier one is lost. */
  #life = 1;
  #up = true;
  /** While true nothing can be stored. */
  full = false;
  /** Told the subject of everything that was stored. */
  onStored: (subject: string) => void = () => undefined;
  /** Told of every message that was taken out by its sequence. */
  onDeleted: () => void = () => undefined;
  #deleted = 0;

  get up(): boolean {
    return this.#up;
  }
  get life(): number {
    return this.#life;
  }
  /** Messages that were taken out by their sequences. */
  get deleted(): number {
    return this.#deleted;
  }
  /** What is stored stays; consumers, and whatever was not acknowledged yet, are gone. */
  crash(): void {
    this.#up = false;
    for (const stream of this.#streams.values()) stream.consumers.clear();
  }
  restart(): void {
    this.#up = true;
    this.#life += 1;
  }

  /** Undefined when no stream takes the subject: nobody answers. */
  publish(
    subject: string,
    message: { data: Uint8Array; headers: MsgHdrs | undefined },
    time: number,
  ): PublishReply | undefined {
    const stream = this.#streamOf(subject);
    if (stream === undefined) return undefined;
    if (this.full) {
      const [code, description] = ERRORS[10077];
      return { error: { code, description } };
    }
    const { seq, duplicate } = stream.append({ subject, ...message, time });
    if (!duplicate) {
      for (const consumer of stream.consumers.values()) consumer.onMore();
      this.onStored(subject);
    }
    return { stream: stream.name, seq, ...(duplicate ? { duplicate } : {}) };
  }
  #streamOf(subject: string): SimStream | undefined {
    if (!this.#takers.has(subject)) {
      const taker = [...this.#streams.values()].find((stream) => stream.takes(subject));
      this.#takers.set(subject, taker);
    }
    return this.#takers.get(subject);
  }

  addStream(config: Partial<StreamConfig>): void {
    if (this.#streams.has(config.name ?? "")) return;
    this.#streams.set(config.name ?? "", new SimStream(config));
    this.#takers.clear();
  }
  deleteStream(name: string): void {
    this.stream(name);
    this.#streams.delete(name);
    this.#takers.clear();
  }
  has(name: string): boolean {
    return this.#streams.has(name);
  }
  /** Throws `stream not found`. */
  stream(name: string): SimStream {
    const stream = this.#streams.get(name);
    if (stream === undefined) throw apiError(10059);
    return stream;
  }
  /** Throws `no message found`. */
  message(name: string, query: { seq?: number; last_by_subj?: string }): StoredMessage {
    const stream = this.stream(name);
    const found =
      query.last_by_subj === undefined
        ? stream.at(query.seq ?? 0)
        : stream.lastOf(query.last_by_subj);
    if (found === undefined) throw apiError(10037);
    return found;
  }
  /** Removes what the filter matches: what lies before `seq`, or all but the last `keep`. */
  purge(name: string, { filter = ">", seq, keep = 0 }: PurgeRequest = {}): number {
    const stream = this.stream(name);
    const matches = subjectMatcher(filter);
    const matching = stream.messages.filter(
      (message) => message !== undefined && matches(message.subject),
    );
    // The server takes what lies before the first message for everything.
    const end = seq === undefined || seq <= 1 ? stream.lastSeq + 1 : seq;
    const gone = matching.slice(0, Math.max(0, matching.length - keep));
    const purged = gone.filter((message) => message !== undefined && message.seq < end);
    for (const message of purged) stream.remove(message?.seq ?? 0);
    return purged.length;
  }

  /** Throws `sequence … not found`. */
  deleteMessage(name: string, seq: number): void {
    const stream = this.stream(name);
    if (stream.at(seq) === undefined) throw apiError(10057, seq);
    stream.remove(seq);
    this.#deleted += 1;
    this.onDeleted();
  }

  addConsumer(streamName: string, config: Partial<ConsumerConfig>): SimConsumer {
    const stream = this.stream(streamName);
    const consumer = new SimConsumer(stream, config);
    stream.consumers.set(consumer.name, consumer);
    return consumer;
  }
  /** Throws `consumer not found`. */
  consumer(streamName: string, name: string): SimConsumer {
    const consumer = this.stream(streamName).consumers.get(name);
    if (consumer === undefined) throw apiError(10014);
    return consumer;
  }
  deleteConsumer(streamName: string, name: string): void {
    this.consumer(streamName, name);
    this.stream(streamName).consumers.delete(name);
  }
}
