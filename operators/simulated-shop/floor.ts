import type { Intent } from "../event.ts";
import { Agenda } from "./agenda.ts";
import { type Catalog, type Item, popularItem } from "./catalog.ts";
import type { Person } from "./people.ts";
import type { PostOffice } from "./post-office.ts";
import type { Random } from "./random.ts";
import type { Fact, Shelves } from "./shelves.ts";

/** Something that goes on in the shop: yields how many milliseconds pass before it goes on. */
export type Steps = Generator<number, void, void>;

/** An item everybody talks about for a while. */
export interface Hit {
  readonly item: Item;
  readonly until: number;
}

/** Who was behind a visit and what they were after, from which event of it on. */
interface Diary {
  readonly person: Person;
  readonly intents: { readonly from: number; readonly intent: Intent }[];
}

const DIARIES = 65_536;

/** Where it all happens: the time, what goes on, the goods, the post and the truth about visits. */
export class Floor {
  readonly catalog: Catalog;
  readonly shelves: Shelves;
  readonly post: PostOffice;
  readonly #agenda = new Agenda<Steps>();
  readonly #diaries = new Map<string, Diary>();
  #now: number;
  hit: Hit | undefined;

  constructor(parts: { start: number; catalog: Catalog; shelves: Shelves; post: PostOffice }) {
    this.#now = parts.start;
    this.catalog = parts.catalog;
    this.shelves = parts.shelves;
    this.post = parts.post;
  }

  get now(): number {
    return this.#now;
  }

  begin(steps: Steps, after: number): void {
    this.#agenda.put(this.#now + after, steps);
  }

  run(until: number): void {
    while (this.#agenda.nextAt <= until) {
      this.#now = this.#agenda.nextAt;
      const steps = this.#agenda.take();
      const step = steps?.next();
      if (steps !== undefined && step?.done === false) {
        this.#agenda.put(this.#now + step.value, steps);
      }
    }
    this.#now = Math.max(this.#now, until);
  }

  tell(fact: Fact | undefined): void {
    if (fact !== undefined) this.post.plain(fact.subject, fact.body, this.#now);
  }

  /** From a person's interests, the dearer line for those who can pay; sold out or not. */
  choose(person: Person, aisle: number, random: Random): Item {
    const shelf = this.catalog.aisles[aisle];
    if (shelf === undefined) throw new RangeError(`no aisle ${aisle}`);
    const first = popularItem(shelf, random.fraction());
    const fits = first.line === "premium" ? person.budget > 0.45 : person.budget < 0.85;
    return fits || random.chance(0.4) ? first : popularItem(shelf, random.fraction());
  }

  note(visit: string, person: Person, from: number, intent: Intent): void {
    const diary = this.#diaries.get(visit);
    if (diary !== undefined) {
      diary.intents.push({ from, intent });
      return;
    }
    this.#diaries.set(visit, { person, intents: [{ from, intent }] });
    if (this.#diaries.size <= DIARIES) return;
    const oldest = this.#diaries.keys().next();
    if (oldest.done !== true) this.#diaries.delete(oldest.value);
  }

  /** Undefined for what the shop never sent, or sent so long ago that it forgot. */
  truth(eventId: string): { person: Person; intent: Intent } | undefined {
    const [visit, number] = eventId.split("-");
    const diary = this.#diaries.get(visit ?? "");
    const at = Number.parseInt(number ?? "", 36);
    const found = diary?.intents.findLast(({ from }) => from <= at);
    return diary === undefined || found === undefined
      ? undefined
      : { person: diary.person, intent: found.intent };
  }
}
