import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { count, list } from "../../src/time/aggregate.ts";
import {
  type EventTime,
  eventTime,
  MAX_TIME,
  MIN_TIME,
  millis,
} from "../../src/time/event-time.ts";
import { KeyedHost } from "../../src/time/keyed-host.ts";
import type { WindowResult } from "../../src/time/open-window.ts";
import { RecordSliding, type RecordWindow } from "../../src/time/record-sliding.ts";
import { streamElement, streamTimeWindows } from "../../src/time/stream-time.ts";
import { Suppress, type Update } from "../../src/time/suppress.ts";
import { WindowOperator } from "../../src/time/window-operator.ts";

interface Happening {
  readonly at: EventTime;
  /** The place in the input. */
  readonly value: number;
}
const input = fc
  .array(fc.nat({ max: 80 }), { maxLength: 40, size: "max" })
  .map((times) => times.map((at, value): Happening => ({ at: eventTime(at), value })));
const stops = fc.array(fc.nat({ max: 40 }));
const length = (most: number) => fc.nat({ max: most }).map((n) => millis(n));
const value = (happening: Happening): number => happening.value;
const late = (happening: Happening) => ({ ...happening });

/** Each element with the stream time at which it was handled. */
function clocked(all: readonly Happening[]): (Happening & { readonly clock: number })[] {
  let clock = Number.NEGATIVE_INFINITY;
  return all.map((one) => {
    clock = Math.max(clock, one.at);
    return { ...one, clock };
  });
}

describe("stream time", () => {
  test("record-sliding windows hold what lies in them and stand at every record", () => {
    fc.assert(
      fc.property(input, length(12), length(30), stops, (all, difference, grace, at) => {
        const closed: RecordWindow<readonly number[]>[] = [];
        const wereLate: unknown[] = [];
        const sink = {
          emit: (window: RecordWindow<readonly number[]>) => {
            closed.push(window);
          },
          late: (event: unknown) => {
            wereLate.push(event);
          },
        };
        const logic = new RecordSliding<Happening, number, number[], readonly number[]>({
          difference,
          grace,
          emit: "onClose",
          aggregate: list<number>(),
          value,
          late,
        });
        let host = new KeyedHost(logic, sink);
        for (const [i, one] of all.entries()) {
          if (at.includes(i))
            host = KeyedHost.restore(logic, sink, decode(encode(host.snapshot())));
          streamElement(host, "k", one.at, one);
        }
        host.advance((MAX_TIME - 1) as EventTime);
        expect(host.states.size).toBe(0);
        const taken = clocked(all).filter((one) => one.at + difference + grace >= one.clock);
        expect(wereLate.length).toBe(all.length - taken.length);
        const starts = closed.map((window) => window.start);
        expect(new Set(starts).size).toBe(starts.length);
        for (const { start, end, value: held } of closed) {
          expect(end - start).toBe(difference);
          const open = taken.filter((one) => end + grace >= one.clock);
          const inside = open.filter((one) => one.at >= start && one.at <= end);
          expect(held).toEqual(inside.map(value));
          const ends = taken.some((one) => Math.max(0, one.at - difference) === start);
          expect(ends || taken.some((one) => one.at + 1 === start)).toBe(true);
        }
        if (taken.length === all.length && grace >= 80) {
          for (const one of taken) {
            expect(starts).toContain(Math.max(0, one.at - difference));
          }
        }
      }),
    );
  });

  test("updates of sessions that grow are taken back one by one until one result a session is left", () => {
    fc.assert(
      fc.property(input, length(10), (all, gap) => {
        const operator = new WindowOperator(
          streamTimeWindows<Happening, unknown, number, number>({
            windows: { gap },
            grace: millis(1000),
            emit: "onUpdateRetract",
            aggregate: count(),
            value,
            late,
          }),
        );
        const standing = new Map<string, number>();
        const sink = {
          emit: ({ start, end, value: n, retraction }: WindowResult<number>) => {
            const window = `${start}/${end}`;
            if (retraction) {
              expect(standing.get(window)).toBe(n);
              standing.delete(window);
            } else standing.set(window, n);
          },
          late: () => expect.fail("nothing is late"),
        };
        const host = new KeyedHost(operator, sink);
        for (const one of all) streamElement(host, "k", one.at, one);
        const sorted = all.map((one) => one.at).sort((a, b) => a - b);
        const sizes: number[] = [];
        for (const [i, at] of sorted.entries()) {
          const before = sorted[i - 1] ?? MIN_TIME;
          if (at - before > gap) sizes.push(0);
          sizes.push((sizes.pop() ?? 0) + 1);
        }
        expect([...standing.values()].sort()).toEqual(sizes.sort());
      }),
    );
  });

  test("what is held back has a bound although none was given", () => {
    const suppress = new Suppress<number>({});
    const shown: number[] = [];
    for (let i = 0; i < 10_005; i++) {
      const out = suppress.update({ key: `${i}`, value: i, at: eventTime(i) });
      shown.push(...out.map(({ value: one }) => one));
    }
    expect(shown).toEqual([0, 1, 2, 3, 4]);
  });

  test("suppressing shows the last update of each key, in order, and loses none", () => {
    const updates = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.nat({ max: 30 })), {
      maxLength: 40,
      size: "max",
    });
    fc.assert(
      fc.property(updates, fc.nat({ max: 3 }), stops, (list, maxRecords, at) => {
        let suppress = new Suppress<number>({ maxRecords });
        const shown: Update<number>[] = [];
        const newest = new Map<string, number>();
        for (const [i, [key, time]] of list.entries()) {
          if (at.includes(i)) {
            suppress = Suppress.restore({ maxRecords }, decode(encode(suppress.snapshot())));
          }
          const out = suppress.update({ key, value: i, at: eventTime(time) });
          newest.set(key, i);
          for (const update of out) expect(update.value).toBe(newest.get(update.key));
          shown.push(...out);
        }
        const { held } = suppress.snapshot() as { held: [string, number, number, number][] };
        expect(held.length).toBeLessThanOrEqual(maxRecords);
        const known = new Map(shown.map((update) => [update.key, update.value]));
        for (const [key, , , last] of held) known.set(key, last);
        expect(known).toEqual(newest);
      }),
    );
  });
});
