/** Two 32-bit halves an entry; the pair (0, 0) is an empty slot. */
interface Table {
  slots: Uint32Array;
  size: number;
}

/** Plain data: slots as bytes in little-endian order. */
export interface SeenState {
  readonly turned: number;
  readonly young: readonly [slots: Uint8Array, size: number];
  readonly old: readonly [slots: Uint8Array, size: number];
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

const bytesOf = (slots: Uint32Array): Uint8Array => {
  const out = new DataView(new ArrayBuffer(slots.length * 4));
  for (let i = 0; i < slots.length; i += 1) out.setUint32(i * 4, slots[i] ?? 0, true);
  return new Uint8Array(out.buffer);
};

function slotsOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const slots = new Uint32Array(bytes.byteLength / 4);
  for (let i = 0; i < slots.length; i += 1) slots[i] = view.getUint32(i * 4, true);
  return slots;
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
    return before;
  }

  #turn(now: number): void {
    const turned = Math.floor(now / this.#window);
    if (turned <= this.#turned && this.#young.size < this.#half) return;
    // When a whole window was skipped, even the younger generation holds nothing of this one.
    this.#old = turned > this.#turned + 1 ? emptyTable() : this.#young;
    this.#young = emptyTable();
    this.#turned = turned;
  }

  snapshot(): SeenState {
    return {
      turned: this.#turned,
      young: [bytesOf(this.#young.slots), this.#young.size],
      old: [bytesOf(this.#old.slots), this.#old.size],
    };
  }

  restore(state: SeenState): void {
    this.#turned = state.turned;
    this.#young = { slots: slotsOf(state.young[0]), size: state.young[1] };
    this.#old = { slots: slotsOf(state.old[0]), size: state.old[1] };
  }
}

/** MurmurHash3 x86 32 over UTF-16 code units, one a step. */
function fingerprint(text: string, seed: number, multiplier: number): number {
  let h = seed | 0;
  for (let i = 0; i < text.length; i += 1) {
    const k = Math.imul(text.charCodeAt(i) ^ (i << 16), 0xcc9e2d51);
    h ^= Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  h ^= text.length;
  h = Math.imul(h ^ (h >>> 16), multiplier);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
