import fc from "fast-check";
import { expect, test } from "vitest";
import { Seen } from "../../../operators/collect/seen.ts";
import { Carrier } from "../../support/parts.ts";

const WINDOW = 100;

const visits = fc.array(
  fc.record({
    scope: fc.constantFrom("", "a", "ab"),
    id: fc.constantFrom("x", "y", "bx", "z", "", "1", "11"),
    gap: fc.oneof(fc.nat(20), fc.nat(250)),
  }),
  { maxLength: 60 },
);

test("an id is known for a window at least, for two at most", () => {
  fc.assert(
    fc.property(visits, (list) => {
      const seen = new Seen(WINDOW, 1_000_000);
      const last = new Map<string, number>();
      let now = 1_000_000;
      for (const { scope, id, gap } of list) {
        now += gap;
        const key = JSON.stringify([scope, id]);
        const ago = now - (last.get(key) ?? Number.NEGATIVE_INFINITY);
        const known = seen.add(scope, id, now);
        if (ago < WINDOW) expect(known).toBe(true);
        if (ago >= 2 * WINDOW) expect(known).toBe(false);
        last.set(key, now);
      }
    }),
    { numRuns: 500 },
  );
});

test("of ten thousand ids none is taken for another, and all are known again", () => {
  const seen = new Seen(WINDOW, 1_000_000);
  const ids = Array.from({ length: 10_000 }, (_, i) => `id-${i}`);
  expect(ids.filter((id) => seen.add("s", id, 0))).toEqual([]);
  expect(ids.filter((id) => !seen.add("s", id, 1))).toEqual([]);
  expect(seen.size).toBe(10_000);
});

test("at its bound it still knows the later half of the bound", () => {
  const bound = 64;
  const seen = new Seen(WINDOW, bound);
  const ids = Array.from({ length: 1000 }, (_, i) => `id-${i}`);
  ids.forEach((id, i) => {
    expect(seen.add("", id, 0)).toBe(false);
    expect(seen.size).toBeLessThanOrEqual(bound);
    const recent = ids[Math.max(0, i - bound / 2 + 1)] ?? "";
    const copy = new Seen(WINDOW, bound);
    const carrier = new Carrier();
    carrier.cut([seen.part("seen")], true);
    carrier.restore([copy.part("seen")]);
    expect(copy.add("", recent, 0)).toBe(true);
  });
});
