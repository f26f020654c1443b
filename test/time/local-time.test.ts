import fc from "fast-check";
import { DateTime } from "luxon";
import { describe, expect, test } from "vitest";
import type { EventTime } from "../../src/time/event-time.ts";
import { LocalTime } from "../../src/time/local-time.ts";

const zone = fc.constantFrom(
  "Asia/Shanghai",
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
);
const time = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2032, 0) });

describe("the local calendar", () => {
  test("numbers days, weeks from Monday, months and minutes as luxon names them", () => {
    fc.assert(
      fc.property(zone, time, fc.integer({ min: 0, max: 400 * 86_400_000 }), (name, a, span) => {
        const local = new LocalTime(name);
        const b = a + span;
        const [one, two] = [a, b].map((at) => DateTime.fromMillis(at, { zone: name })) as [
          DateTime,
          DateTime,
        ];
        const midnight = (at: DateTime) => Date.UTC(at.year, at.month - 1, at.day) / 86_400_000;
        const monday = (at: DateTime) => Math.floor((midnight(at) + 3) / 7);
        const [from, to] = [a, b] as [EventTime, EventTime];
        expect(local.minute(from)).toBe(one.hour * 60 + one.minute);
        expect(local.day(to) - local.day(from)).toBe(midnight(two) - midnight(one));
        expect(local.week(to) - local.week(from)).toBe(monday(two) - monday(one));
        expect(local.week(from) === local.week(to)).toBe(
          one.weekYear === two.weekYear && one.weekNumber === two.weekNumber,
        );
        expect(local.month(to) - local.month(from)).toBe(
          (two.year - one.year) * 12 + two.month - one.month,
        );
      }),
    );
  });

  test.each(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])(
    "%s: on the days that change clocks, too, whatever was asked before",
    (name) => {
      const offset = (at: number) => DateTime.fromMillis(at, { zone: name }).offset;
      const DAY = 86_400_000;
      const days = Array.from({ length: 366 }, (_, n) => Date.UTC(2026, 0, 1) + n * DAY);
      const changing = days.filter((day) => offset(day) !== offset(day + DAY));
      expect(changing).toHaveLength(2);
      const local = new LocalTime(name);
      const near = changing.flatMap((day) =>
        Array.from({ length: 3 * 96 }, (_, n) => day - DAY + n * 900_000),
      );
      fc.assert(
        fc.property(fc.shuffledSubarray(near), (times) => {
          for (const at of times) {
            const { hour, minute } = DateTime.fromMillis(at, { zone: name });
            expect(local.minute(at as EventTime)).toBe(hour * 60 + minute);
          }
        }),
        { numRuns: 20 },
      );
    },
  );

  test("the next time a clock shows a minute is the first after now", () => {
    fc.assert(
      fc.property(zone, time, fc.integer({ min: 0, max: 1440 }), (name, at, minute) => {
        const local = new LocalTime(name);
        const next = local.nextMinute(at as EventTime, minute);
        expect(next).toBeGreaterThan(at);
        // A day that changes clocks is 23 to 25 hours long, and may skip the minute.
        expect(next - at).toBeLessThanOrEqual(26 * 3_600_000);
        const shown = DateTime.fromMillis(next, { zone: name });
        const days = [at, next].map((one) => DateTime.fromMillis(one, { zone: name }).offset);
        if (days[0] === days[1]) expect(shown.hour * 60 + shown.minute).toBe(minute % 1440);
      }),
    );
  });

  test("a name that is no time zone is refused", () => {
    expect(() => new LocalTime("Mars/Olympus")).toThrow(RangeError);
  });
});
