import { MsgpackWriter } from "../codec/msgpack-writer.ts";
import type { KeyedRows } from "../state/keyed-rows.ts";
import { packed, unpacked } from "../state/packed.ts";
import type { Cut, Part } from "../state/part.ts";
import type { CommonSize } from "../state/row-coder.ts";
import { eventTime } from "../time/event-time.ts";
import type { KeyTimer } from "../time/sleeping-timers.ts";
import type { Timers } from "../time/timers.ts";

/** `[key, bytes of the row or null, timers: owner, name, due time, owner, …]`; both empty: forgotten. */
type Entry = readonly [key: string, row: Uint8Array | null, timers: readonly (string | number)[]];
/** What the bytes of rows have in common, as far as no earlier entry of the chain has told it. */
type CommonEntry = readonly [key: null, names: readonly string[], dictionary: Uint8Array];

const NOTHING: CommonSize = { names: 0, dictionary: 0 };

/**
 * Rows and timers of the keys of one group. A key that is about to change while a cut is being
 * drawn is encoded first, so that processing need not wait for the cut.
 */
export class RowsPart implements Part {
  readonly name = "rows";
  readonly #rows: KeyedRows;
  readonly #timers: Timers;
  readonly #writer = new MsgpackWriter();
  #changed = new Set<string>();
  /** Keys of the cut that is being drawn which are not encoded yet. */
  #held: Set<string> | undefined;
  #ahead: Uint8Array[] = [];
  /** What the entries so far have told of what rows have in common. */
  #told = NOTHING;

  constructor(rows: KeyedRows, timers: Timers) {
    this.#rows = rows;
    this.#timers = timers;
    rows.beforeChange = (key) => this.touch(key);
  }

  /** Call it before the row or a timer of a key changes. */
  touch(key: string): void {
    if (this.#held?.delete(key) === true) this.#ahead.push(this.#entry(key).slice());
    this.#changed.add(key);
  }

  relearn(): void {
    this.#rows.relearn();
  }

  cut(whole: boolean): Cut {
    const held = whole ? new Set([...this.#rows.keys(), ...this.#timers.keys()]) : this.#changed;
    this.#changed = new Set();
    this.#held = held;
    this.#ahead = [];
    if (whole) this.#told = NOTHING;
    return { keepFrom: 0, pieces: () => packed(this.#drawn(held), 0) };
  }

  *#drawn(held: Set<string>): Generator<Uint8Array> {
    for (const key of held) {
      held.delete(key);
      yield this.#entry(key);
    }
    yield* this.#ahead;
    // Behind the rows: encoding them taught some of it.
    yield* this.#common();
    this.#held = undefined;
    this.#ahead = [];
  }

  *#common(): Generator<Uint8Array> {
    const { names, dictionary } = this.#rows.commonSince(this.#told);
    this.#told = this.#rows.commonSize;
    if (names.length === 0 && dictionary.length === 0) return;
    yield this.#writer.encodeShared([null, names, dictionary] satisfies CommonEntry);
  }

  /** Only there until the next one. */
  #entry(key: string): Uint8Array {
    const timers: (string | number)[] = [];
    for (const { owner, name, at } of this.#timers.allOf(key)) timers.push(owner, name, at);
    return this.#writer.encodeShared([
      key,
      this.#rows.bytesOf(key) ?? null,
      timers,
    ] satisfies Entry);
  }

  restore(bytes: Uint8Array): void {
    for (const value of unpacked(bytes)) {
      const [key, row, timers] = value as Entry | CommonEntry;
      if (key === null) {
        this.#rows.adopt({ names: row, dictionary: timers });
        this.#told = this.#rows.commonSize;
        continue;
      }
      if (row === null) this.#rows.drop(key);
      else this.#rows.put(key, row);
      this.#timers.replace(key, timersOf(timers));
    }
  }
}

function timersOf(flat: readonly (string | number)[]): KeyTimer[] {
  return Array.from({ length: flat.length / 3 }, (_, i) => ({
    owner: flat[3 * i] as number,
    name: flat[3 * i + 1] as string,
    at: eventTime(flat[3 * i + 2] as number),
  }));
}
