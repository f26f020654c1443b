import { Encoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MsgpackWriter } from "../../src/codec/msgpack-writer.ts";
import { plain } from "../support/plain-data.ts";

/** One for all cases, as in an engine: what an earlier value left in its buffer must not show. */
const writer = new MsgpackWriter();
const reference = new Encoder({ ignoreUndefined: true });

function sameBytes(value: unknown): void {
  const expected = reference.encode(value);
  expect(Buffer.compare(writer.encode(value), expected)).toBe(0);
  expect(Buffer.compare(writer.encodeShared(value), expected)).toBe(0);
}

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
