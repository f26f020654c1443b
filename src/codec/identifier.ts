import { createHmac } from "node:crypto";

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

/** An answer given lately, by the value alone: one value hardly ever comes with two kinds. */
interface Known {
  readonly kind: string;
  readonly hash: string;
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
  // Two generations: what nobody asked for while the younger one filled up is forgotten.
  let young = new Map<string, Known>();
  let old = new Map<string, Known>();
  return {
    keyId: `k_${hmac("key id").slice(0, 8)}`,
    identify(kind, value) {
      const met = young.get(value);
      if (met?.kind === kind) return met.hash;
      const earlier = old.get(value);
      const known =
        earlier?.kind === kind ? earlier : { kind, hash: hmac(`${kind}\0${value}`).slice(0, 32) };
      if (young.size >= cached / 2) {
        old = young;
        young = new Map();
      }
      young.set(value, known);
      return known.hash;
    },
  };
}
