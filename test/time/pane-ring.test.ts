import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventTime, latest, millis } from "../../src/time/event-time.ts";
import {
  addToPane,
  advanceTo,
  emptyPanes,
  holdsNothing,
  newestOccupied,
  nextOccupied,
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
  sumOfTiers,
  type TieredPanes,
  tieredSpec,
} from "../../src/time/tiered-panes.ts";

const length = (max: number) => fc.integer({ min: 1, max }).map(millis);
const specs = fc
  .record({
    size: length(120),
    slide: length(20),
    offset: fc.integer({ min: -15, max: 15 }).map(millis),
    keep: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(3000)).map(millis),
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
    const [from, to] = [head - spec.panes - 1, head + 3];
    expect(sumBetween(ring, spec, from, to, m)).toBe(sumOf(remembered, from, to, m));
  }
  const sums = new Map<string, number>();
  for (const a of remembered) {
    const at = `${a.pane}/${a.measure}`;
    sums.set(at, (sums.get(at) ?? 0) + a.value);
  }
  if ([...sums.values()].some((sum) => sum !== 0)) expect(holdsNothing(ring, spec)).toBe(false);
  // Not more is promised of panes whose sums are 0 again.
  const held = [...sums]
    .filter(([, sum]) => sum !== 0)
    .map(([place]) => Number.parseInt(place, 10));
  const inSight = held.filter((pane) => pane >= head);
  if (held.length > 0) {
    expect(newestOccupied(ring, spec)).toBeGreaterThanOrEqual(Math.max(...held));
  }
  if (inSight.length > 0) {
    expect(nextOccupied(ring, spec, head)).toBeLessThanOrEqual(Math.min(...inSight));
  }
}

describe("sliding sums over shared panes", () => {
  test("equal the sums of everything added, whatever the order, restored at any step", () => {
    fc.assert(
      fc.property(specs, steps, fc.integer({ min: -500, max: 500 }), (spec, list, origin) => {
        let now = eventTime(origin);
        let ring = emptyPanes(spec, paneIndex(spec, now));
        const added: Added[] = [];
        for (const { kind, by, value, measure } of list) {
          const at = eventTime(now + by);
          const pane = paneIndex(spec, at);
          if (kind === "add") {
            const m = measure % spec.measures;
            const kept = pane > paneIndex(spec, now) - spec.panes - spec.keep;
            expect(remembers(ring, spec, pane)).toBe(kept);
            if (kept) added.push({ pane, measure: m, value });
            ring = addToPane(ring, spec, pane, value, m);
          } else if (kind === "advance") {
            ring = advanceTo(ring, spec, pane);
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
        const tiers: TieredPanes = [emptyPanes(fine, 0), null];
        let ring = emptyPanes(fine, 0);
        let now = 0;
        for (const { kind, by: step, value, measure } of list) {
          const at = now + step;
          const m = measure % fine.measures;
          if (kind === "add") {
            addToTiers(tiers, spec, at, value, m);
            ring = addToPane(ring, fine, at, value, m);
          } else {
            now = Math.max(now, at);
            advanceTiers(tiers, spec, now);
            ring = advanceTo(ring, fine, now);
          }
          const [first, last] = [now + from, now + from + width];
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
    let ring = emptyPanes(spec, 0);
    expect(ring.length).toBe(3);
    for (let t = 0; t < 300_000; t += 5_000) {
      const pane = paneIndex(spec, eventTime(t));
      ring = addToPane(advanceTo(ring, spec, pane), spec, pane, 1);
    }
    expect(ring.length).toBeGreaterThan(30);
    expect(ring.length * 8).toBeLessThanOrEqual(400 - 48);
    expect(total(ring, spec)).toBe(60);
    ring = advanceTo(ring, spec, 30 + 25);
    ring = advanceTo(ring, spec, 30 + 59);
    expect(ring.length).toBe(3);
    expect(holdsNothing(ring, spec)).toBe(true);
  });

  test("what a huge value cost in precision is forgotten soon after it has left", () => {
    const spec = paneSpec({ size: millis(300), slide: millis(10) });
    let ring = emptyPanes(spec, 0);
    for (let pane = 0; pane < 100; pane++) {
      ring = addToPane(advanceTo(ring, spec, pane), spec, pane, pane === 5 ? 1e17 : 0.5);
    }
    expect(total(ring, spec)).toBe(15);
  });

  test("a sum that is no number lasts as long as its pane and no longer", () => {
    const spec = paneSpec({ size: millis(30), slide: millis(1) });
    let ring = emptyPanes(spec, -1);
    for (let pane = 0; pane < 100; pane++) {
      const value = pane === 20 ? Number.POSITIVE_INFINITY : pane === 46 ? Number.NaN : 1;
      ring = addToPane(advanceTo(ring, spec, pane), spec, pane, value);
      const broken = pane >= 20 && pane < 76;
      expect(Number.isFinite(total(ring, spec)), `${pane}`).toBe(!broken);
      if (!broken && pane > 20) expect(total(ring, spec)).toBe(30);
    }
  });

  test("waiting long for late elements does not cost memory for panes that nothing was in", () => {
    const spec = paneSpec({
      size: millis(300_000),
      slide: millis(10_000),
      keep: millis(7 * 86_400_000),
    });
    let ring = emptyPanes(spec, 0);
    for (let pane = 0; pane < 6000; pane += 10) {
      ring = addToPane(advanceTo(ring, spec, pane), spec, pane, 1);
      expect(total(ring, spec)).toBe(Math.min(3, 1 + pane / 10));
    }
    expect(sumBetween(ring, spec, 0, 6000)).toBe(600);
    expect(ring.length).toBeLessThan(600 * 2 * 2);
  });

  test("an event far ahead does not cost memory in proportion to the distance", () => {
    const spec = paneSpec({ size: millis(1000), slide: millis(10) });
    let ring = emptyPanes(spec, 0);
    for (let pane = 0; pane < 100; pane++) ring = addToPane(ring, spec, pane, 1);
    ring = addToPane(ring, spec, 100_000_000, 1);
    expect(ring.length).toBeLessThan(1000);
    expect(total(advanceTo(ring, spec, 99), spec)).toBe(100);
  });
});
