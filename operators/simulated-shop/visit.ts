import type { Intent } from "../event.ts";
import type { Item } from "./catalog.ts";
import type { Floor } from "./floor.ts";
import type { Props } from "./message.ts";
import type { Identifier, Person, Touchpoint } from "./people.ts";
import type { Random } from "./random.ts";

/** One person's way through the touchpoints; a tracker session. */
export class Visit {
  readonly floor: Floor;
  readonly person: Person;
  /** The visit's own stream. */
  readonly random: Random;
  readonly #wire: Random;
  readonly #key: string;
  #events = 0;
  #intent: Intent;
  #enteredAt = 0;
  /** Instead of the mini program's identifiers, until the person is recognised there. */
  incognito: readonly Identifier[] | undefined;

  constructor(floor: Floor, person: Person, random: Random, intent: Intent) {
    this.floor = floor;
    this.person = person;
    this.random = random;
    this.#wire = random.fork("wire");
    this.#key = random.fork("key").hex(14);
    this.#intent = intent;
    floor.note(this.#key, person, 0, intent);
  }

  get intent(): Intent {
    return this.#intent;
  }

  /** The mind changes: from the next event on. */
  turn(intent: Intent): void {
    this.#intent = intent;
    this.floor.note(this.#key, this.person, this.#events, intent);
  }

  say(touchpoint: Touchpoint, type: string, props: Props): void {
    const hidden = touchpoint === "mp" ? this.incognito : undefined;
    this.#send(touchpoint, type, props, hidden ?? this.person.ids[touchpoint]);
  }

  page(path: string, dwellMs: number): void {
    this.say("mp", "page.viewed", { path, dwell_ms: dwellMs });
  }

  view(item: Item, dwellMs: number, section?: string): void {
    const { sku, line, category, priceMinor } = item;
    const props: Props = { sku, line, category, dwell_ms: dwellMs, price_minor: priceMinor };
    if (section !== undefined) props["section"] = section;
    this.say("mp", "product.viewed", props);
  }

  enter(scene: string): void {
    this.#enteredAt = this.floor.now;
    this.say("mp", "mp.entered", { scene });
  }

  leave(): void {
    this.say("mp", "mp.left", { dwell_ms: this.floor.now - this.#enteredAt });
  }

  /** The person logs in: what was anonymous so far turns out to be them. */
  reveal(): void {
    if (this.incognito === undefined) return;
    const ids = [...this.incognito, ...this.person.ids.mp];
    this.incognito = undefined;
    this.#send("mp", "id.link", {}, ids);
  }

  orderId(): string {
    return `o${this.#key}${this.#events.toString(36)}`;
  }

  #send(touchpoint: Touchpoint, type: string, props: Props, ids: readonly Identifier[]): void {
    const number = this.#events;
    this.#events += 1;
    props["region"] = this.person.region;
    this.floor.post.event(
      {
        id: `${this.#key}-${number.toString(36)}`,
        type,
        ts: this.floor.now,
        recv: this.floor.now,
        touchpoint,
        ids,
        session: this.#key,
        props,
      },
      this.#wire,
    );
  }
}

/** Milliseconds of attention: at least `low` seconds, seldom near `high`. */
export function attention(random: Random, low: number, high: number): number {
  const share = random.fraction();
  return Math.round((low + (high - low) * share * share) * 1000);
}
