import type { Aggregate } from "./aggregate.ts";
import type { EventTime } from "./event-time.ts";

/** What one pane holds. */
type Slice<Acc> = [pane: number, acc: Acc];

/**
 * Panes of one key for aggregates that cannot be subtracted, as plain data. The window is
 * `(head - panes, head]`; `front` and `back` are the two stacks that make a queue: each entry of
 * `front` is the merge of its pane and all later ones up to `turn`, `back` is the merge of the
 * panes in `(turn, head]`.
 */
export interface TwoStacks<Acc> {
  /** Sorted by pane; also those ahead of the head, and behind the window while they are kept. */
  slices: Slice<Acc>[];
  front: Slice<Acc>[];
  back: Acc | null;
  turn: number;
  head: number;
  /** The owner's number, which nothing here looks at. */
  next: number;
}

export const emptyStacks = <Acc>(head: number): TwoStacks<Acc> => ({
  slices: [],
  front: [],
  back: null,
  turn: head,
  head,
  next: head,
});

/** The first pane, from `from` on, that holds anything. */
export const occupiedFrom = <Acc>({ slices }: TwoStacks<Acc>, from: number): number | undefined =>
  slices[firstAt(slices, from)]?.[0];

/** Index of the first entry whose pane is at least `pane`. */
function firstAt<Acc>(entries: readonly Slice<Acc>[], pane: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as Slice<Acc>)[0] < pane) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Two-stacks over panes of a fixed number in the window. */
export class PaneStacks<Value, Acc> {
  readonly #aggregate: Aggregate<Value, Acc, unknown>;
  readonly #panes: number;
  /** Panes kept behind the window. */
  readonly #keep: number;

  constructor(aggregate: Aggregate<Value, Acc, unknown>, panes: number, keep: number) {
    this.#aggregate = aggregate;
    this.#panes = panes;
    this.#keep = keep;
  }

  /** An element costs O(1) in the head's pane or ahead of it, O(panes) when it comes late. */
  add(stacks: TwoStacks<Acc>, pane: number, value: Value, at: EventTime): void {
    const { slices, front, head, turn } = stacks;
    this.#addTo(slices, pane, value, at);
    if (pane > head || pane <= head - this.#panes) return;
    if (pane > turn) {
      stacks.back = this.#aggregate.add(stacks.back ?? this.#aggregate.init(), value, at);
      return;
    }
    // Entries up to this pane hold it; a pane without an entry begins as what follows it.
    const place = firstAt(front, pane);
    if (front[place]?.[0] !== pane) {
      const following = front[place];
      front.splice(place, 0, [pane, this.#copy(following === undefined ? null : following[1])]);
    }
    for (let i = 0; i <= place; i++) {
      const entry = front[i] as Slice<Acc>;
      entry[1] = this.#aggregate.add(entry[1], value, at);
    }
  }

  /** Moves the window on to end with pane `to`: amortised O(1) for each pane that holds anything. */
  advance(stacks: TwoStacks<Acc>, to: number): void {
    if (to <= stacks.head) return;
    const { slices } = stacks;
    const oldest = to - this.#panes + 1;
    for (let i = firstAt(slices, stacks.head + 1); i < slices.length; i++) {
      const [pane, acc] = slices[i] as Slice<Acc>;
      if (pane > to) break;
      stacks.back = this.#aggregate.merge(stacks.back ?? this.#aggregate.init(), acc);
    }
    stacks.head = to;
    const gone = firstAt(stacks.front, oldest);
    if (gone > 0) stacks.front.splice(0, gone);
    if (stacks.front.length === 0 && stacks.back !== null) this.#turnOver(stacks, oldest);
    const forgotten = firstAt(slices, oldest - this.#keep);
    if (forgotten > 0) slices.splice(0, forgotten);
  }

  /** The merge of the window; null when nothing is in it. */
  window(stacks: TwoStacks<Acc>): Acc | null {
    const [first] = stacks.front;
    if (first === undefined) return stacks.back === null ? null : this.#copy(stacks.back);
    const acc = this.#copy(first[1]);
    return stacks.back === null ? acc : this.#aggregate.merge(acc, stacks.back);
  }

  /** The merge of panes `from` to `to`, both included; null when nothing is in them. */
  between(stacks: TwoStacks<Acc>, from: number, to: number): Acc | null {
    let acc: Acc | null = null;
    for (let i = firstAt(stacks.slices, from); i < stacks.slices.length; i++) {
      const [pane, held] = stacks.slices[i] as Slice<Acc>;
      if (pane > to) break;
      acc = this.#aggregate.merge(acc ?? this.#aggregate.init(), held);
    }
    return acc;
  }

  /** The back becomes the front: every entry holds its pane and all after it. */
  #turnOver(stacks: TwoStacks<Acc>, oldest: number): void {
    const { slices, head } = stacks;
    const front: Slice<Acc>[] = [];
    let after: Acc | null = null;
    for (let i = firstAt(slices, head + 1) - 1; i >= 0; i--) {
      const [pane, acc] = slices[i] as Slice<Acc>;
      if (pane < oldest) break;
      const merged: Acc = this.#copy(acc);
      after = after === null ? merged : this.#aggregate.merge(merged, after);
      front.push([pane, after]);
      after = this.#copy(after);
    }
    stacks.front = front.reverse();
    stacks.back = null;
    stacks.turn = head;
  }

  #addTo(slices: Slice<Acc>[], pane: number, value: Value, at: EventTime): void {
    const last = slices.at(-1);
    const place = last === undefined || last[0] < pane ? slices.length : firstAt(slices, pane);
    const slice = slices[place];
    if (slice !== undefined && slice[0] === pane) {
      slice[1] = this.#aggregate.add(slice[1], value, at);
    } else {
      slices.splice(place, 0, [pane, this.#aggregate.add(this.#aggregate.init(), value, at)]);
    }
  }

  #copy(acc: Acc | null): Acc {
    const fresh = this.#aggregate.init();
    return acc === null ? fresh : this.#aggregate.merge(fresh, acc);
  }
}
