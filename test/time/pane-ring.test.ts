import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventTime, latest, millis } from "../../src/time/event-time.ts";
import {
  addToPanes,
  advancePanes,
  emptyPanes,
  holdsNothing,
  type PaneRing,
  type PaneSpec,
  paneIndex,
  paneSpec,
  remembers,
  sumBetween,
  total,
} from "../../src/time/pane-ring.ts";
import {
  addToTiers,
  advanceTiers,
  emptyTiers,
  sumOfTiers,
  tieredSpec,
} from "../../src/time/tiered-panes.ts";

const length = (max: number) => fc.integer({ min: 1, max }).map(millis);
const specs = fc
  .record({
    size: length(120),
    slide: length(20),
    offset: fc.integer({ min: -15, max: 15 }).map(millis),
    keep: fc.integer({ min: 0, max: 30 }).map(millis),
    measures: fc.integer({ min: 1, max: 3 }),
  })
  .map(paneSpec);
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom("add", "add", "add", "advance", "restore"),
    by: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: -60, max: 40 }) },
      { weight: 1, arbitrary: fc.integer({ min: -60, max: 2000 }) },
    ),
    value: fc.integer({ min: -3, max: 9 }),
    measure: fc.nat({ max: 2 }),
  }),
  { maxLength: 200, size: "max" },
);

interface Added {
  readonly pane: number;
  readonly measure: number;
  readonly value: number;
}

/** The contract, slowly: everything ever added, summed again at each look. */
function sumOf(added: readonly Added[], first: number, last: number, measure: number): number {
  return added
    .filter((a) => a.pane >= first && a.pane <= last && a.measure === measure)
    .reduce((sum, a) => sum + a.value, 0);
}

function check(ring: PaneRing, spec: PaneSpec, added: readonly Added[], head: number): void {
  const remembered = added.filter((a) => a.pane > head - spec.panes - spec.keep);
  for (let m = 0; m < spec.measures; m++) {
    expect(total(ring, spec, m)).toBe(sumOf(remembered, head - spec.panes + 1, head, m));
    const from = eventTime((head - spec.panes - 1) * spec.pane + spec.offset);
    const to = eventTime((head + 3) * spec.pane + spec.offset);
    expect(sumBetween(ring, spec, from, to, m)).toBe(
      sumOf(remembered, paneIndex(spec, from), paneIndex(spec, to), m),
    );
  }
  const sums = new Map<string, number>();
  for (const a of remembered) {
    const at = `${a.pane}/${a.measure}`;
    sums.set(at, (sums.get(at) ?? 0) + a.value);
  }
  if ([...sums.values()].some((sum) => sum !== 0)) expect(holdsNothing(ring, spec)).toBe(false);
}

describe("sliding sums over shared panes", () => {
  test("equal the sums of everything added, whatever the order, restored at any step", () => {
    fc.assert(
      fc.property(specs, steps, fc.integer({ min: -500, max: 500 }), (spec, list, origin) => {
        let now = eventTime(origin);
        let ring = emptyPanes(spec, now);
        const added: Added[] = [];
        for (const { kind, by, value, measure } of list) {
          const at = eventTime(now + by);
          if (kind === "add") {
            const m = measure % spec.measures;
            const pane = paneIndex(spec, at);
            const kept = pane > paneIndex(spec, now) - spec.panes - spec.keep;
            expect(remembers(ring, spec, at)).toBe(kept);
            if (kept) added.push({ pane, measure: m, value });
            ring = addToPanes(ring, spec, at, value, m);
          } else if (kind === "advance") {
            ring = advancePanes(ring, spec, at);
            now = latest(now, at);
          } else {
            ring = decode(encode(ring)) as PaneRing;
          }
          check(ring, spec, added, paneIndex(spec, now));
        }
      }),
    );
  });

  test("two tiers give the same sums over any stretch as one", () => {
    const ratio = fc.integer({ min: 2, max: 7 });
    const stretch = fc.tuple(fc.integer({ min: -150, max: 60 }), fc.nat({ max: 150 }));
    fc.assert(
      fc.property(specs, ratio, steps, stretch, (fine, by, list, [from, width]) => {
        const spec = tieredSpec(fine, by);
        const tiers = emptyTiers(spec, eventTime(0));
        let ring = emptyPanes(fine, eventTime(0));
        let now = eventTime(0);
        for (const { kind, by: step, value, measure } of list) {
          const at = eventTime(now + step);
          const m = measure % fine.measures;
          if (kind === "add") {
            addToTiers(tiers, spec, at, value, m);
            ring = addToPanes(ring, fine, at, value, m);
          } else {
            now = latest(now, at);
            advanceTiers(tiers, spec, now);
            ring = advancePanes(ring, fine, now);
          }
          const [first, last] = [eventTime(now + from), eventTime(now + from + width)];
          for (let each = 0; each < fine.measures; each++) {
            expect(sumOfTiers(tiers, spec, first, last, each)).toBe(
              sumBetween(ring, fine, first, last, each),
            );
          }
        }
      }),
    );
  });

  test("a list that grows into a ring becomes a list again when the key falls quiet", () => {
    const spec = paneSpec({ size: millis(300_000), slide: millis(10_000) });
    let ring = emptyPanes(spec, eventTime(0));
    expect(ring.length).toBe(3);
    for (let t = 0; t < 300_000; t += 5_000) {
      ring = addToPanes(advancePanes(ring, spec, eventTime(t)), spec, eventTime(t), 1);
    }
    expect(ring.length).toBeGreaterThan(30);
    expect(ring.length * 8).toBeLessThanOrEqual(400 - 48);
    expect(total(ring, spec)).toBe(60);
    ring = advancePanes(ring, spec, eventTime(300_000 + 250_000));
    ring = advancePanes(ring, spec, eventTime(300_000 + 590_000));
    expect(ring.length).toBe(3);
    expect(holdsNothing(ring, spec)).toBe(true);
  });

  test("an event far ahead does not cost memory in proportion to the distance", () => {
    const spec = paneSpec({ size: millis(1000), slide: millis(10) });
    let ring = emptyPanes(spec, eventTime(0));
    for (let t = 0; t < 1000; t += 10) ring = addToPanes(ring, spec, eventTime(t), 1);
    ring = addToPanes(ring, spec, eventTime(1_000_000_000), 1);
    expect(ring.length).toBeLessThan(1000);
    expect(total(advancePanes(ring, spec, eventTime(990)), spec)).toBe(100);
  });
});
