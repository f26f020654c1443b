const SIZE = 1 << 16;

/** When the last so many records of a stream were stored; a ring, so it never grows. */
export class RecentTimes {
  readonly #seqs: Float64Array;
  readonly #times: Float64Array;

  /** Memory for one ring; several threads may look into the same. */
  static room(): SharedArrayBuffer {
    return new SharedArrayBuffer(2 * SIZE * Float64Array.BYTES_PER_ELEMENT);
  }

  constructor(room: SharedArrayBuffer) {
    this.#seqs = new Float64Array(room, 0, SIZE);
    this.#times = new Float64Array(room, SIZE * Float64Array.BYTES_PER_ELEMENT, SIZE);
  }
  set(seq: number, time: number): void {
    const i = seq & (SIZE - 1);
    this.#times[i] = time;
    this.#seqs[i] = seq;
  }
  get(seq: number): number | undefined {
    const i = seq & (SIZE - 1);
    return this.#seqs[i] === seq ? this.#times[i] : undefined;
  }
}
