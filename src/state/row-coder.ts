import { Compact } from "./compact.ts";
import { DictionaryCoder } from "./dictionary-coder.ts";
import { decodePlain } from "./plain.ts";

/** What the packed rows of one group have in common, from some place on: lists that only grow. */
export interface Common {
  readonly names: readonly string[];
  readonly dictionary: Uint8Array;
}
/** How much of it there is. */
export interface CommonSize {
  readonly names: number;
  readonly dictionary: number;
}

/**
 * The states of a row as few bytes, and back. Packed bytes need what they have in common with others,
 * which is learnt while rows are packed. Rows as msgpack are read, too: earlier checkpoints have them.
 */
export class RowCoder {
  readonly #compact = new Compact();
  readonly #coder = new DictionaryCoder();
  #packed = new Uint8Array(4096);

  /** There until the next call. */
  pack(states: readonly unknown[]): Uint8Array {
    const bytes = this.#coder.encode(this.#compact.encode(boxed(states)));
    const length = bytes.length + 1;
    if (length > this.#packed.length) this.#packed = new Uint8Array(length * 2);
    this.#packed[0] = PACKED;
    this.#packed.set(bytes, 1);
    return this.#packed.subarray(0, length);
  }

  unpack(bytes: Uint8Array): unknown[] {
    if (bytes[0] !== PACKED) return unboxed(decodePlain(bytes));
    return unboxed(this.#compact.decode(this.#coder.decode(bytes.subarray(1))));
  }

  get commonSize(): CommonSize {
    return { names: this.#compact.names.length, dictionary: this.#coder.dictionary.length };
  }
  /** What came to it since it was of this size. */
  commonSince({ names, dictionary }: CommonSize): Common {
    return {
      names: this.#compact.names.slice(names),
      dictionary: this.#coder.dictionary.slice(dictionary),
    };
  }
  /** Before anything is packed here: goes on from what another learnt. */
  adopt({ names, dictionary }: Common): void {
    this.#compact.adopt(names);
    this.#coder.adopt(dictionary);
  }
}

/** No msgpack value begins so. */
const PACKED = 0xc1;

/** A node without a state is a nil, which no state is. */
const boxed = (states: readonly unknown[]) =>
  states.map((state) => (state === undefined ? null : [state]));
const unboxed = (boxes: unknown): unknown[] =>
  (boxes as ([unknown] | null)[]).map((box) => (box === null ? undefined : box[0]));
