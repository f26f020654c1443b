import type { Facts } from "./operator.ts";

/** Facts that are worked out from other facts, e.g. the stock of a sku over all sites. Pure. */
export type FactIndex = (
  kind: string,
  key: string,
  value: unknown,
  facts: Facts,
  put: (kind: string, key: string, value: unknown) => void,
) => void;

/** The facts in force in one key group. A value of null or undefined takes the fact back. */
export class FactStore implements Facts {
  readonly #kinds = new Map<string, Map<string, unknown>>();
  readonly #index: FactIndex | undefined;
  #size = 0;
  /** Told of every fact that was put or taken back. */
  onChange: ((kind: string, key: string) => void) | undefined;

  constructor(index?: FactIndex) {
    this.#index = index;
  }
  get size(): number {
    return this.#size;
  }
  get(kind: string, key: string): unknown {
    return this.#kinds.get(kind)?.get(key);
  }
  apply(kind: string, key: string, value: unknown): void {
    this.#index?.(kind, key, value, this, (k, x, v) => this.put(k, x, v));
    this.put(kind, key, value);
  }
  *entries(): Generator<[kind: string, key: string, value: unknown]> {
    for (const [kind, facts] of this.#kinds) {
      for (const [key, value] of facts) yield [kind, key, value];
    }
  }
  /** As `apply`, but nothing is worked out from it. */
  put(kind: string, key: string, value: unknown): void {
    let facts = this.#kinds.get(kind);
    if (facts === undefined) {
      facts = new Map();
      this.#kinds.set(kind, facts);
    }
    const before = facts.size;
    if (value === null || value === undefined) facts.delete(key);
    else facts.set(key, value);
    this.#size += facts.size - before;
    this.onChange?.(kind, key);
  }
}
