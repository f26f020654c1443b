import { createHmac } from "node:crypto";
import { LRUCache } from "lru-cache";

/** Turns identifiers into what may be kept: keyed hashes that nobody without the key can try out. */
export interface Identifier {
  /** Names the tenant key in use without telling anything about it. */
  readonly keyId: string;
  /** 32 hex digits of HMAC-SHA256(tenant key, kind + NUL + value); the value is already normalised. */
  identify(kind: string, value: string): string;
}

export interface IdentifierOptions {
  /** At least 16 bytes. */
  readonly key: Uint8Array | string;
  /** How many answers are remembered. */
  readonly cached?: number;
}

const MIN_KEY_BYTES = 16;
const CACHED = 65_536;

export function makeIdentifier({ key, cached = CACHED }: IdentifierOptions): Identifier {
  const secret = typeof key === "string" ? new TextEncoder().encode(key) : key;
  if (secret.length < MIN_KEY_BYTES) {
    throw new RangeError(
      `a tenant key has at least ${MIN_KEY_BYTES} bytes, this one ${secret.length}`,
    );
  }
  const hmac = (text: string): string => createHmac("sha256", secret).update(text).digest("hex");
  const known = new LRUCache<string, string>({ max: cached });
  return {
    keyId: `k_${hmac("key id").slice(0, 8)}`,
    identify(kind, value) {
      const text = `${kind}\0${value}`;
      const found = known.get(text);
      if (found !== undefined) return found;
      const made = hmac(text).slice(0, 32);
      known.set(text, made);
      return made;
    },
  };
}
