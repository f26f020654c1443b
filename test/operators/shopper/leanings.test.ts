import fc from "fast-check";
import { expect, test } from "vitest";
import { greatest, lean, noLeanings, shares } from "../../../operators/shopper/leanings.ts";
import { type EventTime, millis } from "../../../src/time/event-time.ts";
import { DAY, HOUR, T0 } from "./support.ts";

test("law: the greatest of leanings is the first of their shares", () => {
  const halfLife = millis(DAY);
  const act = fc.record({
    name: fc.constantFrom("mp", "gzh", "wecom", "pay", "pos"),
    by: fc.constantFrom(0, 1, 1, 2),
    at: fc.constantFrom(0, 0, 1, DAY, 7 * HOUR),
  });
  fc.assert(
    fc.property(
      fc.array(act, { maxLength: 12 }),
      fc.integer({ min: 0, max: 3 * DAY }),
      (acts, t) => {
        const of = noLeanings();
        for (const { name, by, at } of acts)
          lean(of, name, by, (T0 + at) as EventTime, halfLife, 4);
        const now = (T0 + t) as EventTime;
        expect(greatest(of, now, halfLife)).toBe(shares(of, now, halfLife)[0]?.[0]);
      },
    ),
    { numRuns: 2000 },
  );
});
