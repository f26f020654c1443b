import { Fifo } from "../flow/fifo.ts";

/** So many at a time, first come, first served. */
export class Slots {
  readonly #waiting = new Fifo<() => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Calls `go` once a slot is its own, which may be at once; it is given back with `give`. */
  take(go: () => void): void {
    if (this.#free === 0) {
      this.#waiting.push(go);
      return;
    }
    this.#free -= 1;
    go();
  }
  /** The slot goes to who has waited longest. */
  give(): void {
    const next = this.#waiting.take();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
