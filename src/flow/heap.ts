/** A binary heap. Items that compare equal come out in no particular order: compare totally. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }
  get size(): number {
    return this.#items.length;
  }
  /** In no particular order, to be read and left alone. */
  get items(): readonly T[] {
    return this.#items;
  }
  peek(): T | undefined {
    return this.#items[0];
  }
  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as T;
      if (!this.#before(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }
  /** Takes out what `is` says, in order. */
  takeAll(is: (item: T) => boolean): T[] {
    if (!this.#items.some(is)) return [];
    const rest = this.#items.splice(0);
    const taken: T[] = [];
    for (const item of rest) {
      if (is(item)) taken.push(item);
      else this.push(item);
    }
    return taken.sort((a, b) => (this.#before(a, b) ? -1 : 1));
  }
  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    const half = items.length >> 1;
    let at = 0;
    while (at < half) {
      let child = 2 * at + 1;
      const right = child + 1;
      if (right < items.length && this.#before(items[right] as T, items[child] as T)) child = right;
      if (!this.#before(items[child] as T, last)) break;
      items[at] = items[child] as T;
      at = child;
    }
    items[at] = last;
    return top;
  }
}
