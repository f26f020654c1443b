import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeIdentifier } from "../../src/codec/identifier.ts";

const key = "a tenant key for tests";

describe("identifiers", () => {
  test("are HMACs of kind and value, whatever the cache still knows", () => {
    const pair = fc.tuple(
      fc.constantFrom("unionid", "openid:wx1", "anon"),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 30 }), (pairs) => {
        const { identify } = makeIdentifier({ key, cached: 4 });
        for (const [kind, value] of pairs) {
          const hmac = createHmac("sha256", key).update(`${kind}\0${value}`).digest("hex");
          expect(identify(kind, value)).toBe(hmac.slice(0, 32));
        }
      }),
    );
  });

  test("the key's name tells keys apart and is no part of any identifier", () => {
    const one = makeIdentifier({ key });
    const other = makeIdentifier({ key: `${key}!` });
    expect(one.keyId).toMatch(/^k_[0-9a-f]{8}$/);
    expect(one.keyId).toBe(makeIdentifier({ key: new TextEncoder().encode(key) }).keyId);
    expect(one.keyId).not.toBe(other.keyId);
    expect(one.identify("anon", "a")).not.toBe(other.identify("anon", "a"));
  });

  test("a key too short to be one is refused", () => {
    expect(() => makeIdentifier({ key: "short" })).toThrow(RangeError);
  });
});
