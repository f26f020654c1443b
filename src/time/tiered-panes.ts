import { millis } from "./event-time.ts";
import {
  addToPane,
  advanceTo,
  emptyPanes,
  headOf,
  inRing,
  nextOccupied,
  type PaneRing,
  type PaneSpec,
  remembers,
  sumBetween,
} from "./pane-ring.ts";
import { floorDiv } from "./window.ts";

/** Two tiers of panes: `ratio` fine ones (hours) make a coarse one (days). */
export interface TieredSpec {
  readonly fine: PaneSpec;
  readonly coarse: PaneSpec;
  readonly ratio: number;
}

/**
 * Sums of one key in two tiers, as plain data: sums over any stretch of a long window cost about
 * `panes / ratio + 2 ratio` additions. There is no coarse tier while the fine one is a sparse list.
 */
export type TieredPanes = [fine: PaneRing, coarse: PaneRing | null];

export function tieredSpec(fine: PaneSpec, ratio: number): TieredSpec {
  const panes = Math.ceil((fine.panes + fine.keep) / ratio) + 1;
  const pane = millis(fine.pane * ratio);
  return { fine, coarse: { ...fine, pane, panes, keep: 0 }, ratio };
}

/** Adds `value` to a fine pane; nothing happens when that is forgotten. Changes `tiers`. */
export function addToTiers(
  tiers: TieredPanes,
  spec: TieredSpec,
  pane: number,
  value: number,
  measure = 0,
): void {
  if (!remembers(tiers[0], spec.fine, pane)) return;
  tiers[0] = addToPane(tiers[0], spec.fine, pane, value, measure);
  if (!inRing(tiers[0])) tiers[1] = null;
  else if (tiers[1] === null) tiers[1] = summedUp(tiers[0], spec);
  else tiers[1] = addToPane(tiers[1], spec.coarse, floorDiv(pane, spec.ratio), value, measure);
}

/** Moves the window on until `head` is its newest fine pane; never back. Changes `tiers`. */
export function advanceTiers(tiers: TieredPanes, spec: TieredSpec, head: number): void {
  tiers[0] = advanceTo(tiers[0], spec.fine, head);
  if (!inRing(tiers[0])) tiers[1] = null;
  else if (tiers[1] !== null) {
    tiers[1] = advanceTo(tiers[1], spec.coarse, floorDiv(head, spec.ratio));
  }
}

/** The sum over the fine panes from `from` to `to`, both included. */
export function sumOfTiers(
  tiers: TieredPanes,
  spec: TieredSpec,
  from: number,
  to: number,
  measure = 0,
): number {
  const { ratio } = spec;
  const [fine, coarse] = tiers;
  const first = Math.max(from, oldestOf(fine, spec));
  const inFine = (a: number, b: number): number => sumBetween(fine, spec.fine, a, b, measure);
  const firstCoarse = Math.ceil(first / ratio);
  const lastCoarse = floorDiv(to + 1, ratio) - 1;
  if (coarse === null || firstCoarse > lastCoarse) return inFine(first, to);
  return (
    inFine(first, firstCoarse * ratio - 1) +
    sumBetween(coarse, spec.coarse, firstCoarse, lastCoarse, measure) +
    inFine((lastCoarse + 1) * ratio, to)
  );
}

/** The oldest fine pane that is not forgotten. */
const oldestOf = (fine: PaneRing, spec: TieredSpec): number =>
  headOf(fine) - spec.fine.panes - spec.fine.keep + 1;

function summedUp(fine: PaneRing, spec: TieredSpec): PaneRing {
  let coarse = emptyPanes(spec.coarse, floorDiv(headOf(fine), spec.ratio));
  let pane = nextOccupied(fine, spec.fine, oldestOf(fine, spec));
  while (pane !== undefined) {
    const under = floorDiv(pane, spec.ratio);
    for (let m = 0; m < spec.fine.measures; m++) {
      const sum = sumBetween(fine, spec.fine, pane, pane, m);
      coarse = addToPane(coarse, spec.coarse, under, sum, m);
    }
    pane = nextOccupied(fine, spec.fine, pane + 1);
  }
  return coarse;
}
