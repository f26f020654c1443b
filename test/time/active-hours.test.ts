import fc from "fast-check";
import { expect, test } from "vitest";
import { ActiveHours } from "../../src/time/active-hours.ts";
import { type EventTime, millis } from "../../src/time/event-time.ts";
import { LocalTime } from "../../src/time/local-time.ts";

const MIN = 60_000;
const local = new LocalTime("Asia/Shanghai");
const START = Date.UTC(2026, 10, 2);
const stretch = fc
  .tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 1440 }))
  .filter(([from, to]) => from !== to);

test("active time is counted as minute by minute, past midnight too", () => {
  fc.assert(
    fc.property(
      fc.array(stretch, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 0, max: 3 * 1440 }),
      fc.integer({ min: 1, max: 3000 }),
      (hours, since, active) => {
        const isOn = (at: number) => {
          const minute = local.minute(at as EventTime);
          return hours.some(([from, to]) =>
            from < to ? minute >= from && minute < to : minute >= from || minute < to,
          );
        };
        let at = START + since * MIN;
        for (let left = active; left > 0; at += MIN) if (isOn(at)) left -= 1;
        const found = new ActiveHours(hours, local).after(
          (START + since * MIN) as EventTime,
          millis(active * MIN),
        );
        expect(found).toBe(at);
      },
    ),
    { numRuns: 300 },
  );
});
