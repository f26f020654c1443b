import type { Matcher, Topic } from "../../../src/config/condition-ast.ts";
import type { Facts } from "../../../src/flow/operator.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { Step } from "../signals.ts";
import type { Histories, Leaf, StandingChange } from "./leaf.ts";
import { Matchers } from "./matchers.ts";

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

  constructor(matchers: readonly Matcher[], leaves: Iterable<Leaf>) {
    const unique: Leaf[] = [];
    for (const leaf of leaves) {
      if (this.#places.has(leaf.key)) continue;
      this.#places.set(leaf.key, unique.length);
      unique.push(leaf);
    }
    unique.forEach((leaf, place) => {
      for (const matcher of new Set(leaf.listens)) add(this.#byMatcher, matcher, place);
      if (leaf.follows !== null) add(this.#byTopic, leaf.follows.topic, place);
    });
    this.#leaves = unique;
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

  /** Whether events of the type can change anything. */
  knows(type: string): boolean {
    return this.#matchers.knows(type);
  }

  /** Puts an event into the histories of the leaves that listen; places of those it touched. */
  take(histories: Histories, { event, session }: Step, facts: Facts): readonly number[] {
    const met = this.#matchers.of(event, facts);
    if (met.length === 0) return met;
    const occurrence = { event, session, met, facts };
    const first = this.#byMatcher.get(met[0] ?? -1) ?? [];
    const places =
      met.length === 1
        ? first
        : [...new Set(met.flatMap((matcher) => this.#byMatcher.get(matcher) ?? []))];
    for (const place of places) {
      const leaf = this.#leaves[place] as Leaf;
      keep(histories, leaf, leaf.add(histories[leaf.key], occurrence));
    }
    return places;
  }

  /** The same for what another part says. */
  stand(histories: Histories, change: StandingChange): readonly number[] {
    const touched: number[] = [];
    for (const place of this.#byTopic.get(change.topic) ?? []) {
      const leaf = this.#leaves[place] as Leaf;
      if (isSwitch(change.topic) && leaf.follows?.value !== change.value) continue;
      keep(histories, leaf, leaf.stand?.(histories[leaf.key], change));
      touched.push(place);
    }
    return touched;
  }

  /** Leaves out of the histories what no longer matters from `horizon` on. */
  thin(histories: Histories, horizon: EventTime): void {
    for (const key of Object.keys(histories)) {
      const leaf = this.#leaves[this.#places.get(key) ?? -1];
      if (leaf === undefined) delete histories[key];
      else keep(histories, leaf, leaf.thin(histories[key], horizon));
    }
  }
}

/** On and off by itself, whatever else of its topic is. */
const isSwitch = (topic: Topic): boolean => topic === "segment" || topic === "tag";

function keep(histories: Histories, leaf: Leaf, history: unknown): void {
  if (history === undefined) delete histories[leaf.key];
  else histories[leaf.key] = history;
}

function add<K>(map: Map<K, number[]>, key: K, place: number): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [place]);
  else known.push(place);
}
