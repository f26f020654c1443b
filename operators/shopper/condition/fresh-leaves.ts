import type { Matcher } from "../../../src/config/condition-ast.ts";
import type { Facts } from "../../../src/flow/operator.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { Step } from "../signals.ts";
import type { Histories, Leaf, StandingChange } from "./leaf.ts";
import { Listeners } from "./listeners.ts";

/** What is known of a person from before a definition came into force. */
export interface Past {
  readonly steps: readonly Step[];
  readonly standings: readonly StandingChange[];
}

/**
 * The leaves of a file by the time since when some definition has used them. What a person's history
 * of a leaf holds from before is of a definition that is no more; what is known otherwise takes its place.
 */
export class FreshLeaves {
  readonly #matchers: readonly Matcher[];
  readonly #born = new Map<string, EventTime>();
  readonly #leaves = new Map<string, Leaf>();
  readonly #since = new Map<EventTime, Listeners>();

  constructor(
    matchers: readonly Matcher[],
    definitions: readonly { readonly born: EventTime; readonly leaves: readonly Leaf[] }[],
  ) {
    this.#matchers = matchers;
    for (const { born, leaves } of definitions) {
      for (const leaf of leaves) {
        for (const one of leaf.uses === undefined ? [leaf] : [leaf, leaf.uses]) {
          this.#leaves.set(one.key, one);
          this.#born.set(one.key, Math.min(born, this.#born.get(one.key) ?? born) as EventTime);
        }
      }
    }
  }

  /** Keys of the leaves that nothing has used up to `asOf`. */
  keysSince(asOf: EventTime): string[] {
    return [...this.#born].filter(([, born]) => born > asOf).map(([key]) => key);
  }

  /** Begins the histories of such leaves anew, with what is known of the past. */
  begin(histories: Histories, asOf: EventTime, past: Past, facts: Facts): void {
    const keys = this.keysSince(asOf);
    for (const key of keys) delete histories[key];
    if (keys.length === 0 || past.steps.length + past.standings.length === 0) return;
    const listeners = this.#listenersSince(asOf, keys);
    const begun: Histories = {};
    for (const step of past.steps) listeners.take(begun, step, facts);
    for (const change of past.standings) listeners.stand(begun, change);
    for (const key of keys) if (begun[key] !== undefined) histories[key] = begun[key];
  }

  #listenersSince(asOf: EventTime, keys: readonly string[]): Listeners {
    let listeners = this.#since.get(asOf);
    if (listeners === undefined) {
      const leaves = keys.flatMap((key) => this.#leaves.get(key) ?? []);
      listeners = new Listeners(this.#matchers, leaves);
      this.#since.set(asOf, listeners);
      if (this.#since.size > MOST_KEPT) this.#since.delete(firstOf(this.#since));
    }
    return listeners;
  }
}

/** Persons may have been left at several generations; more than these are compiled again. */
const MOST_KEPT = 8;
const firstOf = (map: ReadonlyMap<EventTime, unknown>): EventTime =>
  map.keys().next().value as EventTime;
