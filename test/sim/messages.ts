import type { ConsumerStatus, JsMsg } from "nats";
import type { DeliveredMessage, SimConsumer } from "./broker.ts";
import type { SimConnection } from "./connection.ts";
import { Iteration } from "./iteration.ts";

interface ConsumeOptions {
  readonly stream: string;
  readonly name: string;
  /** Asked for and not yet taken, at the most. */
  readonly max_messages: number;
  /** Milliseconds. */
  readonly idle_heartbeat: number;
}

/** The client asks for more when so large a share of `max_messages` is under way or waiting. */
const THRESHOLD = 0.75;
const MISSED = 2;

/** What `consume` of a pull consumer gives: messages as an iterator that asks for more as it is read. */
export class SimMessages extends Iteration<JsMsg> {
  readonly #connection: SimConnection;
  readonly #options: ConsumeOptions;
  readonly #statuses = new Set<Iteration<ConsumerStatus>>();
  readonly #monitor: NodeJS.Timeout;
  #asked = 0;
  #waiting = 0;
  #heardAt: number;
  #missed = 0;
  #dropped = false;
  #consumer: SimConsumer | undefined;
  #sending = false;
  #sentAt: number;
  /** Told when it is over. */
  onEnd: () => void = () => undefined;

  constructor(connection: SimConnection, options: ConsumeOptions) {
    super();
    this.#connection = connection;
    this.#options = options;
    this.#heardAt = connection.of.clock.now;
    this.#sentAt = this.#heardAt;
    this.#monitor = setInterval(() => this.#listen(), options.idle_heartbeat);
    this.onTaken = () => {
      this.#waiting -= 1;
      this.#ask();
    };
    this.#ask();
  }
  async status(): Promise<Iteration<ConsumerStatus>> {
    const statuses = new Iteration<ConsumerStatus>();
    this.#statuses.add(statuses);
    return statuses;
  }
  override stop(): void {
    if (this.done) return;
    super.stop();
    clearInterval(this.#monitor);
    for (const statuses of this.#statuses) statuses.stop();
    this.drop();
    this.onEnd();
  }
  async close(): Promise<void> {
    this.stop();
  }
  /** The broker sends nothing more: nobody listens. */
  drop(): void {
    this.#dropped = true;
    if (this.#consumer === undefined) return;
    this.#consumer.onMore = () => undefined;
    this.#consumer.stream.consumers.delete(this.#consumer.name);
  }

  #ask(): void {
    const { max_messages: most } = this.#options;
    const open = this.#asked + this.#waiting;
    if (open > most * THRESHOLD || this.done) return;
    const batch = most - open;
    this.#asked += batch;
    this.#connection.toBroker(() => this.#grant(batch));
  }
  #listen(): void {
    const { clock } = this.#connection.of;
    if (clock.now - this.#heardAt < this.#options.idle_heartbeat) {
      this.#missed = 0;
      return;
    }
    this.#missed += 1;
    if (this.#missed >= MISSED) this.#notify("heartbeats_missed");
  }
  #notify(type: string): void {
    for (const statuses of this.#statuses) statuses.push({ type, data: 0 } as ConsumerStatus);
  }
  #hear(delivered: readonly DeliveredMessage[]): void {
    this.#heardAt = this.#connection.of.clock.now;
    this.#asked -= delivered.length;
    this.#waiting += delivered.length;
    for (const message of delivered) this.push(jsMessage(message));
  }

  // The broker's side of it.

  #grant(batch: number): void {
    if (this.#dropped) return;
    const { broker, clock, wire } = this.#connection.of;
    const { stream, name, idle_heartbeat: beat } = this.#options;
    if (this.#consumer === undefined) {
      try {
        this.#consumer = broker.consumer(stream, name);
      } catch {
        this.#connection.toClient(() => this.#notify("no_responders"));
        return;
      }
      this.#consumer.onMore = () => this.#send();
      const heart = () => {
        if (this.#dropped) return;
        if (clock.now - this.#sentAt >= beat) this.#connection.toClient(() => this.#hear([]));
        clock.after(beat, wire, heart);
      };
      clock.after(beat, wire, heart);
    }
    this.#consumer.credit += batch;
    this.#send();
  }
  #send(): void {
    if (this.#sending) return;
    this.#sending = true;
    const { clock, wire, weather } = this.#connection.of;
    clock.after(weather.latency() / 4, wire, () => {
      this.#sending = false;
      if (this.#dropped) return;
      const chunk = this.#consumer?.take(weather.chunk()) ?? [];
      if (chunk.length === 0) return;
      this.#sentAt = clock.now;
      this.#connection.toClient(() => this.#hear(chunk));
      this.#send();
    });
  }
}

function jsMessage({ message, deliverySequence, pending }: DeliveredMessage): JsMsg {
  const { subject, data, headers, seq, time } = message;
  return {
    subject,
    data,
    headers,
    seq,
    info: {
      streamSequence: seq,
      deliverySequence,
      pending,
      timestampNanos: Math.round(time * 1000) * 1000,
    },
  } as unknown as JsMsg;
}
