import {
  type ConsumerConfig,
  ErrorCode,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
  headers as noHeaders,
  type PurgeOpts,
  type Status,
  type StreamConfig,
} from "nats";
import type { PublishReply, SimBroker, StoredMessage } from "./broker.ts";
import type { Owner, SimClock } from "./clock.ts";
import { Iteration } from "./iteration.ts";
import { SimMessages } from "./messages.ts";
import { subjectMatcher } from "./subjects.ts";

/** What the network does at this moment; every answer is drawn from the seed. */
export interface Weather {
  /** Milliseconds one way. */
  latency(): number;
  /** A message to the broker, or its answer, that nobody ever gets. */
  loses(what: "request" | "ack", subject: string): boolean;
  /** Milliseconds after which the same message comes once more. */
  repeats(): number | undefined;
  /** Milliseconds the broker takes to say that it has stored something. */
  ackDelay(): number;
  /** Whether a message may overtake others of its connection. */
  reorders(): boolean;
  /** Messages the broker sends a reader at a time. */
  chunk(): number;
  /** Whether what is under way as a connection breaks still gets to the broker. */
  survivesCut(): boolean;
}

export interface ConnectionOptions {
  readonly clock: SimClock;
  readonly broker: SimBroker;
  readonly weather: Weather;
  /** Whose connection it is: it dies with it. */
  readonly owner: Owner;
  /** Nobody's: what is under way belongs to the network. */
  readonly wire: Owner;
}

type Callback = (error: NatsError | null, message: Msg) => void;
interface Subscription {
  readonly matches: (subject: string) => boolean;
  readonly callback: Callback;
}

/** A client repeats its attempts to connect so often; what it wrote since the last one is sent. */
const DIAL_MS = 100;

/**
 * One engine's connection, as the client shows it: only what the engine uses. Bytes keep their
 * order while the connection holds; what is under way when it breaks is lost, or just got there.
 */
export class SimConnection {
  readonly of: ConnectionOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #listeners = new Set<Iteration<Status>>();
  readonly #readers = new Set<SimMessages>();
  /** Counts the connections made, broken ones included. */
  #link = 1;
  #up = true;
  #toBrokerAt = 0;
  #toClientAt = 0;
  #written: { readonly at: number; readonly task: () => void }[] = [];
  #callsLeft = Number.POSITIVE_INFINITY;
  #onCall: () => void = () => undefined;

  constructor(options: ConnectionOptions) {
    this.of = options;
  }
  /** For the engine, which uses no more of it than there is. */
  get nc(): NatsConnection {
    return this as unknown as NatsConnection;
  }
  get up(): boolean {
    return this.#up;
  }
  /**
   * Something happens to the owner at its so many-th call from now, that is between any two things
   * it does; the call itself comes to nothing.
   */
  atCall(calls: number, happens: () => void): void {
    this.#callsLeft = calls;
    this.#onCall = happens;
  }
  /** The owner is no more. */
  drop(): void {
    this.#link += 1;
    for (const reader of this.#readers) reader.drop();
  }

  /** The connection breaks; `back` after so many milliseconds, or as soon as there is a broker. */
  cut(backAfter: number): void {
    if (!this.#up || !this.of.owner.alive) return;
    const { clock, owner } = this.of;
    this.#up = false;
    this.#link += 1;
    this.#written = [];
    for (const reader of this.#readers) reader.drop();
    clock.after(0, owner, () => this.#tell("disconnect"));
    clock.after(backAfter, owner, () => this.#dial());
  }
  #dial(): void {
    const { clock, owner, broker } = this.of;
    if (this.#up) return;
    if (!broker.up) {
      clock.after(DIAL_MS, owner, () => this.#dial());
      return;
    }
    this.#up = true;
    this.#toBrokerAt = clock.now;
    this.#toClientAt = clock.now;
    for (const { at, task } of this.#written.splice(0)) {
      if (at > clock.now - DIAL_MS) this.toBroker(task);
    }
    this.#tell("reconnect");
  }
  #tell(type: string): void {
    const status = { type, data: "sim" } as Status;
    for (const listener of this.#listeners) listener.push(status);
  }

  /** One call of the client; false when it comes to nothing. */
  #call(): boolean {
    if (!this.of.owner.alive) return false;
    this.#callsLeft -= 1;
    if (this.#callsLeft !== 0) return true;
    this.#onCall();
    return false;
  }

  /** Something happens at the broker, unless the way there is gone by then. */
  toBroker(task: () => void, extra = 0): void {
    const { clock, broker, weather, wire } = this.of;
    if (!this.#up) {
      this.#written.push({ at: clock.now, task });
      return;
    }
    const link = this.#link;
    const life = broker.life;
    let at = clock.now + weather.latency() + extra;
    if (extra === 0 && !weather.reorders()) {
      at = Math.max(at, this.#toBrokerAt);
      this.#toBrokerAt = at;
    }
    const survives = weather.survivesCut();
    clock.at(at, wire, () => {
      if (broker.up && broker.life === life && (survives || this.#link === link)) task();
    });
  }
  /** Something happens at the client, unless the connection has broken by then. */
  toClient(task: () => void): void {
    const { clock, weather, owner } = this.of;
    const link = this.#link;
    this.#toClientAt = Math.max(clock.now + weather.latency(), this.#toClientAt);
    clock.at(this.#toClientAt, owner, () => {
      if (this.#link === link) task();
    });
  }
  /** A question to the broker; rejects with `TIMEOUT` when no answer comes. */
  request<T>(timeout: number, ask: () => T): Promise<T> {
    const goes = this.#call();
    const { clock, owner } = this.of;
    return new Promise((resolve, reject) => {
      const timer = clock.after(timeout, owner, () =>
        reject(new NatsError("TIMEOUT", ErrorCode.Timeout)),
      );
      const answer = (settle: () => void) =>
        this.toClient(() => {
          timer.cancel();
          settle();
        });
      if (!goes) return;
      this.toBroker(() => {
        try {
          const value = ask();
          answer(() => resolve(value));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }

  // What follows is the client's own interface.

  isClosed(): boolean {
    return !this.of.owner.alive;
  }
  status(): Iteration<Status> {
    const listener = new Iteration<Status>();
    this.#listeners.add(listener);
    const stop = listener.stop.bind(listener);
    listener.stop = () => {
      this.#listeners.delete(listener);
      stop();
    };
    return listener;
  }
  subscribe(subject: string, { callback }: { callback: Callback }): { unsubscribe(): void } {
    this.#subscriptions.set(subject, { matches: subjectMatcher(subject), callback });
    return { unsubscribe: () => this.#subscriptions.delete(subject) };
  }
  publish(
    subject: string,
    data: Uint8Array = NOTHING,
    { headers, reply }: { headers?: MsgHdrs; reply?: string } = {},
  ): void {
    if (!this.#call()) return;
    const { weather, broker, clock } = this.of;
    const arrive = () => {
      if (weather.loses("request", subject)) return;
      const answer = broker.publish(subject, { data, headers }, clock.now);
      if (reply !== undefined && !weather.loses("ack", subject)) this.#answer(reply, answer);
    };
    this.toBroker(arrive);
    const again = weather.repeats();
    if (again !== undefined) this.toBroker(arrive, again);
  }
  /** An answer goes to whoever has subscribed by then, over another connection if need be. */
  #answer(reply: string, answer: PublishReply | undefined): void {
    const { clock, wire, weather, broker } = this.of;
    const { life } = broker;
    clock.after(weather.ackDelay(), wire, () => {
      if (!this.#up || !broker.up || broker.life !== life) return;
      this.toClient(() => {
        for (const { matches, callback } of this.#subscriptions.values()) {
          if (matches(reply)) callback(null, replyMessage(reply, answer));
        }
      });
    });
  }

  async jetstreamManager({ timeout = 5000 }: { timeout?: number } = {}) {
    const { broker } = this.of;
    const ask = <T>(question: () => T) => this.request(timeout, question);
    return {
      streams: {
        info: (name: string, options?: { subjects_filter: string }) =>
          ask(() => infoOf(broker.stream(name), options?.subjects_filter)),
        add: (config: Partial<StreamConfig>) => ask(() => broker.addStream(config)),
        delete: (name: string) => ask(() => broker.deleteStream(name)),
        purge: (name: string, options?: PurgeOpts) =>
          ask(() => ({ success: true, purged: broker.purge(name, options) })),
        deleteMessage: (name: string, seq: number) =>
          ask(() => {
            broker.deleteMessage(name, seq);
            return true;
          }),
        getMessage: (name: string, query: { seq?: number; last_by_subj?: string }) =>
          ask(() => storedMessage(broker.message(name, query))),
      },
      consumers: {
        add: (stream: string, config: Partial<ConsumerConfig>) =>
          ask(() => {
            const { name, pending } = broker.addConsumer(stream, config);
            return { name, num_pending: pending };
          }),
        delete: (stream: string, name: string) => ask(() => broker.deleteConsumer(stream, name)),
      },
    };
  }
  jetstream({ timeout = 5000 }: { timeout?: number } = {}) {
    const { broker, clock } = this.of;
    return {
      publish: (subject: string, text: string, { headers }: { headers?: MsgHdrs } = {}) =>
        this.request(timeout, () =>
          broker.publish(subject, { data: utf8.encode(text), headers }, clock.now),
        ),
      consumers: {
        get: async (stream: string, name: string) => {
          await this.request(timeout, () => this.of.broker.consumer(stream, name));
          return {
            consume: async (options: { max_messages: number; idle_heartbeat: number }) => {
              const messages = new SimMessages(this, { stream, name, ...options });
              this.#readers.add(messages);
              messages.onEnd = () => this.#readers.delete(messages);
              return messages;
            },
          };
        },
      },
    };
  }
}

const NOTHING = new Uint8Array();
const utf8 = new TextEncoder();

/** An answer as a message; without a stream, the broker's word that nobody listens. */
function replyMessage(subject: string, reply: PublishReply | undefined): Msg {
  const data = reply === undefined ? NOTHING : utf8.encode(JSON.stringify(reply));
  return {
    subject,
    data,
    headers: reply === undefined ? { code: 503 } : undefined,
    json: () => reply,
  } as unknown as Msg;
}

function infoOf(stream: ReturnType<SimBroker["stream"]>, filter?: string) {
  const { config, firstSeq, lastSeq, count } = stream;
  // A stream that never held anything begins nowhere.
  const first = lastSeq === 0 ? 0 : firstSeq;
  const subjects = filter === undefined ? {} : { subjects: stream.countBySubject(filter) };
  return { config, state: { messages: count, first_seq: first, last_seq: lastSeq, ...subjects } };
}

function storedMessage({ subject, seq, headers, data, time }: StoredMessage) {
  const header = headers ?? noHeaders();
  return { subject, seq, header, data, time: new Date(Math.floor(time)) };
}
