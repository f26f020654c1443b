import { headers, type NatsConnection } from "nats";
import type { ShopMessage } from "../../../operators/simulated-shop/message.ts";
import type { SimulatedShop } from "../../../operators/simulated-shop/simulated-shop.ts";
import { AckInbox } from "../../nats/ack-inbox.ts";
import type { EventTime } from "../../time/event-time.ts";
import type { Log } from "../../watch/log.ts";
import type { Received } from "./tally.ts";

const STEP_MS = 40;
const UNACKNOWLEDGED = 4000;
const UNREAD = 40;
/** A slow machine opens the shop all the same. */
const OPENING_MS = 4000;

export interface ShopDriverOptions {
  readonly nc: NatsConnection;
  readonly shop: SimulatedShop;
  readonly prefix: string;
  readonly start: EventTime;
  /** Simulated seconds a second. */
  readonly speed: number;
  readonly log: Log;
  /** Messages that the engine has yet to work on. */
  readonly unread: () => number;
  /** Hears all that happens in the shop as it is published. */
  readonly page?: { hear(message: ShopMessage): void } | undefined;
}

/** Lets the simulated shop live against the wall clock and publishes what it says, acknowledged. */
export class ShopDriver {
  readonly #options: ShopDriverOptions;
  readonly #inbox: AckInbox;
  #now: EventTime;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;
  #closed = false;

  constructor(options: ShopDriverOptions) {
    this.#options = options;
    this.#now = options.start;
    this.#inbox = new AckInbox(options.nc, options.log);
  }
  /** The simulated moment. */
  get now(): EventTime {
    return this.#now;
  }

  /** Tells what is known before the first event, waits until `taken` says it has been taken in, and opens. */
  async start(taken: () => boolean): Promise<void> {
    for (const fact of this.#options.shop.facts()) this.#publish(fact);
    const end = performance.now() + OPENING_MS;
    do await pause(20);
    while ((this.#inbox.size > 0 || !taken()) && performance.now() < end);
    if (this.#closed) return;
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#step(), STEP_MS);
  }

  /** The shop hears what was published for it. */
  hear({ subject, data }: Received): void {
    if (subject.startsWith("recommendation."))
      this.#options.shop.onRecommendation({ subject, data });
    else if (subject.startsWith("restock.")) this.#options.shop.onRestock({ subject, data });
  }

  /** Closes the shop; resolves when everything it said is stored, or after two seconds. */
  async stop(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    const end = performance.now() + 2000;
    while (this.#inbox.size > 0 && performance.now() < end) {
      await pause(20);
    }
    this.#inbox.close();
  }

  /** A slow broker or engine slows the shop's clock, not its story. */
  #step(): void {
    const now = performance.now();
    const passed = now - this.#last;
    this.#last = now;
    if (this.#inbox.size > UNACKNOWLEDGED || this.#options.unread() > UNREAD) return;
    this.#now = (this.#now + Math.round(passed * this.#options.speed)) as EventTime;
    const messages = this.#options.shop.advance(this.#now);
    for (const message of messages) {
      this.#publish(message);
      this.#options.page?.hear(message);
    }
    if (messages.length === 0)
      this.#publish({ subject: "in.tick", body: { recv: this.#now }, recv: this.#now });
  }

  #publish({ subject, body }: ShopMessage): void {
    const type = headers();
    type.set("Content-Type", "application/json");
    this.#inbox.send({
      subject: `${this.#options.prefix}.${subject}`,
      payload: Buffer.from(JSON.stringify(body)),
      headers: type,
      onAck: () => undefined,
    });
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
