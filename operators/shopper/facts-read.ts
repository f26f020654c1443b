import { hash128 } from "../../src/codec/hash.ts";
import type { Facts } from "../../src/flow/operator.ts";

/** A fact or a piece of what demand learned, as it was when it was looked at. JSON. */
export interface FactRead {
  readonly kind: string;
  readonly key: string;
  /** 16 hex digits of its content; null when nobody has told it. */
  readonly version: string | null;
}

/** Facts that remember which of them were looked at, each once, in the order of the first look. */
export function factsRead(facts: Facts): { readonly facts: Facts; read(): FactRead[] } {
  const seen = new Map<string, FactRead>();
  return {
    facts: {
      get(kind, key) {
        const value = facts.get(kind, key);
        const place = `${kind}\n${key}`;
        if (!seen.has(place)) {
          const version = value === undefined ? null : hash128(JSON.stringify(value)).slice(0, 16);
          seen.set(place, { kind, key, version });
        }
        return value;
      },
    },
    read: () => [...seen.values()],
  };
}
