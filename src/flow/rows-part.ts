import { MsgpackWriter } from "../codec/msgpack-writer.ts";
import type { KeyedRows } from "../state/keyed-rows.ts";
import { packed, unpacked } from "../state/packed.ts";
import type { Cut, Part } from "../state/part.ts";
import { eventTime } from "../time/event-time.ts";
import type { Timers } from "../time/timers.ts";

/** `[key, bytes of the row or null, timers: owner, name, due time, owner, …]`; both empty: forgotten. */
type Entry = readonly [key: string, row: Uint8Array | null, timers: readonly (string | number)[]];

/**
 * Rows and timers of the keys of one group. A key that is about to change while a cut is being
 * drawn is encoded first, so that processing need not wait for the cut.
 */
export class RowsPart implements Part {
  readonly name = "rows";
  readonly #rows: KeyedRows;
  readonly #timers: Timers;
  readonly #owners: number;
  readonly #writer = new MsgpackWriter();
  #changed = new Set<string>();
  /** Keys of the cut that is being drawn which are not encoded yet. */
  #held: Set<string> | undefined;
  #ahead: Uint8Array[] = [];
  /** Owners met while restoring what another, larger set of operators wrote. */
  #restoredOwners: number;

  /** `owners`: how many operators may own timers. */
  constructor(rows: KeyedRows, timers: Timers, owners: number) {
    this.#rows = rows;
    this.#timers = timers;
    this.#owners = owners;
    this.#restoredOwners = owners;
    rows.beforeChange = (key) => this.touch(key);
  }

  /** Call it before the row or a timer of a key changes. */
  touch(key: string): void {
    if (this.#held?.delete(key) === true) this.#ahead.push(this.#entry(key).slice());
    this.#changed.add(key);
  }

  cut(whole: boolean): Cut {
    const held = whole ? new Set([...this.#rows.keys(), ...this.#timers.keys()]) : this.#changed;
    this.#changed = new Set();
    this.#held = held;
    this.#ahead = [];
    return { keepFrom: 0, pieces: () => packed(this.#drawn(held), 0) };
  }

  *#drawn(held: Set<string>): Generator<Uint8Array> {
    for (const key of held) {
      held.delete(key);
      yield this.#entry(key);
    }
    yield* this.#ahead;
    this.#held = undefined;
    this.#ahead = [];
  }

  /** Only there until the next one. */
  #entry(key: string): Uint8Array {
    const timers: (string | number)[] = [];
    for (let owner = 0; owner < this.#owners; owner += 1) {
      for (const [name, at] of this.#timers.ofKey(owner, key)) timers.push(owner, name, at);
    }
    return this.#writer.encodeShared([
      key,
      this.#rows.bytesOf(key) ?? null,
      timers,
    ] satisfies Entry);
  }

  restore(bytes: Uint8Array): void {
    for (const value of unpacked(bytes)) {
      const [key, row, timers] = value as Entry;
      // The bytes are a view of the whole cut, which they would keep alive.
      if (row === null) this.#rows.drop(key);
      else this.#rows.put(key, row.slice());
      for (let i = 0; i < timers.length; i += 3) {
        this.#restoredOwners = Math.max(this.#restoredOwners, (timers[i] as number) + 1);
      }
      for (let owner = 0; owner < this.#restoredOwners; owner += 1) {
        this.#timers.clearKey(owner, key);
      }
      for (let i = 0; i < timers.length; i += 3) {
        const at = eventTime(timers[i + 2] as number);
        this.#timers.set(timers[i] as number, key, timers[i + 1] as string, at);
      }
    }
  }
}
