import type { Additive, Aggregate } from "./aggregate.ts";
import { type EventTime, type Millis, millis } from "./event-time.ts";
import * as panes from "./pane-ring.ts";
import { emptyStacks, occupiedFrom, PaneStacks, type TwoStacks } from "./two-stacks.ts";
import type { SlidingGrid } from "./window-kind.ts";

/**
 * The panes that overlapping windows of one key share, told by their index. Results are undefined
 * where nothing is in them. What is handed a state may change it, and returns the one to use.
 */
export interface SliceStore<Value, Result, State extends object> {
  /** Empty, with the window's newest pane at `head`. */
  empty(head: number): State;
  /** Newest pane of the window. */
  head(state: State): number;
  /** Last pane of the window that fires next; one up to the head stands for none. */
  next(state: State): number;
  setNext(state: State, pane: number): void;
  add(state: State, pane: number, value: Value, at: EventTime): State;
  /** Moves the window on, to end with pane `head`. */
  advance(state: State, head: number): State;
  window(state: State): Result | undefined;
  /** Over the panes from `from` to `to`, both included. */
  between(state: State, from: number, to: number): Result | undefined;
  /** True when the window holds anything from pane `from` on. */
  holdsFrom(state: State, from: number): boolean;
  /** The first pane ahead of the window that holds anything. */
  ahead(state: State): number | undefined;
  /** The newest pane that holds anything. */
  newest(state: State): number | undefined;
}

/** Panes behind the window that late elements may still reach, whatever their phase. */
const kept = (lateness: Millis, pane: Millis): Millis => millis(lateness + pane);

/** For what can be subtracted: running totals over a ring. The first measure counts elements. */
export function additiveStore<Value, Result>(
  windows: SlidingGrid,
  lateness: Millis,
  additive: Additive<Value, Result>,
): SliceStore<Value, Result, panes.PaneRing> {
  const { measures, amount } = additive;
  const keep = kept(lateness, panes.paneSpec(windows).pane);
  const spec = panes.paneSpec({ ...windows, keep, measures: measures + 1, notes: 1 });
  const result = (count: number, sumOf: (measure: number) => number): Result | undefined => {
    if (count === 0) return undefined;
    const sums = Array.from({ length: measures }, (_, m) => sumOf(m + 1));
    return additive.result(count, sums);
  };
  return {
    empty(head) {
      const ring = panes.emptyPanes(spec, head);
      panes.setNote(ring, spec, head);
      return ring;
    },
    head: panes.headOf,
    next: (ring) => panes.note(ring, spec),
    setNext: (ring, pane) => panes.setNote(ring, spec, pane),
    add(before, pane, value) {
      let ring = panes.addToPane(before, spec, pane, 1);
      for (let m = 0; m < measures; m++) {
        ring = panes.addToPane(ring, spec, pane, amount(value, m), m + 1);
      }
      return ring;
    },
    advance: (ring, head) => panes.advanceTo(ring, spec, head),
    window: (ring) => result(panes.total(ring, spec), (m) => panes.total(ring, spec, m)),
    between: (ring, from, to) =>
      result(panes.sumBetween(ring, spec, from, to), (m) =>
        panes.sumBetween(ring, spec, from, to, m),
      ),
    // Counts are never negative, so nothing is left where the panes before hold the total.
    holdsFrom: (ring, from) =>
      panes.total(ring, spec) >
      panes.sumBetween(ring, spec, panes.headOf(ring) - spec.panes + 1, from - 1),
    ahead: (ring) => panes.nextOccupied(ring, spec, panes.headOf(ring) + 1),
    newest: (ring) => panes.newestOccupied(ring, spec),
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
  const shown = (acc: Acc | null): Result | undefined =>
    acc === null ? undefined : aggregate.result(acc);
  return {
    empty: emptyStacks,
    head: (state) => state.head,
    next: (state) => state.next,
    setNext(state, pane) {
      state.next = pane;
    },
    add(state, pane, value, at) {
      stacks.add(state, pane, value, at);
      return state;
    },
    advance(state, head) {
      stacks.advance(state, head);
      return state;
    },
    window: (state) => shown(stacks.window(state)),
    between: (state, from, to) => shown(stacks.between(state, from, to)),
    holdsFrom: (state, from) => (occupiedFrom(state, from) ?? state.head + 1) <= state.head,
    ahead: (state) => occupiedFrom(state, state.head + 1),
    newest: (state) => state.slices.at(-1)?.[0],
  };
}
