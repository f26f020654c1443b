/**
 * Partial matches, or complete ones that wait their turn, ascending by start. A match is a row of
 * four numbers in one flat list (a list for each would be most of what a key costs): its place in
 * the automaton, its newest node in the buffer, the time and the number of its first event. Events
 * come in order, so their numbers order them. All that is empty is one list.
 */
export type Runs = number[];

/** Numbers a row, and where in it they are. */
export const RUN = 4;
export const PLACE = 0;
export const NODE = 1;
export const START_AT = 2;
export const START_SEQ = 3;

export const NO_RUNS: Runs = [];

/** A number of a row that is known to be there. */
export const cell = (rows: readonly number[], index: number): number => rows[index] as number;

/** Whether a match of that newest node is in the list, from row `o` on. */
export function hasNode(runs: Runs, node: number, o = 0): boolean {
  for (let p = o; p < runs.length; p += RUN) {
    if (cell(runs, p + NODE) === node) return true;
  }
  return false;
}

/** Both lists as one; of the same start, those of the first come first. */
export function mergeByStart(first: Runs, second: Runs): Runs {
  if (first.length === 0) return second;
  const merged: number[] = [];
  let p = 0;
  for (let o = 0; o < first.length; o += RUN) {
    while (p < second.length && cell(second, p + START_SEQ) < cell(first, o + START_SEQ)) {
      merged.push(...second.slice(p, p + RUN));
      p += RUN;
    }
    merged.push(...first.slice(o, o + RUN));
  }
  return [...merged, ...second.slice(p)];
}

/** Rows in the making; used again from event to event, so that they cost no garbage. */
export class RunRows {
  readonly #rows: number[] = [];
  #end = 0;

  get isEmpty(): boolean {
    return this.#end === 0;
  }
  clear(): void {
    this.#end = 0;
  }
  /** A match that began as the one at `o` of a list did. */
  add(place: number, node: number, runs: Runs, o: number): void {
    const rows = this.#rows;
    const end = this.#end;
    rows[end] = place;
    rows[end + NODE] = node;
    rows[end + START_AT] = cell(runs, o + START_AT);
    rows[end + START_SEQ] = cell(runs, o + START_SEQ);
    this.#end = end + RUN;
  }
  /** These rows as a list: in place of `before`, where it has room for just them. */
  list(before: Runs = NO_RUNS): Runs {
    if (this.#end === 0) return NO_RUNS;
    if (before.length !== this.#end) return this.#rows.slice(0, this.#end);
    for (let i = 0; i < this.#end; i++) before[i] = cell(this.#rows, i);
    return before;
  }
}
