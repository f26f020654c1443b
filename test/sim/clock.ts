import { Heap } from "../../src/flow/heap.ts";

/** Somebody to whom things happen: what is due to one that has died never comes. */
export class Owner {
  readonly name: string;
  #alive = true;
  /** What came due while it was stopped, in order; undefined while it runs. */
  #held: (() => void)[] | undefined;

  constructor(name: string) {
    this.name = name;
  }
  get alive(): boolean {
    return this.#alive;
  }
  get stopped(): boolean {
    return this.#held !== undefined;
  }
  die(): void {
    this.#alive = false;
    this.#held = undefined;
  }
  /** As SIGSTOP does it: nothing happens to it until it wakes. */
  stop(): void {
    this.#held ??= [];
  }
  /** What came due meanwhile, for the clock to do. */
  wake(): readonly (() => void)[] {
    const held = this.#held ?? [];
    this.#held = undefined;
    return held;
  }
  /** Whether a task may run now; one of a stopped owner is kept for later. */
  admits(task: () => void): boolean {
    this.#held?.push(task);
    return this.#alive && this.#held === undefined;
  }
}

/** Something that is to happen. */
class Due {
  readonly at: number;
  /** Of two things at the same moment the one that was asked for first comes first. */
  readonly order: number;
  readonly owner: Owner;
  readonly task: () => void;
  #cancelled = false;

  constructor(at: number, order: number, owner: Owner, task: () => void) {
    this.at = at;
    this.order = order;
    this.owner = owner;
    this.task = task;
  }
  get cancelled(): boolean {
    return this.#cancelled;
  }
  cancel(): void {
    this.#cancelled = true;
  }
}

const REAL = {
  now: Date.now,
  performanceNow: performance.now.bind(performance),
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
} as const;

/** Due things taken in one turn of the real event loop; microtasks run between any two. */
const A_TURN = 64;

/**
 * Simulated time. While installed it stands for `Date.now`, timers and immediates of the whole
 * thread: time moves only from one due thing to the next, and before the next one everything that
 * the last one set off has run its course. So the order of everything depends on who asked when.
 */
export class SimClock {
  readonly #due = new Heap<Due>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  #now: number;
  #order = 0;
  /** Whose code runs: timers it sets are its own. */
  #current: Owner;
  #done = 0;

  constructor(start: number, world: Owner) {
    this.#now = start;
    this.#current = world;
  }
  get now(): number {
    return this.#now;
  }
  /** Due things done so far. */
  get done(): number {
    return this.#done;
  }

  at(time: number, owner: Owner, task: () => void): Due {
    const due = new Due(Math.max(time, this.#now), this.#order, owner, task);
    this.#order += 1;
    this.#due.push(due);
    return due;
  }
  after(ms: number, owner: Owner, task: () => void): Due {
    return this.at(this.#now + Math.max(0, ms), owner, task);
  }
  wake(owner: Owner): void {
    for (const task of owner.wake()) this.after(0, owner, task);
  }
  /** Runs something as the owner's own, at this moment. */
  as<T>(owner: Owner, body: () => T): T {
    const before = this.#current;
    this.#current = owner;
    try {
      return body();
    } finally {
      this.#current = before;
    }
  }

  /** Runs until `end` says so; it is asked before every due thing. Rejects with what a task throws. */
  run(end: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let over = false;
      let left = 0;
      const step = () => {
        left -= 1;
        if (over) return;
        try {
          over = end() || !this.#step();
        } catch (error) {
          over = true;
          reject(error);
          return;
        }
        if (over) resolve();
        else if (left === 0) turn();
      };
      const turn = () => {
        left = A_TURN;
        for (let i = 0; i < A_TURN; i += 1) REAL.setImmediate(step);
      };
      turn();
    });
  }

  /** The next due thing; false when there is none. */
  #step(): boolean {
    for (let due = this.#due.pop(); due !== undefined; due = this.#due.pop()) {
      if (due.cancelled || !due.owner.admits(due.task)) continue;
      this.#now = due.at;
      this.#current = due.owner;
      this.#done += 1;
      due.task();
      return true;
    }
    return false;
  }

  /** Takes the place of this thread's clock; returns the way back. */
  install(): () => void {
    const start = this.#now;
    Object.assign(globalThis, {
      setTimeout: (task: () => void, ms = 0) => this.#timer(ms, task),
      setInterval: (task: () => void, ms = 0) => this.#interval(ms, task),
      setImmediate: (task: () => void) => this.#timer(0, task),
      clearTimeout: cancel,
      clearInterval: cancel,
      clearImmediate: cancel,
    });
    Date.now = () => this.#now;
    performance.now = () => this.#now - start;
    return () => {
      const { now, performanceNow, ...timers } = REAL;
      Object.assign(globalThis, timers);
      Date.now = now;
      performance.now = performanceNow;
    };
  }

  #timer(ms: number, task: () => void): SimTimer {
    const owner = this.#current;
    const timer = new SimTimer();
    if (owner.alive) timer.due = this.after(ms, owner, task);
    return timer;
  }
  #interval(ms: number, task: () => void): SimTimer {
    const owner = this.#current;
    const timer = new SimTimer();
    const again = () => {
      timer.due = this.after(ms, owner, () => {
        again();
        task();
      });
    };
    if (owner.alive) again();
    return timer;
  }
}

/** What stands for `NodeJS.Timeout`. */
class SimTimer {
  due: Due | undefined;

  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
}

function cancel(timer: unknown): void {
  if (timer instanceof SimTimer) timer.due?.cancel();
}
