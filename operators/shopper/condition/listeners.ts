import type { Matcher, Topic } from "../../../src/config/condition-ast.ts";
import type { Facts } from "../../../src/flow/operator.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { ShopEvent } from "../../event.ts";
import type { Step } from "../signals.ts";
import type { Histories, Leaf, StandingChange } from "./leaf.ts";
import { Matchers } from "./matchers.ts";
import { Occurrence } from "./occurrence.ts";

/**
 * The leaves of a file's conditions, equal ones as one, each found by the matchers it listens to: an
 * event touches the histories that it can change, and no others.
 */
export class Listeners {
  readonly #matchers: Matchers;
  readonly #leaves: readonly Leaf[];
  readonly #places = new Map<string, number>();
  readonly #byMatcher = new Map<number, number[]>();
  readonly #byTopic = new Map<Topic, number[]>();
  /** Of topics whose values are on and off by themselves: those that follow one, by topic and value. */
  readonly #bySwitch = new Map<Topic, Map<string, number[]>>();
  /** By leaf, those that use its history. */
  readonly #users = new Map<number, Set<number>>();
  /** By leaf, the round in which it was listed last: a list names each once without a set of its own. */
  readonly #listed: Float64Array;
  #round = 0;
  /** Of the event that was asked about last, what it met: whom it concerns is handed it at once. */
  #asked: { readonly event: ShopEvent; readonly met: readonly number[] } | undefined;

  constructor(matchers: readonly Matcher[], leaves: Iterable<Leaf>) {
    const unique: Leaf[] = [];
    const place = (leaf: Leaf): number => {
      const known = this.#places.get(leaf.key);
      if (known !== undefined) return known;
      this.#places.set(leaf.key, unique.length);
      return unique.push(leaf) - 1;
    };
    for (const leaf of leaves) {
      const user = place(leaf);
      if (leaf.uses === undefined) continue;
      const used = place(leaf.uses);
      const users = this.#users.get(used) ?? new Set();
      this.#users.set(used, users.add(user));
    }
    unique.forEach((leaf, at) => {
      for (const matcher of new Set(leaf.listens)) add(this.#byMatcher, matcher, at);
      if (leaf.follows === null) return;
      const { topic, value } = leaf.follows;
      add(this.#byTopic, topic, at);
      if (!isSwitch(topic)) return;
      const byValue = this.#bySwitch.get(topic) ?? new Map<string, number[]>();
      this.#bySwitch.set(topic, byValue);
      add(byValue, value, at);
    });
    this.#leaves = unique;
    this.#listed = new Float64Array(unique.length);
    this.#matchers = new Matchers(matchers.filter(({ index }) => this.#byMatcher.has(index)));
  }

  /** How many different leaves there are; their places are below it. */
  get size(): number {
    return this.#leaves.length;
  }

  place(leaf: Leaf): number {
    const place = this.#places.get(leaf.key);
    if (place === undefined) throw new RangeError(`no leaf has the key ${leaf.key}`);
    return place;
  }

  /** Whether an event can change anything. */
  concerns(event: ShopEvent, facts: Facts): boolean {
    const met = this.#matchers.of(event, facts);
    this.#asked = { event, met };
    return met.length > 0;
  }

  #metBy(event: ShopEvent, facts: Facts): readonly number[] {
    const asked = this.#asked;
    this.#asked = undefined;
    return asked?.event === event ? asked.met : this.#matchers.of(event, facts);
  }

  /** Whether anything follows what is said of a topic. */
  follows(topic: Topic): boolean {
    return this.#byTopic.has(topic);
  }

  /** Puts an event into the histories of the leaves that listen; places of those it may have changed. */
  take(histories: Histories, { event, session }: Step, facts: Facts): readonly number[] {
    const met = this.#metBy(event, facts);
    if (met.length === 0) return NO_PLACES;
    const occurrence = new Occurrence(event, session, met, facts);
    const listening = this.#listening(met);
    const touched: number[] = [];
    this.#round += 1;
    for (const place of listening) {
      const leaf = this.#leaves[place] as Leaf;
      keep(histories, leaf, leaf.add(histories[leaf.key], occurrence));
      const users = this.#users.get(place);
      if (users === undefined) this.#list(place, touched);
      else this.#addUsers(users, histories, touched);
    }
    return touched;
  }

  /** Leaves that listen to one of the matchers, each once. */
  #listening(met: readonly number[]): readonly number[] {
    if (met.length === 1) return this.#byMatcher.get(met[0] as number) ?? NO_PLACES;
    const places: number[] = [];
    this.#round += 1;
    for (const matcher of met) {
      for (const place of this.#byMatcher.get(matcher) ?? NO_PLACES) this.#list(place, places);
    }
    return places;
  }

  #list(place: number, places: number[]): void {
    if (this.#listed[place] === this.#round) return;
    this.#listed[place] = this.#round;
    places.push(place);
  }

  /** Those that have something of their own for a shared history to change. */
  #addUsers(users: ReadonlySet<number>, histories: Histories, touched: number[]): void {
    for (const key in histories) {
      const user = this.#places.get(key);
      if (user !== undefined && users.has(user)) this.#list(user, touched);
    }
  }

  /** The same for what another part says; what says nothing new changes nothing. */
  stand(histories: Histories, change: StandingChange): readonly number[] {
    const { topic, value } = change;
    const places = isSwitch(topic)
      ? this.#bySwitch.get(topic)?.get(value)
      : this.#byTopic.get(topic);
    if (places === undefined) return NO_PLACES;
    let touched: number[] | undefined;
    for (const place of places) {
      const leaf = this.#leaves[place] as Leaf;
      const before = histories[leaf.key];
      const after = leaf.stand?.(before, change);
      if (after === before) continue;
      keep(histories, leaf, after);
      touched ??= [];
      touched.push(place);
    }
    return touched ?? NO_PLACES;
  }

  /**
   * Joins the histories of somebody who turned out to be this person; places of the leaves that have
   * one now. What is said of a person's segments stays what was said of this one: it is told anew.
   */
  join(histories: Histories, from: Histories): ReadonlySet<number> {
    for (const [key, other] of Object.entries(from)) {
      const leaf = this.#leaves[this.#places.get(key) ?? -1];
      if (leaf === undefined || leaf.follows?.topic === "segment") continue;
      const own = histories[key];
      keep(histories, leaf, own === undefined ? other : leaf.join(own, other));
    }
    return new Set(Object.keys(histories).flatMap((key) => this.#places.get(key) ?? []));
  }

  /** Leaves out of the histories what no longer matters from `horizon` on. */
  thin(histories: Histories, horizon: EventTime): void {
    const shared: Leaf[] = [];
    for (const key in histories) {
      const place = this.#places.get(key) ?? -1;
      const leaf = this.#leaves[place];
      if (leaf === undefined) delete histories[key];
      else if (this.#users.has(place)) shared.push(leaf);
      else keep(histories, leaf, leaf.thin(histories[key], horizon, histories));
    }
    for (const leaf of shared) {
      keep(histories, leaf, leaf.thin(histories[leaf.key], horizon, histories));
    }
  }
}

const NO_PLACES: readonly number[] = [];

/** On and off by itself, whatever else of its topic is. */
const isSwitch = (topic: Topic): boolean =>
  topic === "segment" || topic === "tag" || topic === "rank";

function keep(histories: Histories, { key }: Leaf, history: unknown): void {
  const before = histories[key];
  if (before === history) return;
  if (history === undefined) delete histories[key];
  else histories[key] = history;
}

function add<K>(map: Map<K, number[]>, key: K, place: number): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [place]);
  else known.push(place);
}
