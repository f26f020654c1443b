import fc from "fast-check";
import { expect, test } from "vitest";
import { isKnownKind, rankOf, readIds } from "../../../operators/collect/identifiers.ts";

const KINDS = ["anon", "device", "openid:b", "unionid", "login", "openid:a", "unheard_of"];

test("of an event's identifiers the strongest come first, those of one rank as they came", () => {
  const identify = (kind: string, value: string): string => `${kind}=${value}`;
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...KINDS), { maxLength: 16 }), (kinds) => {
      const value = kinds.map((k, i) => ({ k, v: `v${i}` }));
      const known = value.filter(({ k }) => isKnownKind(k));
      const sorted = known.toSorted((a, b) => (rankOf(a.k) ?? 0) - (rankOf(b.k) ?? 0));
      expect(readIds(value, { identify })).toMatchObject({
        hashes: sorted.map(({ k, v }) => identify(k, v)),
        kinds: sorted.map(({ k }) => k),
        unknown: kinds.length - known.length,
      });
    }),
  );
});
