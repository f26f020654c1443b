import fc from "fast-check";
import { expect, test } from "vitest";
import { packed, unpacked } from "../../src/state/packed.ts";
import { encodePlain } from "../../src/state/plain.ts";

test("what is drawn as a view is whole, whoever uses its buffer between two pieces", () => {
  const sizes = fc.array(fc.oneof(fc.nat(2000), fc.integer({ min: 100_000, max: 700_000 })), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const shared = new Uint8Array(1_000_000);
      const values = lengths.map((length, i) => String.fromCharCode(97 + (i % 26)).repeat(length));
      function* views() {
        for (const value of values) {
          const bytes = encodePlain(value);
          shared.set(bytes);
          yield shared.subarray(0, bytes.length);
        }
      }
      const pieces: Uint8Array[] = [];
      for (const piece of packed(views(), 3)) {
        if (piece !== undefined) pieces.push(piece.bytes);
        shared.fill(0xff);
      }
      expect(pieces.every((piece) => piece.length <= 512 * 1024)).toBe(true);
      const read = [...unpacked(Buffer.concat(pieces))];
      expect(read.length).toBe(values.length);
      expect(read.every((value, i) => value === values[i])).toBe(true);
    }),
    { numRuns: 20 },
  );
});
