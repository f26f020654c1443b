/**
 * What comes one by one, handed on in runs: whatever came while the last run was worked on, at the
 * earliest with the thread's next turn. Whoever works on a run has the thread to himself from one
 * to the next, where work on single items takes turns with everybody else's.
 */
export class Runs<T> {
  readonly #source: AsyncIterable<T>;
  readonly #most: number;
  #gathered: T[] = [];
  #ended = false;
  #left = false;
  #onCome: (() => void) | undefined;
  #onRoom: (() => void) | undefined;

  /** The source waits while `most` are gathered. */
  constructor(source: AsyncIterable<T>, most: number) {
    this.#source = source;
    this.#most = most;
  }
  /** To be asked once; throws what the source throws, behind everything that came before it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly T[]> {
    let failure: { readonly error: unknown } | undefined;
    const gathering = this.#gather().catch((error: unknown) => {
      failure = { error };
    });
    try {
      while (await this.#some()) {
        const run = this.#gathered;
        this.#gathered = [];
        this.#onRoom?.();
        yield run;
      }
      if (failure !== undefined) throw failure.error;
    } finally {
      this.#left = true;
      this.#onRoom?.();
      void gathering;
    }
  }

  async #gather(): Promise<void> {
    try {
      for await (const item of this.#source) {
        this.#gathered.push(item);
        this.#onCome?.();
        while (this.#gathered.length >= this.#most && !this.#left) {
          await new Promise<void>((resolve) => {
            this.#onRoom = resolve;
          });
        }
        if (this.#left) return;
      }
    } finally {
      this.#ended = true;
      this.#onCome?.();
    }
  }

  /** Resolves with the thread's next turn behind the first that came; false when none comes any more. */
  async #some(): Promise<boolean> {
    if (this.#gathered.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#onCome = resolve;
      });
    }
    if (this.#gathered.length > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    return this.#gathered.length > 0;
  }
}
