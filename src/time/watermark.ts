import { type EventTime, eventTime, latest, MIN_TIME, type Millis } from "./event-time.ts";
import { requireVersion } from "./snapshot-version.ts";

/*
 * Watermark T promises: no more elements at or before T. These generators are for flows of one's
 * own; the shop's flows take their watermark from the time records of the log.
 */

/** Trails the largest event time by a fixed disorder: `largest - bound - 1`. */
export class BoundedDisorder {
  readonly #bound: Millis;
  #largest: EventTime = MIN_TIME;

  constructor(bound: Millis) {
    this.#bound = bound;
  }

  observe(at: EventTime): void {
    this.#largest = latest(this.#largest, at);
  }

  /** `MIN_TIME` until something was observed. */
  get watermark(): EventTime {
    return this.#largest === MIN_TIME ? MIN_TIME : eventTime(this.#largest - this.#bound - 1);
  }

  snapshot(): unknown {
    return { version: 1, largest: this.#largest };
  }

  static restore(bound: Millis, data: unknown): BoundedDisorder {
    const { version, largest } = data as { version: number; largest: number };
    requireVersion("a watermark", version, 1);
    const generator = new BoundedDisorder(bound);
    generator.#largest = eventTime(largest);
    return generator;
  }
}

/**
 * Bounded disorder that goes on with the clock when nothing arrives, so that a quiet source does
 * not hold its windows open. The caller brings the clock (broker time in a replay).
 */
export class DisorderWithClock {
  readonly #bound: Millis;
  /** First instant still expected, as of `#since`. */
  #frontier: number = MIN_TIME;
  #since = 0;
  #clock = 0;

  constructor(bound: Millis) {
    this.#bound = bound;
  }

  tick(clock: number): void {
    if (clock > this.#clock) this.#clock = clock;
  }

  /** Takes an event at the clock's time; answers whether it came late. */
  observe(at: EventTime): boolean {
    const late = at < this.frontier;
    const candidate = at - this.#bound;
    if (candidate > this.frontier) {
      this.#frontier = candidate;
      this.#since = this.#clock;
    }
    return late;
  }

  /** The first instant that may still come: one more than the watermark. */
  get frontier(): EventTime {
    if (this.#frontier === MIN_TIME) return MIN_TIME;
    return eventTime(this.#frontier + this.#clock - this.#since);
  }

  get watermark(): EventTime {
    return this.frontier === MIN_TIME ? MIN_TIME : eventTime(this.frontier - 1);
  }

  snapshot(): unknown {
    return { version: 1, frontier: this.#frontier, since: this.#since, clock: this.#clock };
  }

  static restore(bound: Millis, data: unknown): DisorderWithClock {
    const { version, frontier, since, clock } = data as {
      version: number;
      frontier: number;
      since: number;
      clock: number;
    };
    requireVersion("a watermark", version, 1);
    const generator = new DisorderWithClock(bound);
    generator.#frontier = frontier;
    generator.#since = since;
    generator.#clock = clock;
    return generator;
  }
}

/**
 * Tells when a source has fallen idle. Its clock starts at the first check after activity, so that
 * a pause of the checker itself is not mistaken for quiet.
 */
export class IdlenessTimer {
  readonly #timeout: Millis;
  #quietSince: number | undefined;

  constructor(timeout: Millis) {
    this.#timeout = timeout;
  }

  activity(): void {
    this.#quietSince = undefined;
  }

  /** True when nothing happened for longer than the timeout. */
  isIdle(now: number): boolean {
    this.#quietSince ??= now;
    return now - this.#quietSince > this.#timeout;
  }

  snapshot(): unknown {
    return { version: 1, quietSince: this.#quietSince ?? null };
  }

  static restore(timeout: Millis, data: unknown): IdlenessTimer {
    const { version, quietSince } = data as { version: number; quietSince: number | null };
    requireVersion("an idleness timer", version, 1);
    const timer = new IdlenessTimer(timeout);
    timer.#quietSince = quietSince ?? undefined;
    return timer;
  }
}
