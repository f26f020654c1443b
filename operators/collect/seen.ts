import { unitAt } from "../../src/codec/unit-at.ts";
import { packed, unpacked } from "../../src/state/packed.ts";
import type { Cut, Part } from "../../src/state/part.ts";
import { encodePlain } from "../../src/state/plain.ts";

/** Two 32-bit halves an entry; the pair (0, 0) is an empty slot. */
interface Table {
  slots: Uint32Array;
  size: number;
}

/** Ids that entered the younger generation of an era, low and high half by turns. */
interface Entered {
  readonly era: number;
  readonly turned: number;
  readonly ids: number[];
}

const SMALLEST = 1024;
const emptyTable = (): Table => ({ slots: new Uint32Array(SMALLEST * 2), size: 0 });

/** Index of the entry's low half, or of the empty slot where it belongs. */
function slotOf(slots: Uint32Array, low: number, high: number): number {
  const mask = slots.length / 2 - 1;
  let at = low & mask;
  for (;;) {
    const a = slots[at * 2] ?? 0;
    const b = slots[at * 2 + 1] ?? 0;
    if ((a === low && b === high) || (a === 0 && b === 0)) return at * 2;
    at = (at + 1) & mask;
  }
}

const has = (table: Table, low: number, high: number): boolean => {
  const at = slotOf(table.slots, low, high);
  return table.slots[at] !== 0 || table.slots[at + 1] !== 0;
};

function grown(slots: Uint32Array): Uint32Array {
  const larger = new Uint32Array(slots.length * 2);
  for (let i = 0; i < slots.length; i += 2) {
    const low = slots[i] ?? 0;
    const high = slots[i + 1] ?? 0;
    if (low === 0 && high === 0) continue;
    const at = slotOf(larger, low, high);
    larger[at] = low;
    larger[at + 1] = high;
  }
  return larger;
}

function put(table: Table, low: number, high: number): void {
  // At most half full, so that a search ends soon.
  if (table.size * 4 >= table.slots.length) table.slots = grown(table.slots);
  const at = slotOf(table.slots, low, high);
  table.slots[at] = low;
  table.slots[at + 1] = high;
  table.size += 1;
}

/** Ids a stored entry holds at the most. */
const IDS_AN_ENTRY = 16_384;

/** `[era, number of the window it began in, ids in little-endian order]` */
type Entry = readonly [era: number, turned: number, ids: Uint8Array];

function entryOf(era: number, turned: number, ids: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(ids.length * 4));
  for (let i = 0; i < ids.length; i += 1) view.setUint32(i * 4, ids[i] ?? 0, true);
  return encodePlain([era, turned, new Uint8Array(view.buffer)] satisfies Entry);
}

/** The entries of a generation; one at least, as it also says when the generation began. */
function* entries(era: number, turned: number, ids: Iterable<number>): Generator<Uint8Array> {
  let some: number[] = [];
  for (const half of ids) {
    some.push(half);
    if (some.length < IDS_AN_ENTRY * 2) continue;
    yield entryOf(era, turned, some);
    some = [];
  }
  yield entryOf(era, turned, some);
}

function* idsOf(slots: Uint32Array): Generator<number> {
  for (let i = 0; i < slots.length; i += 2) {
    const low = slots[i] ?? 0;
    const high = slots[i + 1] ?? 0;
    if (low === 0 && high === 0) continue;
    yield low;
    yield high;
  }
}

/**
 * Which ids were seen lately, as 64-bit fingerprints (among a million ids, one new id in 2·10¹³ is
 * taken for an old one). Two generations turn when broker time enters the next window or the younger one
 * holds half the bound: an id is remembered for at least the window and at most two, or for at
 * least half the bound of later ids. The log alone decides.
 */
export class Seen {
  readonly #window: number;
  readonly #half: number;
  #young = emptyTable();
  #old = emptyTable();
  /** Number of the window that the younger generation began in. */
  #turned = Number.MIN_SAFE_INTEGER;
  /** Counts generations; one that was skipped counts too. */
  #era = 0;
  /** Kept once a part was asked for: what entered since the last cut, generation by generation. */
  #entered: Entered[] | undefined;

  constructor(windowMs: number, bound: number) {
    this.#window = windowMs;
    this.#half = Math.max(1, Math.floor(bound / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Whether `scope` and `id` were seen within the window; from now on they were. */
  add(scope: string, id: string, now: number): boolean {
    this.#turn(now);
    const seed = fingerprint(scope, 0x9e3779b9, 0x85ebca6b);
    const a = fingerprint(id, seed, 0x85ebca6b);
    const b = fingerprint(id, seed ^ 0x5bd1e995, 0xc2b2ae35);
    const low = a === 0 && b === 0 ? 1 : a;
    if (has(this.#young, low, b)) return true;
    const before = has(this.#old, low, b);
    put(this.#young, low, b);
    this.#entered?.at(-1)?.ids.push(low, b);
    return before;
  }

  #turn(now: number): void {
    const turned = Math.floor(now / this.#window);
    if (turned <= this.#turned && this.#young.size < this.#half) return;
    // When a whole window was skipped, even the younger generation holds nothing of this one.
    this.#begin(this.#era + (turned > this.#turned + 1 ? 2 : 1), turned);
    this.#entered?.push({ era: this.#era, turned, ids: [] });
  }

  #begin(era: number, turned: number): void {
    this.#old = era === this.#era + 1 ? this.#young : emptyTable();
    this.#young = emptyTable();
    this.#era = era;
    this.#turned = turned;
  }

  /** What it remembers, filed under `name`. From the first call on changes are followed. */
  part(name: string): Part {
    this.#entered ??= [this.#present()];
    return { name, cut: (whole) => this.#cut(whole), restore: (bytes) => this.#restore(bytes) };
  }
  #present(): Entered {
    return { era: this.#era, turned: this.#turned, ids: [] };
  }

  #cut(whole: boolean): Cut {
    const era = this.#era;
    const held: { era: number; turned: number; ids: Iterable<number> }[] = whole
      ? [
          // The older generation does not change any more.
          { era: era - 1, turned: this.#turned - 1, ids: idsOf(this.#old.slots) },
          { era, turned: this.#turned, ids: idsOf(this.#young.slots.slice()) },
        ]
      : (this.#entered ?? []);
    this.#entered = [this.#present()];
    return {
      keepFrom: era - 1,
      *pieces() {
        for (const of of held) yield* packed(entries(of.era, of.turned, of.ids), of.era);
      },
    };
  }

  #restore(bytes: Uint8Array): void {
    for (const value of unpacked(bytes)) {
      const [era, turned, ids] = value as Entry;
      if (era !== this.#era) this.#begin(era, turned);
      this.#turned = turned;
      const view = new DataView(ids.buffer, ids.byteOffset, ids.byteLength);
      for (let i = 0; i < ids.length; i += 8) {
        const low = view.getUint32(i, true);
        const high = view.getUint32(i + 4, true);
        if (!has(this.#young, low, high)) put(this.#young, low, high);
      }
    }
    this.#entered = [this.#present()];
  }
}

/** MurmurHash3 x86 32 over UTF-16 code units, one a step. */
function fingerprint(text: string, seed: number, multiplier: number): number {
  let h = seed | 0;
  for (let i = 0; i < text.length; i += 1) {
    const k = Math.imul(unitAt(text, i) ^ (i << 16), 0xcc9e2d51);
    h ^= Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  h ^= text.length;
  h = Math.imul(h ^ (h >>> 16), multiplier);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
