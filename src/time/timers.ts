import { DueOrder, grown, mixed, NONE, read } from "./due-order.ts";
import { type EventTime, earliest, eventTime, latest, MAX_TIME, MIN_TIME } from "./event-time.ts";
import { type KeyTimer, SleepingTimers } from "./sleeping-timers.ts";
import { requireVersion } from "./snapshot-version.ts";

export interface PendingTimer extends KeyTimer {
  readonly key: string;
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
/** Owner of the slot that stands for the timers of a key that sleeps: comes before every operator. */
const ASLEEP = -1;
/** Fewer are no smaller asleep. */
const LEAST_ASLEEP = 2;

/** FNV-1a over UTF-16 code units, going on from `from`. */
function hashText(from: number, text: string): number {
  let hash = from;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

const earliestOf = (timers: readonly KeyTimer[]): EventTime =>
  timers.reduce((first, { at }) => earliest(first, at), MAX_TIME);

/** Whether it makes the timers of a key smaller, and they lie no farther apart than can be told. */
function canSleep(timers: readonly KeyTimer[]): boolean {
  if (timers.length < LEAST_ASLEEP) return false;
  const last = timers.reduce((most, { at }) => latest(most, at), MIN_TIME);
  return Number.isSafeInteger(last - earliestOf(timers));
}

/**
 * Pending timers of all operators and keys of one key group, one per (owner, key, name), taken in
 * (at, key, owner, name) order with strings compared by UTF-16 code units.
 *
 * A timer is a slot in parallel columns: `DueOrder` knows the order of slots, one chained hash table
 * finds a timer and one all timers of a key. Removal is indexed, so there are no dead entries. About
 * 90 bytes a timer (at most twice that after growing) beside the caller's own strings.
 *
 * The timers of a key that nobody is about to ask for can sleep: they are some 8 bytes each, and one
 * slot stands for them at the time of the earliest. They wake when that is due or somebody asks.
 */
export class Timers {
  /** Slots that have a time. */
  #count = 0;
  /** Owners are below it. */
  #owners = 0;
  readonly #asleep = new SleepingTimers();
  /** Known not to sleep: most calls that follow each other are about one key. */
  #awake: string | undefined;
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
    return this.#count - this.#asleep.keys + this.#asleep.count;
  }

  /** Sets the timer, or moves it when it is pending. */
  set(owner: number, key: string, name: string, at: EventTime): void {
    this.#wake(key);
    this.#set(owner, key, name, at);
  }
  #set(owner: number, key: string, name: string, at: EventTime): void {
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
    this.#wake(key);
    const slot = this.#lookUp(owner, key, name);
    return slot === NONE || slot === this.#fired
      ? undefined
      : (this.#order.timeOf(slot) as EventTime);
  }

  clear(owner: number, key: string, name: string): void {
    this.#wake(key);
    const slot = this.#lookUp(owner, key, name);
    if (slot === NONE) return;
    this.#remove(slot);
    this.#shrink();
  }

  clearKey(owner: number, key: string): void {
    this.#wake(key);
    for (const slot of this.#slotsOf(owner, key)) this.#remove(slot);
    this.#shrink();
  }

  /** Call it when nobody is about to ask for timers of the key. Which sleep never shows. */
  sleep(key: string): void {
    if (this.#asleep.has(key)) return;
    this.#forgetFired();
    const slots = this.#allSlotsOf(key);
    const timers = slots.map((slot) => this.#timer(slot));
    if (!canSleep(timers)) return;
    for (const slot of slots) this.#remove(slot);
    this.#putAsleep(key, timers);
    this.#shrink();
  }

  /** Sets these timers of a key, asleep, instead of all that it had. */
  replace(key: string, timers: readonly KeyTimer[]): void {
    this.#wake(key);
    this.#forgetFired();
    for (const slot of this.#allSlotsOf(key)) this.#remove(slot);
    if (canSleep(timers)) this.#putAsleep(key, timers);
    else for (const { owner, name, at } of timers) this.#set(owner, key, name, at);
  }

  #putAsleep(key: string, timers: readonly KeyTimer[]): void {
    const first = earliestOf(timers);
    this.#asleep.put(key, first, timers);
    this.#set(ASLEEP, key, "", first);
    if (this.#awake === key) this.#awake = undefined;
  }

  #wake(key: string): void {
    if (key === this.#awake) return;
    this.#awake = key;
    if (!this.#asleep.has(key)) return;
    this.#forgetFired();
    const timers = this.#sleepersOf(key);
    this.#asleep.delete(key);
    this.#remove(this.#lookUp(ASLEEP, key, ""));
    for (const { owner, name, at } of timers) this.#set(owner, key, name, at);
  }
  #sleepersOf(key: string): KeyTimer[] {
    const slot = this.#lookUp(ASLEEP, key, "");
    return this.#asleep.get(key, this.#order.timeOf(slot) as EventTime);
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
    this.#wake(this.peekKey() as string);
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
    this.#wake(key);
    this.#forgetFired();
    for (const slot of this.#slotsOf(owner, key)) {
      yield [this.#name[slot] as string, this.#order.timeOf(slot) as EventTime];
    }
  }

  /** Every timer of a key by owner; those that sleep go on sleeping. */
  allOf(key: string): readonly KeyTimer[] {
    this.#forgetFired();
    if (this.#asleep.has(key)) return this.#sleepersOf(key);
    return this.#allSlotsOf(key).map((slot) => this.#timer(slot));
  }

  /** Every key that has timers, some more than once. */
  *keys(): Generator<string> {
    for (const slot of this.#slots()) yield this.#key[slot] as string;
  }

  /** Plain data in firing order: the same timers give the same snapshot, however they were set. */
  snapshot(): unknown {
    for (const key of [...this.keys()]) this.#wake(key);
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

  /** Of one operator, behind what is in `slots` already. */
  #slotsOf(owner: number, key: string, slots: number[] = []): number[] {
    let slot = this.#firstOfKey(owner, key);
    for (; slot !== NONE; slot = read(this.#keyNext, slot)) {
      if (read(this.#owner, slot) === owner && this.#key[slot] === key) slots.push(slot);
    }
    return slots;
  }
  #allSlotsOf(key: string): number[] {
    const slots: number[] = [];
    for (let owner = 0; owner < this.#owners; owner++) this.#slotsOf(owner, key, slots);
    return slots;
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
    this.#owners = Math.max(this.#owners, owner + 1);
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
    for (const { owner, key, name, at } of kept) this.#set(owner, key, name, at);
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
