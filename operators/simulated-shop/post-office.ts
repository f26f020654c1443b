import { type EventTime, eventTime } from "../../src/time/event-time.ts";
import { Agenda } from "./agenda.ts";
import type { ShopMessage, ShopperEvent } from "./message.ts";
import type { Random } from "./random.ts";

const AGAIN = 0.002;
const BROKEN = 0.0005;

/** Ways in which trackers get it wrong; none of them may be taken for an event. */
const FAULTS: readonly ((event: ShopperEvent) => Record<string, unknown>)[] = [
  (event) => ({ ...event, type: `${event.type}s` }),
  ({ type: _type, ...rest }) => rest,
  (event) => ({ ...event, ids: "guest" }),
  (event) => ({ ...event, ts: "yesterday" }),
  (event) => ({ ...event, type: "product.viewed", props: { sku: 17, dwell_ms: "long" } }),
  (event) => ({ ...event, type: "cart.added", props: { qty: 1 } }),
];

/** Brings messages into the order in which they arrive: late by moments, some twice, a few spoilt. */
export class PostOffice {
  readonly #bag = new Agenda<ShopMessage>();
  readonly #subjects = new Map<string, Map<string, string>>();

  event(event: ShopperEvent, wire: Random): void {
    const recv = event.ts + delay(wire);
    const subject = this.#subject(event.touchpoint, event.type);
    event.recv = recv;
    this.#put(subject, event, recv);
    const luck = wire.fraction();
    if (luck >= AGAIN + BROKEN) return;
    if (luck < AGAIN) {
      const again = recv + wire.between(300, 4000);
      this.#put(subject, { ...event, recv: again }, again);
    } else {
      const fault = wire.pick(FAULTS);
      this.#put(subject, fault({ ...event, id: `${event.id}-x` }), recv);
    }
  }

  plain(subject: string, body: Readonly<Record<string, unknown>>, at: number): void {
    this.#put(subject, { ...body, recv: at }, at);
  }

  /** What has arrived up to a moment, that moment included. */
  arrived(until: EventTime): ShopMessage[] {
    const messages: ShopMessage[] = [];
    while (this.#bag.nextAt <= until) {
      const message = this.#bag.take();
      if (message !== undefined) messages.push(message);
    }
    return messages;
  }

  #put(subject: string, body: ShopMessage["body"], recv: number): void {
    this.#bag.put(recv, { subject, body, recv: eventTime(recv) });
  }

  /** The last two words of a type are object and action: `group.message.posted` in `group`. */
  #subject(touchpoint: string, type: string): string {
    let types = this.#subjects.get(touchpoint);
    if (types === undefined) {
      types = new Map();
      this.#subjects.set(touchpoint, types);
    }
    let subject = types.get(type);
    if (subject === undefined) {
      subject = `in.event.${touchpoint}.${type.split(".").slice(-2).join(".")}`;
      types.set(type, subject);
    }
    return subject;
  }
}

/** Phones are quick, trains have tunnels: mostly under 0.3 s, one in thirty 2 to 4 s. */
function delay(wire: Random): number {
  const luck = wire.fraction();
  const share = wire.fraction();
  if (luck < 0.75) return 20 + Math.floor(share * 280);
  if (luck < 0.97) return 300 + Math.floor(share * 1700);
  return 2000 + Math.floor(share * 2000);
}
