import { ByteTable } from "../state/byte-table.ts";
import type { EventTime } from "./event-time.ts";

/** A timer of a key that is known. */
export interface KeyTimer {
  /** The operator that set it. */
  readonly owner: number;
  readonly name: string;
  readonly at: EventTime;
}

/**
 * Timers of keys that rest, as bytes: by key its timers, each as owner, name and how far it lies
 * behind a time of the key that the caller knows.
 */
export class SleepingTimers {
  readonly #table = new ByteTable();
  /** Names that are told by their place, from 1; some are made of ids, so there is no end to them. */
  readonly #names: string[] = [];
  readonly #ids = new Map<string, number>();
  #count = 0;
  #buffer = new Uint8Array(1024);
  #used = 0;

  /** Of timers. */
  get count(): number {
    return this.#count;
  }
  get keys(): number {
    return this.#table.size;
  }
  has(key: string): boolean {
    return this.#table.size > 0 && this.#table.has(key);
  }

  /** Of a key that is not in it; none is due before `base`. */
  put(key: string, base: EventTime, timers: readonly KeyTimer[]): void {
    this.#used = 0;
    this.#whole(timers.length);
    for (const { owner, name, at } of timers) {
      this.#whole(owner);
      this.#name(name);
      this.#whole(at - base);
    }
    this.#table.set(key, this.#buffer.subarray(0, this.#used));
    this.#count += timers.length;
  }

  /** In the order in which they were put; none where the key is not in it. */
  get(key: string, base: EventTime): KeyTimer[] {
    const bytes = this.#table.get(key);
    if (bytes === undefined) return [];
    const from = new Reader(bytes, this.#names);
    return Array.from({ length: from.whole() }, () => {
      const owner = from.whole();
      const name = from.name();
      return { owner, name, at: (base + from.whole()) as EventTime };
    });
  }

  delete(key: string): void {
    const bytes = this.#table.get(key);
    if (bytes === undefined) return;
    this.#count -= new Reader(bytes, this.#names).whole();
    this.#table.delete(key);
  }

  #name(name: string): void {
    let id = this.#ids.get(name);
    if (id === undefined && this.#names.length < MOST_NAMES && name.length <= MOST_NAME_LENGTH) {
      id = this.#names.push(name);
      this.#ids.set(name, id);
    }
    this.#whole(id ?? 0);
    if (id !== undefined) return;
    this.#whole(name.length);
    for (let i = 0; i < name.length; i++) this.#whole(name.charCodeAt(i));
  }

  /** A whole number from 0 on, seven bits a byte. */
  #whole(value: number): void {
    if (this.#used + MOST_WHOLE_BYTES > this.#buffer.length) {
      const wider = new Uint8Array(this.#buffer.length * 2);
      wider.set(this.#buffer);
      this.#buffer = wider;
    }
    let left = value;
    for (; left >= 0x80; left = Math.floor(left / 0x80)) {
      this.#buffer[this.#used++] = (left % 0x80) + 0x80;
    }
    this.#buffer[this.#used++] = left;
  }
}

const MOST_NAMES = 256;
const MOST_NAME_LENGTH = 64;
/** Times lie less than 2^53 apart. */
const MOST_WHOLE_BYTES = 8;

class Reader {
  readonly #bytes: Uint8Array;
  readonly #names: readonly string[];
  #at = 0;

  constructor(bytes: Uint8Array, names: readonly string[]) {
    this.#bytes = bytes;
    this.#names = names;
  }

  whole(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.#at++] as number;
      if (byte < 0x80) return value + byte * factor;
      value += (byte - 0x80) * factor;
    }
  }
  name(): string {
    const id = this.whole();
    if (id > 0) return this.#names[id - 1] as string;
    let name = "";
    for (let left = this.whole(); left > 0; left--) name += String.fromCharCode(this.whole());
    return name;
  }
}
