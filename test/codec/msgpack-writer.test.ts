import { Encoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MsgpackWriter } from "../../src/codec/msgpack-writer.ts";

/** One for all cases, as in an engine: what an earlier value left in its buffer must not show. */
const writer = new MsgpackWriter();
const reference = new Encoder({ ignoreUndefined: true });

function sameBytes(value: unknown): void {
  const expected = reference.encode(value);
  expect(Buffer.compare(writer.encode(value), expected)).toBe(0);
  expect(Buffer.compare(writer.encodeShared(value), expected)).toBe(0);
}

/** Any code units, halves of pairs among them, around the lengths at which heads grow. */
const texts = fc
  .tuple(
    fc.constantFrom(0x7f, 0x7ff, 0xffff),
    fc.oneof(fc.nat(70), fc.constantFrom(31, 32, 50, 51, 255, 256, 65_535, 65_536)),
    fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 80 }),
  )
  .map(([most, length, codes]) => {
    const units = Array.from({ length }, (_, i) => (codes[i % codes.length] ?? 0) & most);
    return units.map((unit) => String.fromCharCode(unit)).join("");
  });
const powers = [5, 7, 8, 15, 16, 31, 32, 33, 52, 53, 63].map((bits) => 2 ** bits);
const numbers = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc
    .tuple(fc.constantFrom(...powers), fc.integer({ min: -2, max: 2 }), fc.constantFrom(1, -1))
    .map(([power, by, sign]) => sign * (power + by)),
  fc.constant(-0),
);
const sizes = fc.oneof(
  { weight: 20, arbitrary: fc.nat(40) },
  { weight: 1, arbitrary: fc.constantFrom(255, 256, 65_535, 65_536) },
);
const bytes = sizes.map((length) => Uint8Array.from({ length }, (_, i) => i));

const { plain } = fc.letrec((tie) => ({
  plain: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    numbers,
    texts,
    fc.boolean(),
    fc.constantFrom(null, undefined),
    bytes,
    tie("list"),
    tie("record"),
    // As many as make a longer head, and one less.
    fc.array(numbers, { minLength: 15, maxLength: 17 }),
    fc.dictionary(texts, numbers, { minKeys: 15, maxKeys: 17 }),
  ),
  list: fc.array(tie("plain")),
  record: fc.dictionary(texts, tie("plain")),
}));

test("plain data has the bytes that the library gives it", () => {
  fc.assert(fc.property(plain, sameBytes), { numRuns: 300 });
});

test("long lists, wide records and what lies in them, too", () => {
  for (const size of [15, 16, 17, 65_535, 65_536]) {
    const list = Array.from({ length: size }, (_, i) => i);
    sameBytes(list);
    const record = Object.fromEntries(list.map((i) => [`field ${i}`, { left: undefined, i }]));
    sameBytes({ before: 1, record, after: "x" });
    // As many fields as make a longer head, of which fewer are there.
    sameBytes({ ...record, "field 0": undefined, "field 1": undefined });
  }
});

test("what is no plain data is refused, not lost", () => {
  const deep = Array.from({ length: 100 }).reduce((inner) => [inner], []);
  for (const value of [new Map([[1, 2]]), new Date(0), 1n, () => 1, Symbol("x"), deep]) {
    expect(() => writer.encode([value])).toThrow();
  }
  expect(() => writer.encode(Object.create(null))).not.toThrow();
});
