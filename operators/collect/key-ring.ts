import { Fault } from "../../src/faults.ts";
import type { Hashing } from "./identifiers.ts";
import type { TenantKey } from "./options.ts";

/**
 * The tenant keys and which one is in force. Until the log names one it is the older: so a log that
 * begins before it was written down which key was used is read as it was then.
 */
export class KeyRing {
  readonly #key: TenantKey;
  readonly #previous: TenantKey | undefined;
  #hashing: Hashing;
  #inForce: string;

  constructor(key: TenantKey, previous?: TenantKey) {
    this.#key = key;
    this.#previous = previous;
    this.#inForce = (previous ?? key).keyId;
    this.#hashing = { identify: (kind, value) => (previous ?? key).identify(kind, value) };
  }

  static isKeyId(value: unknown): value is string {
    return typeof value === "string" && /^k_[0-9a-f]{8}$/.test(value);
  }

  get hashing(): Hashing {
    return this.#hashing;
  }
  get inForce(): string {
    return this.#inForce;
  }

  /** The log names the key that is used from here on; throws KEY_UNKNOWN when it is none of these. */
  use(keyId: string): void {
    const key = this.#key;
    const previous = this.#previous;
    if (keyId === key.keyId) {
      const before = previous && ((kind: string, value: string) => previous.identify(kind, value));
      this.#hashing = { identify: (kind, value) => key.identify(kind, value), before };
    } else if (keyId === previous?.keyId) {
      this.#hashing = { identify: (kind, value) => previous.identify(kind, value) };
    } else {
      const known = [key.keyId, ...(previous === undefined ? [] : [previous.keyId])];
      throw new Fault(
        "KEY_UNKNOWN",
        `the log was written under tenant key ${keyId}; configured are ${known.join(" and ")}`,
      );
    }
    this.#inForce = keyId;
  }
}
