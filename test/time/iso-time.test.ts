import fc from "fast-check";
import { expect, test } from "vitest";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";

const of = (at: number): string => isoTime(at as EventTime);
const plain = (at: number): string => new Date(at).toISOString();

test("law: a time is printed as Date prints it, whatever was printed before", () => {
  const DAY = 86_400_000;
  const edge = fc
    .tuple(fc.integer({ min: -2, max: 3_000_000 }), fc.integer({ min: -2, max: 2 }))
    .map(([day, by]) => day * DAY + by);
  const near = fc.integer({ min: 1_789_000_000_000, max: 1_789_000_000_000 + 2 * DAY });
  const any = fc.oneof(
    near,
    edge,
    fc.maxSafeInteger().filter((at) => Math.abs(at) <= 8.64e15),
  );
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 20 }), (times) => {
      expect(times.map(of)).toEqual(times.map(plain));
    }),
    { numRuns: 500 },
  );
});

test("what is no time is refused as Date refuses it, a part of a millisecond is left out", () => {
  for (const none of [Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER])
    expect(() => of(none)).toThrow(RangeError);
  expect(of(1.5)).toBe(plain(1.5));
});
