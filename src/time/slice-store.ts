import type { Additive, Aggregate } from "./aggregate.ts";
import { type EventTime, MAX_TIME, type Millis, millis } from "./event-time.ts";
import type { PaneRing, PaneSpec } from "./pane-ring.ts";
import * as panes from "./pane-ring.ts";
import {
  addToTiers,
  advanceTiers,
  sumOfTiers,
  type TieredPanes,
  type TieredSpec,
  tieredSpec,
} from "./tiered-panes.ts";
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
const kept = (lateness: Millis, pane: Millis): Millis =>
  lateness > MAX_TIME - pane ? lateness : millis(lateness + pane);

const NO_SUMS: readonly number[] = [];

/** The result of sums by measure, the first of which counts elements. */
function summed<Value, Result>(
  additive: Additive<Value, Result>,
  sumOf: (measure: number) => number,
): Result | undefined {
  const count = sumOf(0);
  if (count === 0) return undefined;
  if (additive.measures === 0) return additive.result(count, NO_SUMS);
  const sums: number[] = [];
  for (let m = 1; m <= additive.measures; m++) sums.push(sumOf(m));
  return additive.result(count, sums);
}

/** For what can be subtracted: running totals over a ring. */
export class AdditiveStore<Value, Result> implements SliceStore<Value, Result, PaneRing> {
  readonly spec: PaneSpec;
  readonly #additive: Additive<Value, Result>;

  constructor(windows: SlidingGrid, lateness: Millis, additive: Additive<Value, Result>) {
    const keep = kept(lateness, panes.paneSpec(windows).pane);
    const measures = additive.measures + 1;
    this.spec = panes.paneSpec({ ...windows, keep, measures, notes: 1 });
    this.#additive = additive;
  }

  empty(head: number): PaneRing {
    const ring = panes.emptyPanes(this.spec, head);
    panes.setNote(ring, this.spec, head);
    return ring;
  }
  head(ring: PaneRing): number {
    return panes.headOf(ring);
  }
  next(ring: PaneRing): number {
    return panes.note(ring, this.spec);
  }
  setNext(ring: PaneRing, pane: number): void {
    panes.setNote(ring, this.spec, pane);
  }
  add(before: PaneRing, pane: number, value: Value): PaneRing {
    const { measures } = this.#additive;
    let ring = panes.addToPane(before, this.spec, pane, 1);
    for (let m = 0; m < measures; m++) {
      ring = panes.addToPane(ring, this.spec, pane, this.#additive.amount(value, m), m + 1);
    }
    return ring;
  }
  advance(ring: PaneRing, head: number): PaneRing {
    return panes.advanceTo(ring, this.spec, head);
  }
  window(ring: PaneRing): Result | undefined {
    return summed(this.#additive, (measure) => panes.total(ring, this.spec, measure));
  }
  between(ring: PaneRing, from: number, to: number): Result | undefined {
    return summed(this.#additive, (measure) =>
      panes.sumBetween(ring, this.spec, from, to, measure),
    );
  }
  /** Counts are never negative, so nothing is left where the panes before hold the total. */
  holdsFrom(ring: PaneRing, from: number): boolean {
    const oldest = panes.headOf(ring) - this.spec.panes + 1;
    return panes.total(ring, this.spec) > panes.sumBetween(ring, this.spec, oldest, from - 1);
  }
  ahead(ring: PaneRing): number | undefined {
    return panes.nextOccupied(ring, this.spec, panes.headOf(ring) + 1);
  }
  newest(ring: PaneRing): number | undefined {
    return panes.newestOccupied(ring, this.spec);
  }
}

/**
 * As `AdditiveStore`, for long windows that late elements fire again: sums over any of them cost
 * some 2 √(2 panes) additions.
 */
export class TieredStore<Value, Result> implements SliceStore<Value, Result, TieredPanes> {
  readonly #flat: AdditiveStore<Value, Result>;
  readonly #spec: TieredSpec;
  readonly #additive: Additive<Value, Result>;

  constructor(windows: SlidingGrid, lateness: Millis, additive: Additive<Value, Result>) {
    this.#flat = new AdditiveStore(windows, lateness, additive);
    const { spec } = this.#flat;
    this.#spec = tieredSpec(spec, Math.ceil(Math.sqrt(spec.panes / 2)));
    this.#additive = additive;
  }

  empty(head: number): TieredPanes {
    return [this.#flat.empty(head), null];
  }
  head([fine]: TieredPanes): number {
    return this.#flat.head(fine);
  }
  next([fine]: TieredPanes): number {
    return this.#flat.next(fine);
  }
  setNext([fine]: TieredPanes, pane: number): void {
    this.#flat.setNext(fine, pane);
  }
  add(tiers: TieredPanes, pane: number, value: Value): TieredPanes {
    const { measures } = this.#additive;
    addToTiers(tiers, this.#spec, pane, 1);
    for (let m = 0; m < measures; m++) {
      addToTiers(tiers, this.#spec, pane, this.#additive.amount(value, m), m + 1);
    }
    return tiers;
  }
  advance(tiers: TieredPanes, head: number): TieredPanes {
    advanceTiers(tiers, this.#spec, head);
    return tiers;
  }
  window([fine]: TieredPanes): Result | undefined {
    return this.#flat.window(fine);
  }
  between(tiers: TieredPanes, from: number, to: number): Result | undefined {
    return summed(this.#additive, (measure) => sumOfTiers(tiers, this.#spec, from, to, measure));
  }
  holdsFrom([fine]: TieredPanes, from: number): boolean {
    return this.#flat.holdsFrom(fine, from);
  }
  ahead([fine]: TieredPanes): number | undefined {
    return this.#flat.ahead(fine);
  }
  newest([fine]: TieredPanes): number | undefined {
    return this.#flat.newest(fine);
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
