import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTime } from "../../../operators/collect/timestamp.ts";

describe("times as trackers write them", () => {
  test("a printed date reads as itself, in any zone", () => {
    const date = fc.date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T00:00:00Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(
        date,
        fc.integer({ min: -14 * 60, max: 14 * 60 }),
        fc.boolean(),
        (at, east, colon) => {
          expect(readTime(at.toISOString())).toBe(at.getTime());
          const local = new Date(at.getTime() + east * 60_000);
          fc.pre(local.getUTCFullYear() >= 0 && local.getUTCFullYear() <= 9999);
          const pad = (n: number): string => String(Math.trunc(Math.abs(n))).padStart(2, "0");
          const zone = `${east < 0 ? "-" : "+"}${pad(east / 60)}${colon ? ":" : ""}${pad(east % 60)}`;
          expect(readTime(local.toISOString().replace("Z", zone))).toBe(at.getTime());
        },
      ),
      { numRuns: 500 },
    );
  });

  test("agrees with the platform on which dates there are", () => {
    const part = (max: number) => fc.nat(max).map((n) => String(n).padStart(2, "0"));
    const text = fc
      .tuple(fc.integer({ min: 1000, max: 9999 }), part(14), part(33), part(24), part(61), part(59))
      .map(([y, mo, d, h, mi, s]) => `${y}-${mo}-${d}T${h}:${mi}:${s}.5Z`);
    fc.assert(
      fc.property(text, (written) => {
        // The platform rolls 31 February over; such a day is none.
        const read = Date.parse(written);
        const exists =
          !Number.isNaN(read) && new Date(read).toISOString().startsWith(written.slice(0, 19));
        expect(readTime(written)).toBe(exists ? read : undefined);
      }),
      { numRuns: 2000 },
    );
  });

  test.each`
    written                             | at                               | why
    ${"2026-10-31T16:00:00Z"}           | ${"2026-10-31T16:00:00.000Z"}    | ${"no fraction"}
    ${"2026-10-31 16:00:00,5Z"}         | ${"2026-10-31T16:00:00.500Z"}    | ${"a blank and a comma"}
    ${"2026-10-31T16:00:00.123456789Z"} | ${"2026-10-31T16:00:00.123Z"}    | ${"nanoseconds are cut off"}
    ${"2026-10-31T23:59:60Z"}           | ${"2026-11-01T00:00:00.000Z"}    | ${"a leap second"}
    ${"2024-02-29T00:00:00+08:00"}      | ${"2024-02-28T16:00:00.000Z"}    | ${"a leap day"}
    ${1_793_462_400_000}                | ${"2026-10-31T16:00:00.000Z"}    | ${"milliseconds"}
    ${-8.64e15}                         | ${"-271821-04-20T00:00:00.000Z"} | ${"the first there is"}
  `("$written: $why", ({ written, at }) => {
    expect(new Date(readTime(written) ?? Number.NaN).toISOString()).toBe(at);
  });

  test.each([
    "2026-10-31",
    "2026-10-31T16:00:00",
    "2026-10-31T16:00Z",
    "2026-10-31T24:00:00Z",
    "2026-10-31T16:00:00+24:00",
    "2026-10-31T16:00:00.Z",
    "2026-10-31T16:00:00Zz",
    "2023-02-29T00:00:00Z",
    "20261031T160000Z",
    "1793462400000",
    "",
    1.5,
    8.64e15 + 1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    true,
    {},
    [1],
  ])("%j is no time", (written) => {
    expect(readTime(written)).toBeUndefined();
  });

  test("whatever is read can be printed", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double(), fc.integer(), fc.anything()), (written) => {
        const at = readTime(written);
        if (at === undefined) return;
        expect(Object.is(at, -0)).toBe(false);
        expect(() => new Date(at).toISOString()).not.toThrow();
      }),
    );
  });
});
