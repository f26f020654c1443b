import { type EventTime, millis } from "./event-time.ts";
import {
  addToPanes,
  advancePanes,
  emptyPanes,
  inRing,
  nextOccupied,
  type PaneRing,
  type PaneSpec,
  paneIndex,
  sumBetween,
} from "./pane-ring.ts";

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

export const emptyTiers = (spec: TieredSpec, at: EventTime): TieredPanes => [
  emptyPanes(spec.fine, at),
  null,
];

/** Adds `value` to the pane of `at`; nothing happens when that is forgotten. Changes `tiers`. */
export function addToTiers(
  tiers: TieredPanes,
  spec: TieredSpec,
  at: EventTime,
  value: number,
  measure = 0,
): void {
  const forgotten = paneIndex(spec.fine, at) <= horizonOf(tiers, spec);
  if (forgotten) return;
  tiers[0] = addToPanes(tiers[0], spec.fine, at, value, measure);
  if (!inRing(tiers[0])) tiers[1] = null;
  else if (tiers[1] === null) tiers[1] = summedUp(tiers[0], spec);
  else tiers[1] = addToPanes(tiers[1], spec.coarse, at, value, measure);
}

/** Moves the window on until its newest pane holds `to`; never back. Changes `tiers`. */
export function advanceTiers(tiers: TieredPanes, spec: TieredSpec, to: EventTime): void {
  tiers[0] = advancePanes(tiers[0], spec.fine, to);
  if (!inRing(tiers[0])) tiers[1] = null;
  else if (tiers[1] !== null) tiers[1] = advancePanes(tiers[1], spec.coarse, to);
}

/** The sum over whole fine panes from the one of `from` to the one of `to`, both included. */
export function sumOfTiers(
  tiers: TieredPanes,
  spec: TieredSpec,
  from: EventTime,
  to: EventTime,
  measure = 0,
): number {
  const { fine, ratio } = spec;
  const first = Math.max(paneIndex(fine, from), horizonOf(tiers, spec) + 1);
  const last = paneIndex(fine, to);
  const startOf = (pane: number) => (pane * fine.pane + fine.offset) as EventTime;
  const inFine = (a: number, b: number): number =>
    a > b ? 0 : sumBetween(tiers[0], fine, startOf(a), startOf(b), measure);
  const [, coarse] = tiers;
  const firstCoarse = Math.ceil(first / ratio);
  const lastCoarse = Math.floor((last + 1) / ratio) - 1;
  if (coarse === null || firstCoarse > lastCoarse) return inFine(first, last);
  const [begin, end] = [firstCoarse * ratio, (lastCoarse + 1) * ratio];
  return (
    inFine(first, begin - 1) +
    sumBetween(coarse, spec.coarse, startOf(begin), startOf(end - 1), measure) +
    inFine(end, last)
  );
}

/** Fine panes up to this one are forgotten; the first cell of a ring is its newest pane. */
const horizonOf = ([fine]: TieredPanes, spec: TieredSpec): number =>
  (fine[0] as number) - spec.fine.panes - spec.fine.keep;

function summedUp(fine: PaneRing, spec: TieredSpec): PaneRing {
  const newest = ((fine[0] as number) * spec.fine.pane + spec.fine.offset) as EventTime;
  let coarse = emptyPanes(spec.coarse, newest);
  const oldest = (newest - (spec.fine.panes + spec.fine.keep) * spec.fine.pane) as EventTime;
  let at = nextOccupied(fine, spec.fine, oldest);
  while (at !== undefined) {
    for (let m = 0; m < spec.fine.measures; m++) {
      coarse = addToPanes(coarse, spec.coarse, at, sumBetween(fine, spec.fine, at, at, m), m);
    }
    at = nextOccupied(fine, spec.fine, (at + spec.fine.pane) as EventTime);
  }
  return coarse;
}
