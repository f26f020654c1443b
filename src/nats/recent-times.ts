/** When the last so many records of a stream were stored; a ring, so it never grows. */
export class RecentTimes {
  readonly #seqs: Float64Array;
  readonly #times: Float64Array;
  readonly #mask: number;

  /** `size` is a power of two. */
  constructor(size: number) {
    this.#seqs = new Float64Array(size);
    this.#times = new Float64Array(size);
    this.#mask = size - 1;
  }
  set(seq: number, time: number): void {
    this.#seqs[seq & this.#mask] = seq;
    this.#times[seq & this.#mask] = time;
  }
  get(seq: number): number | undefined {
    return this.#seqs[seq & this.#mask] === seq ? this.#times[seq & this.#mask] : undefined;
  }
}
