/** The items met most often so far, ties to the one that got there first: plain popularity. */
export class PlainPopularity {
  readonly #counts = new Map<string, number>();
  /** The most frequent items, best first. */
  readonly #best: string[] = [];
  readonly #kept: number;

  constructor(kept: number) {
    this.#kept = kept;
  }

  add(item: string): void {
    const count = (this.#counts.get(item) ?? 0) + 1;
    this.#counts.set(item, count);
    const best = this.#best;
    let at = best.indexOf(item);
    if (at < 0) {
      const last = best.at(-1);
      if (last !== undefined && best.length === this.#kept) {
        if ((this.#counts.get(last) ?? 0) >= count) return;
        best.pop();
      }
      at = best.push(item) - 1;
    }
    for (; at > 0; at -= 1) {
      const above = best[at - 1] ?? "";
      if ((this.#counts.get(above) ?? 0) >= count) break;
      best[at] = above;
      best[at - 1] = item;
    }
  }

  /** The `n` best items that are not among `seen`. */
  top(n: number, seen: ReadonlySet<string>): string[] {
    const found: string[] = [];
    for (const item of this.#best) {
      if (found.length === n) break;
      if (!seen.has(item)) found.push(item);
    }
    return found;
  }
}
