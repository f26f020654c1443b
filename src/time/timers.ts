import { DueOrder, grown, mixed, NONE, read } from "./due-order.ts";
import { type EventTime, eventTime } from "./event-time.ts";
import { requireVersion } from "./snapshot-version.ts";

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

const SMALLEST = 64;

/** FNV-1a over UTF-16 code units, going on from `from`. */
function hashText(from: number, text: string): number {
  let hash = from;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/**
 * Pending timers of all operators and keys of one key group, one per (owner, key, name), taken in
 * (at, key, owner, name) order with strings compared by UTF-16 code units.
 *
 * A timer is a slot in parallel columns: `DueOrder` knows the order of slots, one chained hash table
 * finds a timer and one all timers of a key. Removal is indexed, so there are no dead entries. About
 * 90 bytes a timer (at most twice that after growing) beside the caller's own strings.
 */
export class Timers {
  #count = 0;
  /** Slots handed out so far; those given back are chained from `#free` by `#next`. */
  #used = 0;
  #free = NONE;
  /** Taken last by `pop` and still in the tables: most timers are set anew as they fire. */
  #fired = NONE;

  #order = this.#newOrder();
  #owner = new Int32Array(SMALLEST);
  #key: string[] = [];
  #name: string[] = [];
  #hash = new Int32Array(SMALLEST);
  #keyHash = new Int32Array(SMALLEST);
  #next = new Int32Array(SMALLEST);
  #keyNext = new Int32Array(SMALLEST);
  #keyPrevious = new Int32Array(SMALLEST);

  #heads = new Int32Array(SMALLEST).fill(NONE);
  #keyHeads = new Int32Array(SMALLEST).fill(NONE);

  /** Most calls that follow each other are about one key: its hash is made once. */
  #lastKey = "";
  #lastKeyHash = hashText(0x811c9dc5, "");

  get size(): number {
    return this.#count;
  }

  /** Sets the timer, or moves it when it is pending. */
  set(owner: number, key: string, name: string, at: EventTime): void {
    let slot = this.#fired;
    if (slot === NONE || !this.#is(slot, owner, key, name)) {
      slot = this.#lookUp(owner, key, name);
      if (slot === NONE) slot = this.#newSlot(owner, key, name);
    }
    if (slot === this.#fired) this.#fired = NONE;
    else if (this.#order.holds(slot)) {
      if (this.#order.timeOf(slot) === at) return;
      this.#order.remove(slot);
      this.#count--;
    }
    this.#order.insert(slot, at);
    this.#count++;
  }

  get(owner: number, key: string, name: string): EventTime | undefined {
    const slot = this.#lookUp(owner, key, name);
    return slot === NONE || slot === this.#fired
      ? undefined
      : (this.#order.timeOf(slot) as EventTime);
  }

  clear(owner: number, key: string, name: string): void {
    const slot = this.#lookUp(owner, key, name);
    if (slot === NONE) return;
    this.#remove(slot);
    this.#shrink();
  }

  clearKey(owner: number, key: string): void {
    let slot = this.#firstOfKey(owner, key);
    while (slot !== NONE) {
      const next = read(this.#keyNext, slot);
      if (read(this.#owner, slot) === owner && this.#key[slot] === key) this.#remove(slot);
      slot = next;
    }
    this.#shrink();
  }

  /** Due time of the earliest timer. */
  peekTime(): EventTime | undefined {
    return this.#order.firstTime() as EventTime | undefined;
  }

  /** The earliest timer that is due at or before `upTo`, removed; undefined when there is none. */
  pop(upTo: EventTime): PendingTimer | undefined {
    const first = this.peekTime();
    if (first === undefined || first > upTo) return undefined;
    this.#forgetFired();
    const slot = this.#order.takeFirst();
    this.#count--;
    this.#fired = slot;
    return this.#timer(slot);
  }

  /** Key of the earliest timer; undefined when there is none. */
  peekKey(): string | undefined {
    return this.#count === 0 ? undefined : this.#key[this.#order.first()];
  }

  /** Name and due time of each of an operator's timers of a key, in no particular order. */
  *ofKey(owner: number, key: string): Generator<readonly [name: string, at: EventTime]> {
    this.#forgetFired();
    let slot = this.#firstOfKey(owner, key);
    while (slot !== NONE) {
      if (read(this.#owner, slot) === owner && this.#key[slot] === key) {
        yield [this.#name[slot] as string, this.#order.timeOf(slot) as EventTime];
      }
      slot = read(this.#keyNext, slot);
    }
  }

  /** The key of every timer, as often as it has timers. */
  *keys(): Generator<string> {
    for (const slot of this.#slots()) yield this.#key[slot] as string;
  }

  /** Plain data in firing order: the same timers give the same snapshot, however they were set. */
  snapshot(): unknown {
    const timeOf = (slot: number): number => this.#order.timeOf(slot);
    const slots = [...this.#slots()].sort(
      (a, b) => timeOf(a) - timeOf(b) || (this.#before(a, b) ? -1 : 1),
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
      at: slots.map(timeOf),
    } satisfies TimersSnapshot;
  }

  static restore(data: unknown): Timers {
    const { version, names, owner, key, name, at } = data as TimersSnapshot;
    requireVersion("timers", version, 1);
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
      at: this.#order.timeOf(slot) as EventTime,
    };
  }

  *#slots(): Generator<number> {
    for (let slot = 0; slot < this.#used; slot++) if (this.#order.holds(slot)) yield slot;
  }

  #is(slot: number, owner: number, key: string, name: string): boolean {
    return (
      read(this.#owner, slot) === owner && this.#name[slot] === name && this.#key[slot] === key
    );
  }

  #lookUp(owner: number, key: string, name: string): number {
    const hash = mixed(hashText(this.#hashOf(owner, key), name));
    let slot = read(this.#heads, hash & (this.#heads.length - 1));
    while (slot !== NONE) {
      if (read(this.#hash, slot) === hash && this.#is(slot, owner, key, name)) return slot;
      slot = read(this.#next, slot);
    }
    return NONE;
  }

  /** Where the chain begins in which all timers of the key are. */
  #firstOfKey(owner: number, key: string): number {
    return read(this.#keyHeads, mixed(this.#hashOf(owner, key)) & (this.#keyHeads.length - 1));
  }

  #hashOf(owner: number, key: string): number {
    if (key !== this.#lastKey) {
      this.#lastKey = key;
      this.#lastKeyHash = hashText(0x811c9dc5, key);
    }
    return Math.imul(this.#lastKeyHash ^ owner, 0x01000193);
  }

  /** A slot in the tables that has no time yet. */
  #newSlot(owner: number, key: string, name: string): number {
    this.#forgetFired();
    let slot = this.#free;
    if (slot !== NONE) this.#free = read(this.#next, slot);
    else {
      if (this.#used === this.#owner.length) this.#grow(this.#owner.length * 2);
      slot = this.#used++;
    }
    const keyHash = this.#hashOf(owner, key);
    this.#owner[slot] = owner;
    this.#key[slot] = key;
    this.#name[slot] = name;
    this.#hash[slot] = mixed(hashText(keyHash, name));
    this.#keyHash[slot] = mixed(keyHash);
    this.#link(slot);
    return slot;
  }

  #grow(capacity: number): void {
    this.#order.grow(capacity);
    this.#owner = grown(this.#owner, capacity);
    this.#hash = grown(this.#hash, capacity);
    this.#keyHash = grown(this.#keyHash, capacity);
    this.#next = grown(this.#next, capacity);
    this.#keyNext = grown(this.#keyNext, capacity);
    this.#keyPrevious = grown(this.#keyPrevious, capacity);
    this.#heads = new Int32Array(capacity).fill(NONE);
    this.#keyHeads = new Int32Array(capacity).fill(NONE);
    for (const slot of this.#slots()) this.#link(slot);
  }

  /** Gives memory back once three quarters of it are unused. */
  #shrink(): void {
    if (this.#owner.length <= 1024 || this.#count * 4 > this.#owner.length) return;
    this.#forgetFired();
    const kept = Array.from(this.#slots(), (slot) => this.#timer(slot));
    this.#count = 0;
    this.#used = 0;
    this.#free = NONE;
    this.#order = this.#newOrder();
    this.#owner = new Int32Array(SMALLEST);
    this.#key = [];
    this.#name = [];
    this.#hash = new Int32Array(SMALLEST);
    this.#keyHash = new Int32Array(SMALLEST);
    this.#next = new Int32Array(SMALLEST);
    this.#keyNext = new Int32Array(SMALLEST);
    this.#keyPrevious = new Int32Array(SMALLEST);
    this.#heads = new Int32Array(SMALLEST).fill(NONE);
    this.#keyHeads = new Int32Array(SMALLEST).fill(NONE);
    for (const { owner, key, name, at } of kept) this.set(owner, key, name, at);
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

  /** The timer that was popped was not set anew: it leaves the tables. */
  #forgetFired(): void {
    if (this.#fired === NONE) return;
    this.#remove(this.#fired);
    this.#shrink();
  }

  #remove(slot: number): void {
    if (slot === this.#fired) this.#fired = NONE;
    else {
      this.#order.remove(slot);
      this.#count--;
    }
    this.#unlink(slot);
    this.#key[slot] = "";
    this.#name[slot] = "";
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  #newOrder(): DueOrder {
    return new DueOrder(SMALLEST, (a, b) => this.#before(a, b));
  }

  /** Of two timers of one time. */
  #before(a: number, b: number): boolean {
    const keyA = this.#key[a] as string;
    const keyB = this.#key[b] as string;
    if (keyA !== keyB) return keyA < keyB;
    const ownerA = read(this.#owner, a);
    const ownerB = read(this.#owner, b);
    if (ownerA !== ownerB) return ownerA < ownerB;
    return (this.#name[a] as string) < (this.#name[b] as string);
  }
}
