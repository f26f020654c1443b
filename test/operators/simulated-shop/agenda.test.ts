import fc from "fast-check";
import { expect, test } from "vitest";
import { Agenda } from "../../../operators/simulated-shop/agenda.ts";

/** Few times, so that ties abound; more puts than takes, so that the heap grows deep. */
const act = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 3 }) },
  { weight: 2, arbitrary: fc.constant("take" as const) },
);

test("whatever is put in comes out by time, ties in the order they were put in", () => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 40, maxLength: 200 }), (acts) => {
      const agenda = new Agenda<{ at: number; put: number }>();
      let waiting: { at: number; put: number }[] = [];
      for (const [put, what] of acts.entries()) {
        if (what !== "take") {
          agenda.put(what, { at: what, put });
          waiting.push({ at: what, put });
          continue;
        }
        const first = waiting.toSorted((a, b) => a.at - b.at || a.put - b.put)[0];
        expect(agenda.nextAt).toBe(first?.at ?? Number.POSITIVE_INFINITY);
        expect(agenda.take()).toEqual(first);
        waiting = waiting.filter(({ put: other }) => other !== first?.put);
      }
    }),
  );
});
