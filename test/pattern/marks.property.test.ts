import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AbsenceSpec,
  absencesUpTo,
  CANCEL,
  nextAbsence,
  TRIGGER,
} from "../../src/pattern/absence.ts";
import { forgetMarks, insertMark, type Mark } from "../../src/pattern/marks.ts";
import { BREAKS, FITS, type RunSpec, runAt, runOverAt } from "../../src/pattern/run.ts";
import { sequencesUpTo } from "../../src/pattern/sequence.ts";
import { type EventTime, millis } from "../../src/time/event-time.ts";

const END = 60;

/** Marks in arrival order; those of one time arrive in the order of their ids. */
const arrivals = (roles: number): fc.Arbitrary<Mark[]> =>
  fc
    .array(fc.tuple(fc.nat(40), fc.nat(roles - 1), fc.constantFrom("x", "y", "z"), fc.nat(100)), {
      maxLength: 12,
      size: "max",
    })
    .map((drafts) =>
      drafts
        .map(([at, role, label, when], i) => ({
          mark: [at as EventTime, role, `e${i}`, label] as Mark,
          when,
        }))
        .toSorted((a, b) => a.when - b.when || a.mark[0] - b.mark[0])
        .map(({ mark }) => mark),
    );

/** By time, then by arrival. */
const sorted = (marks: readonly Mark[]): Mark[] => marks.toSorted((a, b) => a[0] - b[0]);

function inserted(marks: readonly Mark[]): Mark[] {
  const list: Mark[] = [];
  for (const mark of marks) insertMark(list, mark, 1000);
  return list;
}

test("marks are in order whatever order they came in; the bound forgets the oldest, and says so", () => {
  fc.assert(
    fc.property(arrivals(2), fc.integer({ min: 1, max: 8 }), fc.nat(40), (marks, limit, from) => {
      expect(inserted(marks)).toEqual(sorted(marks));
      const list: Mark[] = [];
      let forgotten = 0;
      for (const mark of marks) forgotten += insertMark(list, mark, limit);
      expect(list.length).toBe(Math.min(limit, marks.length));
      expect(list.length + forgotten).toBe(marks.length);
      forgotten += forgetMarks(list, from as EventTime);
      expect(list.every(([at]) => at >= from)).toBe(true);
      expect(list.length + forgotten).toBe(marks.length);
    }),
    { numRuns: 300 },
  );
});

/** Lives through every millisecond: first its events, then the clock. */
function livedThrough(marks: readonly Mark[], { within, restart }: AbsenceSpec): string[] {
  const fired: string[] = [];
  let open: Mark | undefined;
  for (let now = 0; now <= END; now++) {
    for (const mark of marks.filter(([at]) => at === now)) {
      if (mark[1] === CANCEL) open = undefined;
      else if (open === undefined || restart === "latest") open = mark;
    }
    if (open !== undefined && open[0] + within === now) {
      fired.push(`${open[2]} ${now}`);
      open = undefined;
    }
  }
  return fired;
}

test("absences are those of one who lives through every millisecond", () => {
  const spec = fc.record({
    within: fc.integer({ min: 1, max: 15 }).map(millis),
    restart: fc.constantFrom("keep" as const, "latest" as const),
  });
  fc.assert(
    fc.property(arrivals(2), spec, fc.nat(END), (marks, of, now) => {
      const list = inserted(marks);
      const lived = livedThrough(sorted(marks), of);
      const found = absencesUpTo(list, of, END as EventTime);
      expect(found.map(({ trigger, at }) => `${trigger[2]} ${at}`)).toEqual(lived);
      const until = absencesUpTo(list, of, now as EventTime);
      expect(until).toEqual(found.filter(({ at }) => at <= now));
      // The timer's promise, if nothing comes after now.
      const known = list.filter(([at]) => at <= now);
      const later = absencesUpTo(known, of, END as EventTime).find(({ at }) => at > now);
      expect(nextAbsence(known, of, now as EventTime)).toBe(later?.at);
    }),
    { numRuns: 800 },
  );
});

test("the cancelling event may come at the very end, not a millisecond later", () => {
  const spec = { within: millis(10), restart: "keep" } as const;
  const marks = (cancel: number): Mark[] => [
    [5 as EventTime, TRIGGER, "add", ""],
    [cancel as EventTime, CANCEL, "pay", ""],
  ];
  expect(absencesUpTo(marks(15), spec, END as EventTime)).toEqual([]);
  expect(absencesUpTo(marks(16), spec, END as EventTime).map(({ at }) => at)).toEqual([15]);
});

test("a run is the longest tail that fits, without too long a gap", () => {
  const spec: fc.Arbitrary<RunSpec> = fc.record({
    maxGap: fc.option(fc.integer({ min: 0, max: 12 }).map(millis)),
    distinct: fc.constantFrom("label" as const, "event" as const),
  });
  fc.assert(
    fc.property(arrivals(2), spec, fc.nat(END), (marks, of, now) => {
      const past = sorted(marks).filter(([at]) => at <= now);
      const tails = past.map((_, i) => past.slice(i)).concat([[]]);
      const whole = (tail: readonly Mark[]) => {
        const times = [...tail.map(([at]) => at), now];
        const gaps = times.slice(1).map((at, i) => at - (times[i] ?? at));
        return (
          tail.every(([, role]) => role === FITS) && gaps.every((gap) => gap <= (of.maxGap ?? END))
        );
      };
      const tail = tails.find(whole) ?? [];
      const run = runAt(inserted(marks), of, now as EventTime);
      expect(run.marks).toEqual(tail);
      const labels = new Set(tail.map(([, , , label]) => label)).size;
      expect(run.length).toBe(of.distinct === "label" ? labels : tail.length);
      const over = runOverAt(past, of, now as EventTime);
      if (over === undefined) return;
      expect(runAt(past, of, over).length).toBe(0);
      expect(runAt(past, of, (over - 1) as EventTime).length).toBeGreaterThan(0);
    }),
    { numRuns: 800 },
  );
});

test("one event that does not fit sets the run back to nothing", () => {
  const at = (time: number, role: number): Mark => [time as EventTime, role, `e${time}`, ""];
  const spec = { maxGap: null, distinct: "event" } as const;
  const marks = [at(1, FITS), at(2, FITS), at(3, BREAKS), at(4, FITS)];
  const lengths = [2, 3, 4].map((now) => runAt(marks, spec, now as EventTime).length);
  expect(lengths).toEqual([2, 0, 1]);
});

test("of two steps, the second takes the newest first one that nothing has come between", () => {
  fc.assert(
    fc.property(
      arrivals(2),
      fc.option(fc.nat(15).map(millis)),
      fc.nat(END),
      (marks, within, now) => {
        const past = sorted(marks).filter(([at]) => at <= now);
        const pairs = past
          .slice(1)
          .map((mark, i): [Mark | undefined, Mark] => [past[i], mark])
          .filter(([a, b]) => a?.[1] === 0 && b[1] === 1 && b[0] - a[0] <= (within ?? END));
        const found = sequencesUpTo(inserted(marks), { within: [null, within] }, now as EventTime);
        expect(found).toEqual(pairs);
      },
    ),
    { numRuns: 500 },
  );
});

test("sequences of three steps share no event and keep to their times", () => {
  const spec = { within: [null, millis(10), millis(20)] };
  fc.assert(
    fc.property(arrivals(3), (marks) => {
      const found = sequencesUpTo(inserted(marks), spec, END as EventTime);
      const ids = found.flat().map(([, , id]) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [a, b, c, ...more] of found) {
        if (a === undefined || b === undefined || c === undefined) throw new Error("incomplete");
        expect([a[1], b[1], c[1], more.length]).toEqual([0, 1, 2, 0]);
        expect(b[0] - a[0]).toBeLessThanOrEqual(10);
        expect(c[0] - b[0]).toBeLessThanOrEqual(20);
      }
      // Where all three are there, in order and in time, at least one sequence is found.
      const list = sorted(marks);
      const there = list.some(
        (a, i) =>
          a[1] === 0 &&
          list[i + 1]?.[1] === 1 &&
          list[i + 2]?.[1] === 2 &&
          (list[i + 2]?.[0] ?? END) - a[0] <= 10,
      );
      if (there) expect(found.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});

test("one event does not play two steps of a sequence", () => {
  const both: Mark[] = [
    [1 as EventTime, 0, "e1", ""],
    [1 as EventTime, 1, "e1", ""],
    [2 as EventTime, 1, "e2", ""],
  ];
  const found = sequencesUpTo(both, { within: [null, null] }, END as EventTime);
  expect(found.map((marks) => marks.map(([, , id]) => id))).toEqual([["e1", "e2"]]);
});
