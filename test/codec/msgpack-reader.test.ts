import { Decoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MsgpackReader } from "../../src/codec/msgpack-reader.ts";
import { MsgpackWriter } from "../../src/codec/msgpack-writer.ts";
import { plain } from "../support/plain-data.ts";

/** One for all cases, as in an engine: what it remembers of an earlier value must not show. */
const reader = new MsgpackReader();
const writer = new MsgpackWriter();
const reference = new Decoder();

function readsAlike(value: unknown): void {
  const bytes = writer.encode(value);
  expect(reader.decode(bytes)).toEqual(reference.decode(bytes));
}

test("what the writer writes is read as the library reads it", () => {
  fc.assert(fc.property(plain, readsAlike), { numRuns: 200 });
});

test("long lists, wide records and long texts, too", () => {
  for (const size of [15, 16, 17, 65_535, 65_536]) {
    const list = Array.from({ length: size }, (_, i) => i);
    readsAlike(list);
    readsAlike(Object.fromEntries(list.map((i) => [`field ${i}`, { i }])));
    readsAlike(["x".repeat(size), "鞋".repeat(size), "👟".repeat(size)]);
  }
});

test("texts with the same place in its memory stay apart", () => {
  const texts = Array.from({ length: 20_000 }, (_, i) => `sku-${i}`);
  for (let round = 0; round < 2; round += 1)
    expect(reader.decode(writer.encode(texts))).toEqual(texts);
});

test("bytes in it are views; what comes next leaves what was read alone", () => {
  const bytes = writer.encode(["a", Uint8Array.of(1, 2, 3)]);
  const [, inner] = reader.decode(bytes) as [string, Uint8Array];
  reader.decode(writer.encode(["b", Uint8Array.of(4, 5, 6)]));
  expect(inner).toEqual(Uint8Array.of(1, 2, 3));
  expect(inner.buffer).toBe(bytes.buffer);
});

test("bytes that are cut off, go on or are nobody's are refused", () => {
  fc.assert(
    fc.property(plain, fc.nat(), (value, at) => {
      const bytes = writer.encode([value]);
      expect(() => reader.decode(bytes.subarray(0, at % bytes.length))).toThrow(RangeError);
      expect(() => reader.decode(Uint8Array.of(...bytes, 0))).toThrow(RangeError);
    }),
  );
  for (const bytes of [[0xc1], [0xd4, 1, 1], [0xdd, 255, 255, 255, 255], [0x81, 1, 1]]) {
    expect(() => reader.decode(Uint8Array.from(bytes))).toThrow(RangeError);
  }
  expect(() => reader.decode(new Uint8Array(200).fill(0x91))).toThrow(RangeError);
  const proto = writer.encode(JSON.parse('{"__proto__": 1}'));
  expect(() => reader.decode(proto)).toThrow(RangeError);
});
