import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type EventTime, eventTime, MAX_TIME, millis } from "../../src/time/event-time.ts";
import { type FactHistory, factAt, recordFact } from "../../src/time/fact-history.ts";
import { IntervalJoin, type SideEvent } from "../../src/time/interval-join.ts";
import { KeyedHost } from "../../src/time/keyed-host.ts";
import type { KeyedLogic } from "../../src/time/keyed-logic.ts";
import { WindowJoin } from "../../src/time/window-join.ts";

type Row = SideEvent<number> & { readonly at: EventTime; readonly key: string };
type Step = { readonly row: Row } | { readonly watermark: EventTime } | "restore";

const END = (MAX_TIME - 1) as EventTime;
/** The value is the place in the input, so that rows can be told apart. */
const steps = fc
  .array(
    fc.record({
      kind: fc.constantFrom("row", "row", "row", "row", "watermark", "restore"),
      side: fc.constantFrom("left" as const, "right" as const),
      at: fc.integer({ min: -30, max: 40 }).map(eventTime),
      key: fc.constantFrom("a", "b"),
    }),
    { maxLength: 80, size: "max" },
  )
  .map((list) =>
    list.map(({ kind, side, at, key }, value): Step => {
      if (kind === "restore") return "restore";
      return kind === "watermark" ? { watermark: at } : { row: { side, value, at, key } };
    }),
  );

function run<Out, State>(logic: KeyedLogic<SideEvent<number>, Out, State>, list: readonly Step[]) {
  const out: Out[] = [];
  const late: unknown[] = [];
  const sink = {
    emit: (one: Out) => {
      out.push(one);
    },
    late: (one: Readonly<Record<string, unknown>>) => {
      late.push(one["value"]);
    },
  };
  let host = new KeyedHost(logic, sink);
  for (const step of list) {
    if (step === "restore") {
      host = KeyedHost.restore(logic, sink, decode(encode(host.snapshot())));
    } else if ("row" in step) {
      host.element(step.row.key, step.row.at, { side: step.row.side, value: step.row.value });
    } else host.advance(step.watermark);
  }
  host.advance(END);
  return { out, late, left: host.states.size + host.pendingTimers };
}

/** Rows with the watermark that was in force when they came. */
function rowsOf(list: readonly Step[]): { row: Row; watermark: number }[] {
  let watermark = Number.NEGATIVE_INFINITY;
  return list.flatMap((step) => {
    if (step === "restore") return [];
    if ("row" in step) return [{ row: step.row, watermark }];
    watermark = Math.max(watermark, step.watermark);
    return [];
  });
}

const bound = fc.integer({ min: -12, max: 12 });
const late = (event: SideEvent<number>) => ({ ...event });

describe("joins", () => {
  test("an interval join is all pairs within the interval that are not late, each once", () => {
    fc.assert(
      fc.property(steps, bound, fc.nat({ max: 12 }), (list, lower, width) => {
        const [from, to] = [millis(lower), millis(lower + width)];
        const join = new IntervalJoin<number>({ lower: from, upper: to, late });
        const { out, late: wereLate, left } = run(join, list);
        const rows = rowsOf(list);
        const inTime = rows.filter(({ row, watermark }) => row.at >= watermark);
        const pairsOf = (taken: typeof rows): string[] =>
          taken.flatMap(({ row: a }) =>
            taken.flatMap(({ row: b }) => {
              if (a.side !== "left" || b.side !== "right" || a.key !== b.key) return [];
              return b.at - a.at >= from && b.at - a.at <= to ? [`${a.value}/${b.value}`] : [];
            }),
          );
        const found = out.map((pair) => `${pair.left}/${pair.right}`);
        expect(new Set(found).size).toBe(found.length);
        // One exactly at the watermark is taken, but its partners may be cleaned up by then.
        expect(pairsOf(inTime)).toEqual(expect.arrayContaining(found));
        const promised = rows.filter(({ row, watermark }) => row.at > watermark);
        expect(found).toEqual(expect.arrayContaining(pairsOf(promised)));
        expect(out.every((pair) => pair.at === Math.max(pair.leftAt, pair.rightAt))).toBe(true);
        expect(wereLate.length).toBe(rows.length - inTime.length);
        expect(left).toBe(0);
      }),
    );
  });

  test("a window join gives each row with its partners, or once alone, or as late", () => {
    const kinds = fc.constantFrom("inner" as const, "left" as const, "outer" as const);
    const length = fc.nat({ max: 12 }).map((n) => millis(n));
    fc.assert(
      fc.property(steps, kinds, length, length, length, (list, kind, before, after, grace) => {
        const join = new WindowJoin<number>({ kind, before, after, grace, late });
        const { out, late: wereLate, left } = run(join, list);
        const rows = rowsOf(list).map(({ row }) => row);
        const byValue = new Map(rows.map((row) => [row.value, row]));
        const taken = rows.filter((row) => !wereLate.includes(row.value));
        for (const pair of out) {
          if (pair.left === null || pair.right === null) continue;
          const [l, r] = [byValue.get(pair.left), byValue.get(pair.right)];
          const gap = Number(r?.at) - Number(l?.at);
          expect(l?.key).toBe(r?.key);
          expect(gap >= -before && gap <= after).toBe(true);
        }
        for (const row of taken) {
          const mine = out.filter((pair) => pair[row.side] === row.value);
          const alone = mine.filter((pair) => pair.left === null || pair.right === null);
          const wanted = kind === "outer" || (kind === "left" && row.side === "left");
          expect(alone.length).toBe(wanted && mine.length === alone.length ? 1 : 0);
        }
        const pairs = out.map((pair) => `${pair.left}/${pair.right}`);
        expect(new Set(pairs).size).toBe(pairs.length);
        expect(left).toBe(0);
      }),
    );
  });

  test("a row that is pushed out of a full side is told", () => {
    const rows = fc.nat({ max: 12 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 5 }), (count, most) => {
        const list = Array.from({ length: count }, (_, value): Step => {
          return { row: { side: "left", value, at: eventTime(value), key: "a" } };
        });
        const [lower, upper] = [millis(0), millis(20)];
        for (const join of [
          new IntervalJoin<number>({ lower, upper, most, late }),
          new WindowJoin<number>({ kind: "inner", before: lower, after: upper, most, late }),
        ]) {
          const forgotten: unknown[] = [];
          const sink = { emit: () => {}, late: (one: unknown) => forgotten.push(one) };
          const host = new KeyedHost<SideEvent<number>, unknown, unknown>(
            join as KeyedLogic<SideEvent<number>, unknown, unknown>,
            sink,
          );
          for (const step of list) {
            if (step !== "restore" && "row" in step) host.element("a", step.row.at, step.row);
          }
          expect(forgotten).toEqual(
            Array.from({ length: Math.max(0, count - most) }, () => ({
              reason: "join_rows",
              forgotten: 1,
            })),
          );
        }
      }),
    );
  });

  test("without watermarks a window join finds every pair in its window", () => {
    const rows = steps.map((list) => list.filter((step) => step !== "restore" && "row" in step));
    const length = fc.nat({ max: 12 }).map((n) => millis(n));
    fc.assert(
      fc.property(rows, length, length, (list, before, after) => {
        const { out } = run(new WindowJoin<number>({ kind: "inner", before, after, late }), list);
        const all = rowsOf(list).map(({ row }) => row);
        const pairs = all.flatMap((a) =>
          all.flatMap((b) => {
            if (a.side !== "left" || b.side !== "right" || a.key !== b.key) return [];
            const gap = b.at - a.at;
            return gap >= -before && gap <= after ? [`${a.value}/${b.value}`] : [];
          }),
        );
        expect(out.map((pair) => `${pair.left}/${pair.right}`).sort()).toEqual(pairs.sort());
      }),
    );
  });

  test("a fact is looked up as it was at the event's time, whatever the order it was told in", () => {
    const told = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.option(fc.nat({ max: 5 }))), {
      maxLength: 30,
      size: "max",
    });
    fc.assert(
      fc.property(told, fc.nat({ max: 60 }), (list, keep) => {
        const history: FactHistory<number> = [];
        for (const [from, value] of list) {
          recordFact(history, eventTime(from), value, { keep: millis(keep), most: 1000 });
        }
        const newest = Math.max(...list.map(([from]) => from), 0);
        for (let at = newest - keep; at <= newest + 5; at++) {
          const valid = list.filter(([from]) => from <= at).map(([from]) => from);
          const from = Math.max(...valid);
          const said = list.findLast((one) => one[0] === from)?.[1];
          expect(factAt(history, eventTime(at))).toBe(said ?? undefined);
        }
      }),
    );
  });
});
