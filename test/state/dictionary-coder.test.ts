import fc from "fast-check";
import { expect, test } from "vitest";
import { DictionaryCoder } from "../../src/state/dictionary-coder.ts";

/** Bytes that are like each other: fields that come again, with values between them; or none of it. */
const field = fc.constantFrom("name: ", "at: ", "touchpoint: mp", "product.viewed", "aaaaaaaaaaaa");
const value = fc.oneof(fc.string({ maxLength: 6 }), fc.stringMatching(/^[0-9a-f]{16}$/), field);
const text = fc
  .array(fc.tuple(field, value), { maxLength: 40 })
  .map((fields) => Buffer.from(fields.flat().join("")));
const long = fc
  .tuple(text, fc.integer({ min: 1, max: 300 }))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)));
const bytes = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 1, arbitrary: long },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 400 }).map((list) => Buffer.from(list)) },
);

test("law: what was encoded comes back, whatever was learnt since, here and by who adopts it", () => {
  const coder = new DictionaryCoder();
  const follower = new DictionaryCoder();
  const kept: [Buffer, Uint8Array][] = [];
  fc.assert(
    fc.property(bytes, (plain) => {
      const encoded = coder.encode(plain).slice();
      expect(encoded.length).toBeLessThanOrEqual(2 * plain.length);
      expect(Buffer.compare(coder.decode(encoded), plain)).toBe(0);
      kept.push([plain, encoded]);
      const from = follower.dictionary.length;
      if (kept.length % 7 === 0) follower.adopt(coder.dictionary.slice(from));
    }),
    { numRuns: 1500 },
  );
  follower.adopt(coder.dictionary.slice(follower.dictionary.length));
  expect(coder.dictionary.length).toBeGreaterThan(20_000);
  for (const [plain, encoded] of kept) {
    expect(Buffer.compare(coder.decode(encoded), plain)).toBe(0);
    expect(Buffer.compare(follower.decode(encoded), plain)).toBe(0);
  }
});

test("bytes like those that were seen take a fraction of theirs", () => {
  const coder = new DictionaryCoder();
  const row = (n: number) =>
    Buffer.from(
      Array.from(
        { length: 20 },
        (_, i) => `{"at":${n * 7 + i * 60},"type":"product.viewed"}`,
      ).join(),
    );
  for (let n = 0; n < 50; n++) coder.encode(row(n * 1000));
  expect(coder.encode(row(123_456)).length * 4).toBeLessThan(row(123_456).length);
});

test("a dictionary longer than there is room for is refused", () => {
  expect(() => new DictionaryCoder().adopt(new Uint8Array(33_000))).toThrow(RangeError);
});
