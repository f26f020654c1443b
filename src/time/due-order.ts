/** No slot. */
export const NONE = -1;
/** What `#place` says of a slot that stands for no ring: it is in a ring, in the run, or nowhere. */
const MEMBER = -1;
const RUNNING = -2;
const NOWHERE = -3;

/** Numbers by slot; reads outside do not happen, so they need no check. */
type Column = Int32Array | Float64Array;
export const read = (column: Column, slot: number): number => column[slot] as number;

export function grown<C extends Column>(column: C, capacity: number): C {
  const Kind = column.constructor as new (length: number) => C;
  const wider = new Kind(capacity);
  wider.set(column);
  return wider;
}

/** Spreads what the low bits of a hash lack; tables use the low ones. */
export function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x7feb352d);
  return h ^ (h >>> 15);
}

/** Of whole milliseconds, which need more than 32 bits. */
function hashTime(at: number): number {
  const high = Math.floor(at / 0x1_0000_0000);
  return mixed((at - high * 0x1_0000_0000) ^ Math.imul(high, 0x85ebca6b));
}

/**
 * Slots in the order of their times; those of one time in the order of `before`, which is asked when
 * their turn has come and not earlier. Slots of one time form a ring: the one it is entered by
 * stands for them in a heap of times and in a table by time. So many that fall due together, as the
 * windows of all keys do, cost neither a place in the heap each nor its comparisons; and as each
 * firing sets the next one, most come to their ring in order, so that sorting is one look at each.
 */
export class DueOrder {
  readonly #before: (a: number, b: number) => boolean;
  #at: Float64Array;
  /** Neighbours in the ring. */
  #next: Int32Array;
  #previous: Int32Array;
  /** Place in `#heap` of a slot that stands for its ring. */
  #place: Int32Array;
  #heap: Int32Array;
  #rings = 0;
  /** Rings by time, chained. */
  #heads: Int32Array;
  #along: Int32Array;
  /** The ring used last. */
  #recent = NONE;
  /** The ring whose turn has come, without its table entry and place in the heap: the first last. */
  #run: number[] = [];
  /** How many of the run have not been taken. */
  #left = 0;
  #runTime = 0;

  /** `before`: of two slots of one time. */
  constructor(capacity: number, before: (a: number, b: number) => boolean) {
    this.#before = before;
    this.#at = new Float64Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#place = new Int32Array(capacity).fill(NOWHERE);
    this.#heap = new Int32Array(capacity);
    this.#heads = new Int32Array(capacity).fill(NONE);
    this.#along = new Int32Array(capacity);
  }

  grow(capacity: number): void {
    const before = this.#at.length;
    this.#at = grown(this.#at, capacity);
    this.#next = grown(this.#next, capacity);
    this.#previous = grown(this.#previous, capacity);
    this.#place = grown(this.#place, capacity).fill(NOWHERE, before);
    this.#heap = grown(this.#heap, capacity);
    this.#along = grown(this.#along, capacity);
    this.#heads = new Int32Array(capacity).fill(NONE);
    for (let i = 0; i < this.#rings; i++) this.#file(read(this.#heap, i));
  }

  holds(slot: number): boolean {
    return this.#place[slot] !== NOWHERE;
  }
  timeOf(slot: number): number {
    return read(this.#at, slot);
  }
  /** Undefined when nothing is in it. */
  firstTime(): number | undefined {
    if (this.#left > 0) return read(this.#at, this.#run[this.#left - 1] as number);
    return this.#rings === 0 ? undefined : read(this.#at, read(this.#heap, 0));
  }
  /** Only while something is in it. */
  first(): number {
    if (this.#left === 0) this.#startRun();
    return this.#run[this.#left - 1] as number;
  }
  takeFirst(): number {
    const slot = this.first();
    this.#left--;
    this.#place[slot] = NOWHERE;
    return slot;
  }

  /** Puts a slot in that is not in it. */
  insert(slot: number, at: number): void {
    this.#at[slot] = at;
    if (this.#left > 0 && at <= this.#runTime) {
      this.#place[slot] = RUNNING;
      this.#changeRun(this.#inRun(slot), 0, slot);
      return;
    }
    const ring = this.#ringOf(at);
    if (ring === NONE) {
      this.#next[slot] = slot;
      this.#previous[slot] = slot;
      this.#file(slot);
      this.#recent = slot;
      this.#rise(slot, this.#rings++);
      return;
    }
    const last = read(this.#previous, ring);
    this.#next[last] = slot;
    this.#previous[slot] = last;
    this.#next[slot] = ring;
    this.#previous[ring] = slot;
    this.#place[slot] = MEMBER;
  }

  /** Takes a slot out that is in it. */
  remove(slot: number): void {
    const place = read(this.#place, slot);
    this.#place[slot] = NOWHERE;
    if (place === RUNNING) {
      this.#changeRun(this.#inRun(slot), 1);
      return;
    }
    const next = read(this.#next, slot);
    const previous = read(this.#previous, slot);
    this.#next[previous] = next;
    this.#previous[next] = previous;
    if (place === MEMBER) return;
    this.#unfile(slot);
    if (next === slot) this.#leaveHeap(place);
    else {
      this.#file(next);
      this.#put(place, next);
      this.#recent = next;
    }
  }

  /** The first ring becomes the run, sorted. */
  #startRun(): void {
    const entry = read(this.#heap, 0);
    this.#unfile(entry);
    this.#leaveHeap(0);
    const run: number[] = [];
    let slot = entry;
    do {
      this.#place[slot] = RUNNING;
      run.push(slot);
      slot = read(this.#next, slot);
    } while (slot !== entry);
    this.#runTime = read(this.#at, entry);
    this.#run = run.length > 1 ? run.sort((a, b) => (this.#before(a, b) ? 1 : -1)) : run;
    this.#left = run.length;
  }

  /** What was taken lies behind what is left, and is dropped first. */
  #changeRun(from: number, gone: number, ...added: number[]): void {
    this.#run.length = this.#left;
    this.#run.splice(from, gone, ...added);
    this.#left = this.#run.length;
  }

  /** Where a slot stands or belongs in the run, in which earlier times may have come too. */
  #inRun(slot: number): number {
    const at = read(this.#at, slot);
    let low = 0;
    let high = this.#left;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#run[middle] as number;
      const otherAt = read(this.#at, other);
      const later = otherAt === at ? this.#before(slot, other) : at < otherAt;
      if (later) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #ringOf(at: number): number {
    const recent = this.#recent;
    if (recent !== NONE && read(this.#place, recent) >= 0 && read(this.#at, recent) === at) {
      return recent;
    }
    let ring = read(this.#heads, hashTime(at) & (this.#heads.length - 1));
    while (ring !== NONE && read(this.#at, ring) !== at) ring = read(this.#along, ring);
    this.#recent = ring;
    return ring;
  }

  #file(ring: number): void {
    const bucket = hashTime(read(this.#at, ring)) & (this.#heads.length - 1);
    this.#along[ring] = read(this.#heads, bucket);
    this.#heads[bucket] = ring;
  }

  #unfile(ring: number): void {
    const bucket = hashTime(read(this.#at, ring)) & (this.#heads.length - 1);
    const following = read(this.#along, ring);
    let at = read(this.#heads, bucket);
    if (at === ring) {
      this.#heads[bucket] = following;
      return;
    }
    while (read(this.#along, at) !== ring) at = read(this.#along, at);
    this.#along[at] = following;
  }

  #leaveHeap(hole: number): void {
    this.#rings--;
    if (hole === this.#rings) return;
    const last = read(this.#heap, this.#rings);
    const parent = (hole - 1) >> 1;
    const up = hole > 0 && read(this.#at, last) < read(this.#at, read(this.#heap, parent));
    if (up) this.#rise(last, hole);
    else this.#sink(last, hole);
  }

  #rise(ring: number, from: number): void {
    const at = read(this.#at, ring);
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = read(this.#heap, parent);
      if (read(this.#at, above) < at) break;
      this.#put(hole, above);
      hole = parent;
    }
    this.#put(hole, ring);
  }

  #sink(ring: number, from: number): void {
    const at = read(this.#at, ring);
    let hole = from;
    for (;;) {
      let child = hole * 2 + 1;
      if (child >= this.#rings) break;
      let below = read(this.#heap, child);
      if (child + 1 < this.#rings) {
        const right = read(this.#heap, child + 1);
        if (read(this.#at, right) < read(this.#at, below)) {
          below = right;
          child++;
        }
      }
      if (at < read(this.#at, below)) break;
      this.#put(hole, below);
      hole = child;
    }
    this.#put(hole, ring);
  }

  #put(place: number, ring: number): void {
    this.#heap[place] = ring;
    this.#place[ring] = place;
  }
}
