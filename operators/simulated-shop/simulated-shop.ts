import type { EventTime } from "../../src/time/event-time.ts";
import type { Intent } from "../event.ts";
import { buildCatalog, type Catalog, type Content, type Item } from "./catalog.ts";
import { busyness } from "./day.ts";
import { Floor, type Steps } from "./floor.ts";
import { livestreams } from "./live.ts";
import type { Heard, ShopMessage } from "./message.ts";
import { buildPerson, type Person } from "./people.ts";
import { PostOffice } from "./post-office.ts";
import { Random } from "./random.ts";
import { Reactions } from "./reactions.ts";
import { type Fact, Shelves } from "./shelves.ts";
import { mood, visit } from "./shopping.ts";
import { Visit } from "./visit.ts";
import { REGIONS } from "./words.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Mean hours between two visits of a person of pace 1 in the busiest hour. */
const HOURS_BETWEEN = 1.3;
/** Pieces sold by a person in an afternoon's hour; measured, for stock that fits demand. */
const SALES_PER_PERSON = 0.11;
const FIRST_LIVE = 7.5 * MINUTE;

export interface ShopOptions {
  /** The whole story: same seed, start and reactions, same bytes. */
  readonly seed: number;
  readonly start: EventTime;
  readonly people?: number;
  readonly items?: number;
  /** How often people come, relative to an ordinary day. */
  readonly rate?: number;
}

/**
 * A made-up shop on WeChat: its people, goods and stock, and everything that trackers and
 * warehouses would report about them. It has no clock; time moves when `advance` is called.
 */
export class SimulatedShop {
  readonly #floor: Floor;
  readonly #reactions: Reactions;
  readonly #facts: readonly ShopMessage[];

  constructor({ seed, start, people = 6000, items = 400, rate = 1 }: ShopOptions) {
    const root = new Random(seed);
    const catalog = buildCatalog(root.fork("catalog"), items);
    const shelves = new Shelves(catalog, people * rate * SALES_PER_PERSON, root.fork("stock"));
    const shows = showpieces(catalog, root.fork("shows"));
    for (const item of shows) shelves.stock(item.sku, Math.ceil(people * rate * 0.006));
    const floor = new Floor({ start, catalog, shelves, post: new PostOffice() });
    const crowd = Array.from({ length: people }, (_, index) => buildPerson(root, index));
    const day = Math.floor(start / 1000);
    for (const person of crowd) floor.begin(life(floor, person, { rate, day }), 0);
    const live = root.fork("live", day);
    floor.begin(livestreams(floor, { people: crowd, items: shows, random: live }), FIRST_LIVE);
    this.#floor = floor;
    this.#reactions = new Reactions(floor, root.fork("reactions", day));
    this.#facts = [...openingFacts(catalog, shelves)].map(({ subject, body }) => ({
      subject,
      body: { ...body, recv: start },
      recv: start,
    }));
  }

  /** What is known before the first event: catalog, content, sites, lead times and stock. */
  facts(): readonly ShopMessage[] {
    return this.#facts;
  }

  /**
   * Everything that arrives up to and including `to`, in the order of arrival. A moment already
   * passed gives nothing; in one go or in steps, the messages are the same.
   */
  advance(to: EventTime): ShopMessage[] {
    this.#floor.run(to);
    return this.#floor.post.arrived(to);
  }

  /** Somebody was recommended something: they may see, click, close, buy, or ignore it. */
  onRecommendation(message: Heard): void {
    this.#reactions.recommendation(message);
  }

  /** Goods are ordered; they arrive after the item's lead time. */
  onRestock(message: Heard): void {
    this.#reactions.restock(message);
  }

  /** What the person behind an event was really after; undefined for unknown or long past events. */
  truth(eventId: string): { readonly person: number; readonly intent: Intent } | undefined {
    const found = this.#floor.truth(eventId);
    return found === undefined ? undefined : { person: found.person.index, intent: found.intent };
  }
}

/** A person's days: visits whose frequency follows the hour (thinning), each with its own stream. */
function* life(floor: Floor, person: Person, pace: { rate: number; day: number }): Steps {
  const gaps = person.random.fork("gaps", pace.day);
  const visits = person.random.fork("visits", pace.day);
  const mean = (HOURS_BETWEEN * HOUR) / (person.pace * pace.rate);
  for (;;) {
    do yield Math.ceil(gaps.wait(mean));
    while (!gaps.chance(busyness(floor.now)));
    person.visits += 1;
    const random = visits.fork("visit", person.visits);
    yield* visit(new Visit(floor, person, random, mood(person, random.fork("mood"))));
  }
}

/** Known but not yet famous goods, one an aisle, in an order of the seed's own. */
function showpieces({ aisles }: Catalog, random: Random): Item[] {
  const first = random.below(aisles.length);
  return aisles.flatMap((_, place) => {
    const items = aisles[(first + place) % aisles.length]?.items ?? [];
    const item = items[Math.min(2, items.length - 1)];
    return item === undefined ? [] : [item];
  });
}

function* openingFacts(catalog: Catalog, shelves: Shelves): Generator<Fact> {
  for (const { site, region } of REGIONS) {
    yield { subject: `in.fact.site.${site}`, body: { site, region } };
  }
  for (const item of catalog.items.values()) yield catalogFact(item);
  for (const { articles, clips } of catalog.aisles) {
    for (const content of [...articles, ...clips]) yield contentFact(content);
  }
  yield* shelves.facts();
}

function catalogFact(item: Item): Fact {
  const { sku, title, category, brand, line, priceMinor, margin, usedUpAfterDays } = item;
  const cycle = usedUpAfterDays === undefined ? {} : { consumable_cycle_days: usedUpAfterDays };
  return {
    subject: `in.fact.catalog.${sku}`,
    body: {
      sku,
      title,
      category,
      brand,
      line,
      price_minor: priceMinor,
      currency: "CNY",
      margin,
      ...cycle,
    },
  };
}

function contentFact({ id, type, category, about, skus, channel, title }: Content): Fact {
  const subject = about === undefined ? {} : { about };
  return {
    subject: `in.fact.content.${id}`,
    body: { content_id: id, type, category, ...subject, skus, channel, title },
  };
}
