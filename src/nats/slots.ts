import { Fifo } from "../flow/fifo.ts";

/** So many at a time, first come, first served. */
export class Slots {
  readonly #most: () => number;
  readonly #waiting = new Fifo<() => void>();
  #taken = 0;

  /** `most` is asked whenever one is taken or given back; at least 1. */
  constructor(most: () => number) {
    this.#most = most;
  }

  /** Calls `go` once a slot is its own, which may be at once; it is given back with `give`. */
  take(go: () => void): void {
    this.#waiting.push(go);
    this.#next();
  }
  give(): void {
    this.#taken -= 1;
    this.#next();
  }
  /** Free slots go to who has waited longest. */
  #next(): void {
    while (this.#taken < this.#most()) {
      const go = this.#waiting.take();
      if (go === undefined) return;
      this.#taken += 1;
      go();
    }
  }
}
