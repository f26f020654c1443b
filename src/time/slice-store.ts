import type { Additive, Aggregate } from "./aggregate.ts";
import { type EventTime, type Millis, millis } from "./event-time.ts";
import * as panes from "./pane-ring.ts";
import { emptyStacks, PaneStacks, type TwoStacks } from "./two-stacks.ts";
import type { SlidingGrid } from "./window-kind.ts";

/**
 * The panes that overlapping windows of one key share. Results are undefined where nothing is in
 * them. What is handed a state may change it, and returns the one to use.
 */
export interface SliceStore<Value, Result, State> {
  /** Empty, with the window's last instant at `at`. */
  empty(at: EventTime): State;
  add(state: State, at: EventTime, value: Value): State;
  /** Moves the window on, to end with the pane of `to`. */
  advance(state: State, to: EventTime): State;
  window(state: State): Result | undefined;
  between(state: State, from: EventTime, to: EventTime): Result | undefined;
  /** Start of the first pane, from the one of `from` on, that holds anything. */
  nextOccupied(state: State, from: EventTime): EventTime | undefined;
}

/** Panes behind the window that late elements may still reach, whatever their phase. */
const kept = (lateness: Millis, pane: Millis): Millis => millis(lateness + pane);

/** For what can be subtracted: running totals over a ring. The first measure counts elements. */
export function additiveStore<Value, Result>(
  windows: SlidingGrid,
  lateness: Millis,
  additive: Additive<Value, Result>,
): SliceStore<Value, Result, panes.PaneRing> {
  const bare = panes.paneSpec(windows);
  const keep = kept(lateness, bare.pane);
  const spec = panes.paneSpec({ ...windows, keep, measures: additive.measures + 1 });
  const result = (count: number, sumOf: (measure: number) => number): Result | undefined => {
    if (count === 0) return undefined;
    const sums = Array.from({ length: additive.measures }, (_, m) => sumOf(m + 1));
    return additive.result(count, sums);
  };
  return {
    empty: (at) => panes.emptyPanes(spec, at),
    add(state, at, value) {
      let ring = panes.addToPanes(state, spec, at, 1);
      for (let m = 0; m < additive.measures; m++) {
        ring = panes.addToPanes(ring, spec, at, additive.amount(value, m), m + 1);
      }
      return ring;
    },
    advance: (state, to) => panes.advancePanes(state, spec, to),
    window: (state) => result(panes.total(state, spec), (m) => panes.total(state, spec, m)),
    between: (state, from, to) =>
      result(panes.sumBetween(state, spec, from, to), (m) =>
        panes.sumBetween(state, spec, from, to, m),
      ),
    nextOccupied: (state, from) => panes.nextOccupied(state, spec, from),
  };
}

/** For what cannot be subtracted: two-stacks. */
export function mergingStore<Value, Acc, Result>(
  windows: SlidingGrid,
  lateness: Millis,
  aggregate: Aggregate<Value, Acc, Result>,
): SliceStore<Value, Result, TwoStacks<Acc>> {
  const spec = panes.paneSpec(windows);
  const keep = Math.ceil(kept(lateness, spec.pane) / spec.pane);
  const stacks = new PaneStacks<Value, Acc>(aggregate, spec.panes, keep);
  const index = (at: EventTime): number => panes.paneIndex(spec, at);
  const shown = (acc: Acc | null): Result | undefined =>
    acc === null ? undefined : aggregate.result(acc);
  return {
    empty: (at) => emptyStacks(index(at)),
    add(state, at, value) {
      stacks.add(state, index(at), value, at);
      return state;
    },
    advance(state, to) {
      stacks.advance(state, index(to));
      return state;
    },
    window: (state) => shown(stacks.window(state)),
    between: (state, from, to) => shown(stacks.between(state, index(from), index(to))),
    nextOccupied(state, from) {
      const slice = state.slices.find(([pane]) => pane >= index(from));
      return slice && ((slice[0] * spec.pane + spec.offset) as EventTime);
    },
  };
}
