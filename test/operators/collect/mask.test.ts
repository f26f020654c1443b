import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { knownWords, maskedBytes, maskedValue } from "../../../operators/collect/mask.ts";
import { json, msgpack } from "./harness.ts";

const words = knownWords(["sku", "query"]);
/** Nothing a mask could leave by accident: no known word, no text that is its own shape. */
const secret = fc
  .tuple(fc.integer({ min: 36 ** 3, max: 1e9 }), fc.constantFrom("Q", "-Ω-", "鞋Z", "@K.", "_w1b"))
  .map(([n, mark]) => `${mark}${n.toString(36).toUpperCase().replaceAll("X", "Y")}${mark}B7`);

/** An event with `hidden` in many of the places where senders have been seen to put identifiers. */
const eventWith = (hidden: string) => ({
  id: `e of ${hidden}`,
  type: "product.viewed",
  ids: [{ k: "unionid", v: hidden }, { [hidden]: 1, k: hidden, value: hidden }, hidden],
  openid: hidden,
  session: hidden,
  user: { name: hidden, deep: [[hidden]] },
  props: { sku: `s of ${hidden}`, mobile: hidden, lines: [{ sku: "s1", login: hidden }] },
});

describe("what a dead letter shows", () => {
  test("is never an identifier, where the original could be read", () => {
    fc.assert(
      fc.property(secret, (hidden) => {
        const { original, encoding } = maskedValue(eventWith(hidden), words);
        expect(encoding).toBe("json");
        expect(original).not.toContain(hidden);
        expect(JSON.parse(original)).toMatchObject({ type: "product.viewed" });
      }),
    );
  });

  test("is never an identifier, where the original could not be read", () => {
    fc.assert(
      fc.property(secret, fc.boolean(), fc.nat(60), fc.nat(255), (hidden, packed, at, byte) => {
        const data = (packed ? msgpack : json)(eventWith(hidden));
        data[at % data.length] = byte;
        const { original, encoding } = maskedBytes(data, words);
        const shown =
          encoding === "base64" ? Buffer.from(original, "base64").toString("utf8") : original;
        expect(shown).not.toContain(hidden);
        expect(encoding === "base64" ? atob(original).length : original.length).toBe(data.length);
      }),
    );
  });

  test("is bounded, and says so when something is left out", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 8 }),
        fc.integer({ min: 0, max: 20_000 }),
        (value, length) => {
          const long = [value, "鞋".repeat(length), Array.from({ length }, (_, i) => i)];
          for (const shown of [maskedValue(long, words), maskedBytes(json(long), words)]) {
            expect(shown.original.length).toBeLessThanOrEqual(4096);
            if (length > 5000) expect(shown.truncated).toBe(true);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("keeps what helps to find the fault", () => {
    const value = {
      id: "e-17",
      type: "no.such.type",
      ts: 17,
      props: { sku: "S 1", query: null, colour: 3.5 },
    };
    expect(maskedValue(value, words)).toEqual({
      original: `{"id":"e-17","type":"no.such.type","ts":17,"props":{"sku":"S 1","query":null,"xxxxxx":"9.9"}}`,
      encoding: "json",
      truncated: false,
    });
  });
});
