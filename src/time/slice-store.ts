import type { Additive, Aggregate } from "./aggregate.ts";
import { type EventTime, type Millis, millis } from "./event-time.ts";
import type { PaneRing, PaneSpec } from "./pane-ring.ts";
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
export class AdditiveStore<Value, Result> implements SliceStore<Value, Result, PaneRing> {
  readonly #spec: PaneSpec;
  readonly #additive: Additive<Value, Result>;

  constructor(windows: SlidingGrid, lateness: Millis, additive: Additive<Value, Result>) {
    const keep = kept(lateness, panes.paneSpec(windows).pane);
    const measures = additive.measures + 1;
    this.#spec = panes.paneSpec({ ...windows, keep, measures, notes: 1 });
    this.#additive = additive;
  }

  empty(head: number): PaneRing {
    const ring = panes.emptyPanes(this.#spec, head);
    panes.setNote(ring, this.#spec, head);
    return ring;
  }
  head(ring: PaneRing): number {
    return panes.headOf(ring);
  }
  next(ring: PaneRing): number {
    return panes.note(ring, this.#spec);
  }
  setNext(ring: PaneRing, pane: number): void {
    panes.setNote(ring, this.#spec, pane);
  }
  add(before: PaneRing, pane: number, value: Value): PaneRing {
    const { measures } = this.#additive;
    let ring = panes.addToPane(before, this.#spec, pane, 1);
    for (let m = 0; m < measures; m++) {
      ring = panes.addToPane(ring, this.#spec, pane, this.#additive.amount(value, m), m + 1);
    }
    return ring;
  }
  advance(ring: PaneRing, head: number): PaneRing {
    return panes.advanceTo(ring, this.#spec, head);
  }
  window(ring: PaneRing): Result | undefined {
    const count = panes.total(ring, this.#spec);
    if (count === 0) return undefined;
    const sums: number[] = [];
    for (let m = 1; m <= this.#additive.measures; m++) sums.push(panes.total(ring, this.#spec, m));
    return this.#additive.result(count, sums);
  }
  between(ring: PaneRing, from: number, to: number): Result | undefined {
    const sumOf = (measure: number) => panes.sumBetween(ring, this.#spec, from, to, measure);
    const count = sumOf(0);
    if (count === 0) return undefined;
    const sums: number[] = [];
    for (let m = 1; m <= this.#additive.measures; m++) sums.push(sumOf(m));
    return this.#additive.result(count, sums);
  }
  /** Counts are never negative, so nothing is left where the panes before hold the total. */
  holdsFrom(ring: PaneRing, from: number): boolean {
    const oldest = panes.headOf(ring) - this.#spec.panes + 1;
    return panes.total(ring, this.#spec) > panes.sumBetween(ring, this.#spec, oldest, from - 1);
  }
  ahead(ring: PaneRing): number | undefined {
    return panes.nextOccupied(ring, this.#spec, panes.headOf(ring) + 1);
  }
  newest(ring: PaneRing): number | undefined {
    return panes.newestOccupied(ring, this.#spec);
  }
}

/** For what cannot be subtracted: two-stacks. */
export class MergingStore<Value, Acc, Result> implements SliceStore<Value, Result, TwoStacks<Acc>> {
  readonly #aggregate: Aggregate<Value, Acc, Result>;
  readonly #stacks: PaneStacks<Value, Acc>;

  constructor(windows: SlidingGrid, lateness: Millis, aggregate: Aggregate<Value, Acc, Result>) {
    const { pane, panes: length } = panes.paneSpec(windows);
    const keep = Math.ceil(kept(lateness, pane) / pane);
    this.#aggregate = aggregate;
    this.#stacks = new PaneStacks<Value, Acc>(aggregate, length, keep);
  }

  empty(head: number): TwoStacks<Acc> {
    return emptyStacks(head);
  }
  head(state: TwoStacks<Acc>): number {
    return state.head;
  }
  next(state: TwoStacks<Acc>): number {
    return state.next;
  }
  setNext(state: TwoStacks<Acc>, pane: number): void {
    state.next = pane;
  }
  add(state: TwoStacks<Acc>, pane: number, value: Value, at: EventTime): TwoStacks<Acc> {
    this.#stacks.add(state, pane, value, at);
    return state;
  }
  advance(state: TwoStacks<Acc>, head: number): TwoStacks<Acc> {
    this.#stacks.advance(state, head);
    return state;
  }
  window(state: TwoStacks<Acc>): Result | undefined {
    return this.#shown(this.#stacks.window(state));
  }
  between(state: TwoStacks<Acc>, from: number, to: number): Result | undefined {
    return this.#shown(this.#stacks.between(state, from, to));
  }
  holdsFrom(state: TwoStacks<Acc>, from: number): boolean {
    return (occupiedFrom(state, from) ?? state.head + 1) <= state.head;
  }
  ahead(state: TwoStacks<Acc>): number | undefined {
    return occupiedFrom(state, state.head + 1);
  }
  newest(state: TwoStacks<Acc>): number | undefined {
    return state.slices.at(-1)?.[0];
  }

  #shown(acc: Acc | null): Result | undefined {
    return acc === null ? undefined : this.#aggregate.result(acc);
  }
}
