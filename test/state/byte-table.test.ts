import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteTable } from "../../src/state/byte-table.ts";

const key = fc.oneof(
  fc.nat(40).map((n) => `p_${n}`),
  fc.constantFrom("", "é", "鞋", "\ud800", "ab\0", "\u{1f45f}"),
);
/** Some are larger than the buffers that others share. */
const length = fc.oneof(
  { weight: 12, arbitrary: fc.nat(900) },
  { weight: 2, arbitrary: fc.nat(60_000) },
  { weight: 1, arbitrary: fc.integer({ min: 250_000, max: 400_000 }) },
);
const command = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant("set" as const), key, length, fc.nat(255)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("delete" as const), key, length, fc.nat(255)) },
);

test("law: it is a map of bytes, whatever was set, replaced and dropped", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 300, size: "max" }), (commands) => {
      const table = new ByteTable();
      const slow = new Map<string, Uint8Array>();
      for (const [what, of, size, fill] of commands) {
        if (what === "delete") expect(table.delete(of)).toBe(slow.delete(of));
        else {
          slow.set(of, new Uint8Array(size).fill(fill));
          table.set(of, slow.get(of) as Uint8Array);
        }
        expect(table.has(of)).toBe(slow.has(of));
        expect(table.size).toBe(slow.size);
      }
      expect([...table.keys()].sort()).toEqual([...slow.keys()].sort());
      for (const [of, bytes] of slow) {
        expect(Buffer.compare(table.get(of) as Uint8Array, bytes), of).toBe(0);
      }
      expect(table.get("nobody")).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

test("many that come, go and change size take little more than their bytes", () => {
  const table = new ByteTable();
  const sizeOf = (i: number, round: number) => 200 + ((i * 7919 + round * 104_729) % 1600);
  const many = 4000;
  const keyOf = (i: number) => `p_${i.toString(16).padStart(24, "0")}`;
  let random = 1;
  for (let i = 0; i < many; i++) table.set(keyOf(i), new Uint8Array(sizeOf(i, 0)).fill(i));
  const rounds = new Map<number, number>();
  for (let n = 0; n < 10 * many; n++) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    const i = (random >>> 8) % many;
    rounds.set(i, n);
    table.set(keyOf(i), new Uint8Array(sizeOf(i, n)).fill(i));
  }
  let bytes = 0;
  for (let i = 0; i < many; i++) {
    const value = table.get(keyOf(i)) as Uint8Array;
    expect(value.length).toBe(sizeOf(i, rounds.get(i) ?? 0));
    expect(value.every((byte) => byte === i % 256)).toBe(true);
    bytes += value.length + keyOf(i).length;
  }
  // A quarter, a buffer or two, and some 20 bytes an entry.
  expect(table.memory).toBeLessThan(bytes * 1.25 + 3 * 262_144 + many * 24);
  for (let i = 0; i < many; i++) table.delete(keyOf(i));
  expect(table.size).toBe(0);
  expect(table.memory).toBeLessThan(3 * 262_144);
});
