import { headers } from "nats";
import type { Random } from "../../operators/simulated-shop/random.ts";
import type { SimBroker } from "./broker.ts";
import type { Owner, SimClock } from "./clock.ts";
import type { Weather } from "./connection.ts";
import type { TrafficMessage } from "./traffic.ts";

const utf8 = new TextEncoder();

/** Publishes like a careful tracker: the same message again until it is acknowledged. */
export class Trackers {
  readonly #clock: SimClock;
  readonly #broker: SimBroker;
  readonly #weather: Weather;
  readonly #random: Random;
  readonly #owner: Owner;
  readonly #prefix: string;
  #open = 0;

  constructor(of: {
    clock: SimClock;
    broker: SimBroker;
    weather: Weather;
    random: Random;
    owner: Owner;
    prefix: string;
  }) {
    this.#clock = of.clock;
    this.#broker = of.broker;
    this.#weather = of.weather;
    this.#random = of.random;
    this.#owner = of.owner;
    this.#prefix = of.prefix;
  }
  /** Messages that are not acknowledged yet. */
  get open(): number {
    return this.#open;
  }

  publish({ subject, body, msgId }: Omit<TrafficMessage, "at">): void {
    const about = headers();
    about.set("Content-Type", "application/json");
    if (msgId !== undefined) about.set("Nats-Msg-Id", msgId);
    const message = { data: utf8.encode(body), headers: about };
    const to = `${this.#prefix}.${subject}`;
    let stored = false;
    this.#open += 1;
    const send = () => {
      if (stored) return;
      this.#clock.after(this.#weather.latency(), this.#owner, () => {
        if (!this.#broker.up || this.#weather.loses("request", to)) return;
        const reply = this.#broker.publish(to, message, this.#clock.now);
        if (reply === undefined || "error" in reply || this.#weather.loses("ack", to)) return;
        this.#clock.after(this.#weather.latency(), this.#owner, () => {
          if (!stored) this.#open -= 1;
          stored = true;
        });
      });
      this.#clock.after(this.#random.between(300, 900), this.#owner, send);
    };
    send();
  }
}
