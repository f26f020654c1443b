/** What is due when: earliest first, ties in the order they were put in. A binary heap. */
export class Agenda<T> {
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #items: T[] = [];
  #puts = 0;

  /** Infinity when nothing is left. */
  get nextAt(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  put(at: number, item: T): void {
    const order = this.#puts;
    this.#puts += 1;
    let hole = this.#times.length;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if ((this.#times[parent] ?? 0) <= at) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#fill(hole, at, order, item);
  }

  take(): T | undefined {
    const first = this.#items[0];
    const at = this.#times.pop();
    const order = this.#orders.pop();
    const item = this.#items.pop();
    const size = this.#times.length;
    if (at === undefined || order === undefined || item === undefined || size === 0) return first;
    let hole = 0;
    for (let child = 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && this.#before(child + 1, child)) child += 1;
      const childAt = this.#times[child] ?? 0;
      if (at < childAt || (at === childAt && order < (this.#orders[child] ?? 0))) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#fill(hole, at, order, item);
    return first;
  }

  #before(left: number, right: number): boolean {
    const a = this.#times[left] ?? 0;
    const b = this.#times[right] ?? 0;
    return a < b || (a === b && (this.#orders[left] ?? 0) < (this.#orders[right] ?? 0));
  }
  #move(from: number, to: number): void {
    const item = this.#items[from];
    if (item === undefined) return;
    this.#fill(to, this.#times[from] ?? 0, this.#orders[from] ?? 0, item);
  }
  #fill(place: number, at: number, order: number, item: T): void {
    this.#times[place] = at;
    this.#orders[place] = order;
    this.#items[place] = item;
  }
}
