import { type EventTime, eventTime } from "./event-time.ts";

export interface PendingTimer {
  /** The operator that set it. */
  readonly owner: number;
  readonly key: string;
  readonly name: string;
  readonly at: EventTime;
}

interface TimersSnapshot {
  readonly version: 1;
  /** Distinct timer names; `name` holds indexes into it. */
  readonly names: readonly string[];
  readonly owner: readonly number[];
  readonly key: readonly string[];
  readonly name: readonly number[];
  readonly at: readonly number[];
}

const NONE = -1;
const SMALLEST = 64;

/** Numbers by slot; reads outside do not happen, so they need no check. */
type Column = Int32Array | Float64Array;
const read = (column: Column, slot: number): number => column[slot] as number;

function grown<C extends Column>(column: C, capacity: number): C {
  const Kind = column.constructor as new (length: number) => C;
  const wider = new Kind(capacity);
  wider.set(column);
  return wider;
}

/** FNV-1a over UTF-16 code units, going on from `from`. */
function hashText(from: number, text: string): number {
  let hash = from;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** Spreads FNV's weak low bits; tables use the low ones. */
function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x7feb352d);
  return h ^ (h >>> 15);
}

/**
 * Pending timers of all operators and keys of one key group, one per (owner, key, name), taken in
 * (at, key, owner, name) order with strings compared by UTF-16 code units.
 *
 * A timer is a slot in parallel columns: a binary heap of slots for the order, one chained hash
 * table to find a timer and one to find all timers of a key. Removal is indexed, so there are no
 * dead entries. About 70 bytes a timer (at most twice that after growing) beside the caller's
 * own strings.
 */
export class Timers {
  #count = 0;
  /** Slots handed out so far; those given back are chained from `#free` by `#next`. */
  #used = 0;
  #free = NONE;

  #at = new Float64Array(SMALLEST);
  #owner = new Int32Array(SMALLEST);
  #key: string[] = [];
  #name: string[] = [];
  #hash = new Int32Array(SMALLEST);
  #keyHash = new Int32Array(SMALLEST);
  #next = new Int32Array(SMALLEST);
  #keyNext = new Int32Array(SMALLEST);
  #keyPrevious = new Int32Array(SMALLEST);
  /** Place of the slot in `#heap`. */
  #place = new Int32Array(SMALLEST);
  #heap = new Int32Array(SMALLEST);

  #heads = new Int32Array(SMALLEST).fill(NONE);
  #keyHeads = new Int32Array(SMALLEST).fill(NONE);

  get size(): number {
    return this.#count;
  }

  /** Sets the timer, or moves it when it is pending. */
  set(owner: number, key: string, name: string, at: EventTime): void {
    const keyHash = hashText(owner | 0, key);
    const hash = mixed(hashText(Math.imul(keyHash ^ 0xff, 0x01000193), name));
    const known = this.#find(hash, owner, key, name);
    if (known !== NONE) {
      this.#at[known] = at;
      this.#settle(read(this.#place, known));
      return;
    }
    const slot = this.#newSlot();
    this.#at[slot] = at;
    this.#owner[slot] = owner;
    this.#key[slot] = key;
    this.#name[slot] = name;
    this.#hash[slot] = hash;
    this.#keyHash[slot] = mixed(keyHash);
    this.#link(slot);
    this.#heap[this.#count] = slot;
    this.#place[slot] = this.#count;
    this.#count++;
    this.#settle(this.#count - 1);
  }

  get(owner: number, key: string, name: string): EventTime | undefined {
    const slot = this.#lookUp(owner, key, name);
    return slot === NONE ? undefined : (read(this.#at, slot) as EventTime);
  }

  clear(owner: number, key: string, name: string): void {
    const slot = this.#lookUp(owner, key, name);
    if (slot === NONE) return;
    this.#remove(slot);
    this.#shrink();
  }

  clearKey(owner: number, key: string): void {
    const keyHash = mixed(hashText(owner | 0, key));
    let slot = read(this.#keyHeads, keyHash & (this.#keyHeads.length - 1));
    while (slot !== NONE) {
      const next = read(this.#keyNext, slot);
      if (read(this.#owner, slot) === owner && this.#key[slot] === key) this.#remove(slot);
      slot = next;
    }
    this.#shrink();
  }

  /** Due time of the earliest timer. */
  peekTime(): EventTime | undefined {
    return this.#count === 0 ? undefined : (read(this.#at, read(this.#heap, 0)) as EventTime);
  }

  /** The earliest timer that is due at or before `upTo`, removed; undefined when there is none. */
  pop(upTo: EventTime): PendingTimer | undefined {
    const first = this.peekTime();
    if (first === undefined || first > upTo) return undefined;
    const slot = read(this.#heap, 0);
    const timer = this.#timer(slot);
    this.#remove(slot);
    this.#shrink();
    return timer;
  }

  /** Key of the earliest timer; undefined when there is none. */
  peekKey(): string | undefined {
    return this.#count === 0 ? undefined : this.#key[read(this.#heap, 0)];
  }

  /** Name and due time of each of an operator's timers of a key, in no particular order. */
  *ofKey(owner: number, key: string): Generator<readonly [name: string, at: EventTime]> {
    const keyHash = mixed(hashText(owner | 0, key));
    let slot = read(this.#keyHeads, keyHash & (this.#keyHeads.length - 1));
    while (slot !== NONE) {
      if (read(this.#owner, slot) === owner && this.#key[slot] === key) {
        yield [this.#name[slot] as string, read(this.#at, slot) as EventTime];
      }
      slot = read(this.#keyNext, slot);
    }
  }

  /** The key of every timer, as often as it has timers. */
  *keys(): Generator<string> {
    for (let i = 0; i < this.#count; i++) yield this.#key[read(this.#heap, i)] as string;
  }

  /** Plain data in firing order: the same timers give the same snapshot, however they were set. */
  snapshot(): unknown {
    const slots = Array.from(this.#heap.subarray(0, this.#count)).sort((a, b) =>
      this.#before(a, b) ? -1 : 1,
    );
    const indexes = new Map<string, number>();
    const name = slots.map((slot) => {
      const text = this.#name[slot] as string;
      const index = indexes.get(text) ?? indexes.size;
      indexes.set(text, index);
      return index;
    });
    return {
      version: 1,
      names: [...indexes.keys()],
      owner: slots.map((slot) => read(this.#owner, slot)),
      key: slots.map((slot) => this.#key[slot] as string),
      name,
      at: slots.map((slot) => read(this.#at, slot)),
    } satisfies TimersSnapshot;
  }

  static restore(data: unknown): Timers {
    const { version, names, owner, key, name, at } = data as TimersSnapshot;
    if (version !== 1) throw new Error(`timers of unknown version ${version}`);
    const timers = new Timers();
    for (const [i, due] of at.entries()) {
      const text = names[name[i] ?? NONE];
      const keyText = key[i];
      const by = owner[i];
      if (text === undefined || keyText === undefined || by === undefined) {
        throw new Error(`timer ${i} of the snapshot is incomplete`);
      }
      timers.set(by, keyText, text, eventTime(due));
    }
    return timers;
  }

  #timer(slot: number): PendingTimer {
    return {
      owner: read(this.#owner, slot),
      key: this.#key[slot] as string,
      name: this.#name[slot] as string,
      at: read(this.#at, slot) as EventTime,
    };
  }

  #lookUp(owner: number, key: string, name: string): number {
    const keyHash = hashText(owner | 0, key);
    const hash = mixed(hashText(Math.imul(keyHash ^ 0xff, 0x01000193), name));
    return this.#find(hash, owner, key, name);
  }

  #find(hash: number, owner: number, key: string, name: string): number {
    let slot = read(this.#heads, hash & (this.#heads.length - 1));
    while (slot !== NONE) {
      if (
        read(this.#hash, slot) === hash &&
        read(this.#owner, slot) === owner &&
        this.#name[slot] === name &&
        this.#key[slot] === key
      ) {
        return slot;
      }
      slot = read(this.#next, slot);
    }
    return NONE;
  }

  #newSlot(): number {
    if (this.#free !== NONE) {
      const slot = this.#free;
      this.#free = read(this.#next, slot);
      return slot;
    }
    if (this.#used === this.#at.length) this.#grow(this.#at.length * 2);
    return this.#used++;
  }

  #grow(capacity: number): void {
    this.#at = grown(this.#at, capacity);
    this.#owner = grown(this.#owner, capacity);
    this.#hash = grown(this.#hash, capacity);
    this.#keyHash = grown(this.#keyHash, capacity);
    this.#next = grown(this.#next, capacity);
    this.#keyNext = grown(this.#keyNext, capacity);
    this.#keyPrevious = grown(this.#keyPrevious, capacity);
    this.#place = grown(this.#place, capacity);
    this.#heap = grown(this.#heap, capacity);
    this.#heads = new Int32Array(capacity).fill(NONE);
    this.#keyHeads = new Int32Array(capacity).fill(NONE);
    for (let i = 0; i < this.#count; i++) this.#link(read(this.#heap, i));
  }

  /** Gives memory back once three quarters of it are unused. */
  #shrink(): void {
    if (this.#at.length <= 1024 || this.#count * 4 > this.#at.length) return;
    const smaller = new Timers();
    for (let i = 0; i < this.#count; i++) {
      const timer = this.#timer(read(this.#heap, i));
      smaller.set(timer.owner, timer.key, timer.name, timer.at);
    }
    this.#used = smaller.#used;
    this.#free = smaller.#free;
    this.#at = smaller.#at;
    this.#owner = smaller.#owner;
    this.#key = smaller.#key;
    this.#name = smaller.#name;
    this.#hash = smaller.#hash;
    this.#keyHash = smaller.#keyHash;
    this.#next = smaller.#next;
    this.#keyNext = smaller.#keyNext;
    this.#keyPrevious = smaller.#keyPrevious;
    this.#place = smaller.#place;
    this.#heap = smaller.#heap;
    this.#heads = smaller.#heads;
    this.#keyHeads = smaller.#keyHeads;
  }

  #link(slot: number): void {
    const bucket = read(this.#hash, slot) & (this.#heads.length - 1);
    this.#next[slot] = read(this.#heads, bucket);
    this.#heads[bucket] = slot;
    const keyBucket = read(this.#keyHash, slot) & (this.#keyHeads.length - 1);
    const head = read(this.#keyHeads, keyBucket);
    this.#keyNext[slot] = head;
    this.#keyPrevious[slot] = NONE;
    if (head !== NONE) this.#keyPrevious[head] = slot;
    this.#keyHeads[keyBucket] = slot;
  }

  #unlink(slot: number): void {
    const bucket = read(this.#hash, slot) & (this.#heads.length - 1);
    const following = read(this.#next, slot);
    let at = read(this.#heads, bucket);
    if (at === slot) this.#heads[bucket] = following;
    else {
      while (read(this.#next, at) !== slot) at = read(this.#next, at);
      this.#next[at] = following;
    }
    const next = read(this.#keyNext, slot);
    const previous = read(this.#keyPrevious, slot);
    if (next !== NONE) this.#keyPrevious[next] = previous;
    if (previous !== NONE) this.#keyNext[previous] = next;
    else this.#keyHeads[read(this.#keyHash, slot) & (this.#keyHeads.length - 1)] = next;
  }

  #remove(slot: number): void {
    this.#unlink(slot);
    const hole = read(this.#place, slot);
    this.#count--;
    if (hole !== this.#count) {
      const last = read(this.#heap, this.#count);
      this.#heap[hole] = last;
      this.#place[last] = hole;
      this.#settle(hole);
    }
    this.#key[slot] = "";
    this.#name[slot] = "";
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  #before(a: number, b: number): boolean {
    const atA = read(this.#at, a);
    const atB = read(this.#at, b);
    if (atA !== atB) return atA < atB;
    const keyA = this.#key[a] as string;
    const keyB = this.#key[b] as string;
    if (keyA !== keyB) return keyA < keyB;
    const ownerA = read(this.#owner, a);
    const ownerB = read(this.#owner, b);
    if (ownerA !== ownerB) return ownerA < ownerB;
    return (this.#name[a] as string) < (this.#name[b] as string);
  }

  /** Moves the entry at `from` up or down to where it belongs. */
  #settle(from: number): void {
    const slot = read(this.#heap, from);
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = read(this.#heap, parent);
      if (!this.#before(slot, above)) break;
      this.#put(hole, above);
      hole = parent;
    }
    if (hole === from) hole = this.#sift(slot, hole);
    this.#put(hole, slot);
  }

  #sift(slot: number, from: number): number {
    let hole = from;
    for (;;) {
      let child = hole * 2 + 1;
      if (child >= this.#count) return hole;
      const right = child + 1;
      if (right < this.#count && this.#before(read(this.#heap, right), read(this.#heap, child))) {
        child = right;
      }
      const below = read(this.#heap, child);
      if (!this.#before(below, slot)) return hole;
      this.#put(hole, below);
      hole = child;
    }
  }

  #put(place: number, slot: number): void {
    this.#heap[place] = slot;
    this.#place[slot] = place;
  }
}
