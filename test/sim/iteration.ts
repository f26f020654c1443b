/**
 * An async iterator fed from outside, as the client's are: what was pushed before it is stopped is
 * still handed out, what comes later is not.
 */
export class Iteration<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #done = false;
  #wake: () => void = () => undefined;
  /** Told as an item is taken. */
  onTaken: () => void = () => undefined;

  get done(): boolean {
    return this.#done;
  }
  push(item: T): void {
    if (this.#done) return;
    this.#items.push(item);
    this.#wake();
  }
  stop(): void {
    this.#done = true;
    this.#wake();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        if (this.#items.length === 0 && !this.#done) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        const items = this.#items;
        this.#items = [];
        for (const item of items) {
          this.onTaken();
          yield item;
        }
        if (this.#done) return;
      }
    } finally {
      this.stop();
    }
  }
}
