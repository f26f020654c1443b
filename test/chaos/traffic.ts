import { encode } from "@msgpack/msgpack";
import type { Heard, ShopMessage } from "../../operators/simulated-shop/message.ts";
import { Random } from "../../operators/simulated-shop/random.ts";
import { SimulatedShop } from "../../operators/simulated-shop/simulated-shop.ts";
import { type EventTime, eventTime } from "../../src/time/event-time.ts";
import { SHOP_OPENS } from "../support/events.ts";

/** One message for `IN`. */
export interface Parcel {
  /** Its message id. */
  readonly id: string;
  readonly subject: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  /** Events and facts in it; 0 for one that is spoilt on purpose. */
  readonly events: number;
}

type Body = Readonly<Record<string, unknown>>;

/** So many times as fast the shop's people live: a minute of theirs is a second of the clock. */
const SPEED = 60;
const PEOPLE = { people: 240, items: 60, rate: 8 };

const BATCHED = 0.3;
const LARGEST_BATCH = 8;
const MSGPACK = 0.3;
const AGAIN = 0.05;
const SPOILT = 0.01;

/** What trackers and warehouses say while people live fast, with all that trackers get wrong. */
export class Traffic {
  readonly #shop: SimulatedShop;
  readonly #began: number;
  readonly #random: Random;
  #parcels = 0;
  /** Events that a tracker sends once more, by when. */
  #again: { readonly at: number; readonly event: ShopMessage }[] = [];
  #asking: unknown = [];

  /** `now` is wall time, milliseconds; the shop opens then. */
  constructor(seed: number, now: number) {
    this.#shop = new SimulatedShop({ seed, start: SHOP_OPENS, ...PEOPLE });
    this.#random = new Random(seed).fork("trackers");
    this.#began = now;
  }

  /** Identifiers of somebody who was there lately. */
  get somebody(): unknown {
    return this.#asking;
  }

  opening(): Parcel[] {
    return this.#shop.facts().map((fact) => this.#single(fact));
  }

  /** Everything that arrives up to and including `now`. */
  until(now: number): Parcel[] {
    const shopTime = SHOP_OPENS + (now - this.#began) * SPEED;
    const said = [...this.#shop.advance(eventTime(shopTime)), ...this.#due(now)];
    const parcels: Parcel[] = [];
    let batch: ShopMessage[] = [];
    for (const message of said) {
      if (!isEvent(message)) {
        parcels.push(this.#single(message));
        continue;
      }
      this.#mayComeAgain(message, now);
      if (this.#random.chance(SPOILT)) parcels.push(this.#spoilt(message));
      if (!this.#random.chance(BATCHED)) parcels.push(this.#single(message));
      else if (batch.push(message) === LARGEST_BATCH) {
        parcels.push(this.#batch(batch));
        batch = [];
      }
    }
    if (batch.length > 0) parcels.push(this.#batch(batch));
    return parcels;
  }

  hear(message: Heard): void {
    if (message.subject.startsWith("recommendation.")) this.#shop.onRecommendation(message);
    else this.#shop.onRestock(message);
  }

  #due(now: number): ShopMessage[] {
    const due = this.#again.filter(({ at }) => at <= now);
    this.#again = this.#again.filter(({ at }) => at > now);
    return due.map(({ event }) => event);
  }

  /** Trackers that get no answer in time send again what has arrived, under a new message id. */
  #mayComeAgain(event: ShopMessage, now: number): void {
    if (!this.#random.chance(AGAIN)) return;
    this.#again.push({ at: now + this.#random.between(100, 6000), event });
  }

  #single(message: ShopMessage): Parcel {
    const body = this.#inRealTime(message.body);
    this.#asking = body["ids"] ?? this.#asking;
    return this.#parcel(message.subject, body, 1);
  }
  #batch(messages: readonly ShopMessage[]): Parcel {
    const bodies = messages.map(({ body }) => this.#inRealTime(body));
    return this.#parcel("in.event.mp.batch", bodies, bodies.length);
  }
  #spoilt({ subject }: ShopMessage): Parcel {
    const { id } = this.#parcel(subject, {}, 0);
    const data = Buffer.from('{"id": "spoilt", ');
    return { id: `spoilt-${id}`, subject, contentType: "application/json", data, events: 0 };
  }

  #parcel(subject: string, body: unknown, events: number): Parcel {
    this.#parcels += 1;
    const id = `load-${this.#parcels}`;
    if (subject.startsWith("in.event.") && this.#random.chance(MSGPACK)) {
      return { id, subject, contentType: "application/msgpack", data: encode(body), events };
    }
    const data = Buffer.from(JSON.stringify(body));
    return { id, subject, contentType: "application/json", data, events };
  }

  /** Shop time becomes wall time; nobody says when it arrived, for the broker knows. */
  #inRealTime({ recv: _recv, ...body }: Body): Body {
    const { ts } = body;
    return typeof ts === "number" ? { ...body, ts: this.#realTime(ts) } : body;
  }
  #realTime(ts: number): EventTime {
    return eventTime(Math.floor(this.#began + (ts - SHOP_OPENS) / SPEED));
  }
}

const isEvent = ({ subject }: ShopMessage): boolean => subject.startsWith("in.event.");
