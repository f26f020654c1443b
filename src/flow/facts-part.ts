import { packed, unpacked } from "../state/packed.ts";
import type { Cut, Part } from "../state/part.ts";
import { encodePlain } from "../state/plain.ts";
import type { FactStore } from "./fact-store.ts";

/** The facts in force in one group, those worked out from others included. */
export class FactsPart implements Part {
  readonly name = "facts";
  readonly #facts: FactStore;
  #changed = new Map<string, Set<string>>();

  constructor(facts: FactStore) {
    this.#facts = facts;
    facts.onChange = (kind, key) => {
      const keys = this.#changed.get(kind);
      if (keys === undefined) this.#changed.set(kind, new Set([key]));
      else keys.add(key);
    };
  }

  cut(whole: boolean): Cut {
    // Values are replaced, never changed, so to hold them is to hold this moment.
    const held = whole ? [...this.#facts.entries()] : this.#delta();
    this.#changed = new Map();
    return { keepFrom: 0, pieces: () => packed(encoded(held), 0) };
  }

  #delta(): [string, string, unknown][] {
    const held: [string, string, unknown][] = [];
    for (const [kind, keys] of this.#changed) {
      for (const key of keys) held.push([kind, key, this.#facts.get(kind, key) ?? null]);
    }
    return held;
  }

  restore(bytes: Uint8Array): void {
    for (const value of unpacked(bytes)) {
      const [kind, key, fact] = value as [string, string, unknown];
      this.#facts.put(kind, key, fact);
    }
    this.#changed = new Map();
  }
}

function* encoded(entries: readonly unknown[]): Generator<Uint8Array> {
  for (const entry of entries) yield encodePlain(entry);
}
