/**
 * Work in lanes: one at a time in a lane, lanes side by side, so many under way at the most. The
 * first failure is kept and thrown to whoever adds more work.
 */
export class Lanes {
  readonly #limit: number;
  readonly #lanes = new Map<string, Promise<void>>();
  #underWay = 0;
  #failure: unknown;
  #onEnd: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }
  get underWay(): number {
    return this.#underWay;
  }

  /** Resolves when there is room for more, not when the work is done. */
  async add(lane: string, work: () => Promise<void>): Promise<void> {
    this.#check();
    this.#underWay += 1;
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    this.#lanes.set(
      lane,
      before.then(() => this.#do(work)),
    );
    while (this.#underWay >= this.#limit) await this.#oneEnds();
    this.#check();
  }

  async idle(): Promise<void> {
    while (this.#underWay > 0) await this.#oneEnds();
    this.#check();
  }

  async #do(work: () => Promise<void>): Promise<void> {
    try {
      if (this.#failure === undefined) await work();
    } catch (error) {
      this.#failure ??= error;
    }
    this.#underWay -= 1;
    const waiting = this.#onEnd;
    this.#onEnd = [];
    for (const resolve of waiting) resolve();
  }
  #oneEnds(): Promise<void> {
    return new Promise((resolve) => this.#onEnd.push(resolve));
  }
  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
