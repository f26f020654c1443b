/** Undefined while the work may go on; else resolves once others have had their turn. */
export type Breathe = () => Promise<void> | undefined;
/** For whoever has the thread to himself. */
export const never: Breathe = () => undefined;

/**
 * Work that goes on from one promise to the next keeps timers, sockets and signals from their turn.
 * Whoever has much of it asks for a breath between two pieces.
 */
export class Breath {
  readonly #sliceMs: number;
  #ends = 0;
  #turn: Promise<void> | undefined;

  /** Work shares the thread in slices of so many milliseconds. */
  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
  }

  /** Undefined while the slice lasts; else resolves in the next one, after everybody else's turn. */
  taken(): Promise<void> | undefined {
    return performance.now() < this.#ends ? undefined : this.#next();
  }

  /** Of those who wait together, the one that comes first may use the slice up. */
  async #next(): Promise<void> {
    do {
      this.#turn ??= new Promise((resolve) => {
        setImmediate(() => {
          this.#turn = undefined;
          this.#ends = performance.now() + this.#sliceMs;
          resolve();
        });
      });
      await this.#turn;
    } while (performance.now() >= this.#ends);
  }
}
