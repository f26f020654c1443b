import { fnv1a32 } from "../../src/codec/hash.ts";
import { advance, type Baseline, type BaselineOptions, count, newBaseline } from "./baseline.ts";

/**
 * What a shopper group knows of the shop as a whole and tells with every partial, so that a key can
 * tell its own news from the shop's: `[since, pace, burst]`.
 *
 * `since`: the first second the group saw. A key that is new at `t` was quiet for `t - since`, which
 * tells a new key of an old shop from any key of a new shop.
 * `pace`: how busy the last five minutes were against before, in percent, by the number of items met
 * a second; a single item's rush hardly shows in it.
 * `burst`: variance over mean of the counts that one person's visits make, in percent; 100 when
 * nobody ever meets the same item twice in a row.
 */
export type ShopPace = readonly [since: number, pace: number, burst: number];

export interface PaceState {
  since: number;
  base: Baseline | null;
  /** By hash of the person: hash of the person's last item. One that is overwritten is forgotten. */
  last: number[];
  /** Events on an item, and those of them on the item that the person met last. */
  events: number;
  repeats: number;
}

const SLOTS = 4096;
/** Counts of events are halved at this many, so that old habits fade. */
const HABITS = 20_000;
/** Without repeats; keeps the first repeats of a shop from saying much. */
const PRIOR_EVENTS = 50;
/** Items a window that every group is taken to have met in any case. */
const PRIOR_BREADTH = 30;
const MAX_PACE = 500;
const OPTIONS: BaselineOptions = {
  pane: 10_000,
  shortWindow: 6,
  longWindow: 30,
  halfLife: 7_200_000,
  priorEvents: 0,
  priorTime: 0,
  shape: 1,
};

export const newPace = (): PaceState => ({
  since: 0,
  base: null,
  last: [],
  events: 0,
  repeats: 0,
});

/** A person met an item so many times in a row. */
export function meet(state: PaceState, person: string, sku: string, times: number): void {
  if (state.last.length === 0) state.last = new Array<number>(SLOTS).fill(0);
  const slot = fnv1a32(person) % SLOTS;
  // 31 bits stay small integers.
  const met = fnv1a32(`${person}\n${sku}`) >>> 1;
  state.events += times;
  state.repeats += state.last[slot] === met ? times : times - 1;
  state.last[slot] = met;
  if (state.events < HABITS) return;
  state.events = Math.floor(state.events / 2);
  state.repeats = Math.floor(state.repeats / 2);
}

/** A second is complete: `breadth` items were met in it. */
export function pass(state: PaceState, second: number, breadth: number): void {
  state.base ??= newBaseline(state.since, second, OPTIONS);
  advance(state.base, second, false, OPTIONS);
  if (breadth > 0) count(state.base, second, breadth, OPTIONS.pane);
}

export function paceAt(state: PaceState, second: number): ShopPace {
  // Runs of geometric length: with the chance r to go on, variance over mean is (1 + r) / (1 - r).
  const all = state.events + PRIOR_EVENTS;
  const burst = Math.round((100 * (all + state.repeats)) / (all - state.repeats));
  return [state.since, paceOf(state.base, second), burst];
}

function paceOf(base: Baseline | null, second: number): number {
  if (base === null || base.exposure <= 0) return 100;
  let met = 0;
  for (let i = 1; i < base.recent.length; i += 2) met += base.recent[i] as number;
  const usual = (base.events / base.exposure) * (second + 1 - base.next * OPTIONS.pane);
  const pace = (100 * (met + PRIOR_BREADTH)) / (usual + PRIOR_BREADTH);
  return Math.round(Math.min(MAX_PACE, pace));
}
