import { type EventTime, MIN_TIME } from "../time/event-time.ts";
import { Matcher, type MatcherState } from "./matcher.ts";
import type { MatcherOptions, Outcome } from "./outcome.ts";
import type { Pattern } from "./pattern.ts";
import type { Stages } from "./spec.ts";

/** Plain data. */
export interface OrderedState<E> {
  /** No more events at or before it are taken; null before the first watermark. */
  watermark: number | null;
  /** Ascending by time, then by arrival. */
  waiting: [at: number, event: E][];
  matcher: MatcherState<E>;
}

/** `late`: at or before the watermark. `full`: too many wait. Neither is kept, both the caller's to count. */
export type Offered = "waiting" | "late" | "full";

/**
 * A matcher that puts events in order itself: they wait until the watermark passes them. For flows
 * whose runtime does not; an operator of `order: "event-time"` uses `Matcher` alone.
 */
export class OrderedMatcher<E, S extends Stages> {
  readonly #matcher: Matcher<E, S>;
  readonly #maxWaiting: number;

  constructor(
    pattern: Pattern<E, S>,
    options: MatcherOptions & { readonly waiting?: number } = {},
  ) {
    const { waiting = 10_000, ...rest } = options;
    this.#matcher = new Matcher(pattern, rest);
    this.#maxWaiting = waiting;
  }

  init(): OrderedState<E> {
    return { watermark: null, waiting: [], matcher: this.#matcher.init() };
  }

  isIdle({ waiting, matcher }: OrderedState<E>): boolean {
    return waiting.length === 0 && this.#matcher.isIdle(matcher);
  }

  offer(state: OrderedState<E>, event: E, at: EventTime): Offered {
    if (at <= (state.watermark ?? MIN_TIME)) return "late";
    const { waiting } = state;
    if (waiting.length >= this.#maxWaiting) return "full";
    let place = waiting.length;
    while (place > 0 && (waiting[place - 1]?.[0] ?? at) > at) place -= 1;
    waiting.splice(place, 0, [at, event]);
    return "waiting";
  }

  /** Matches what the watermark has passed, in order. A lower watermark than the last does nothing. */
  advance(state: OrderedState<E>, watermark: EventTime): Outcome<S> {
    const all: { -readonly [K in keyof Outcome<S>]: Outcome<S>[K] } = {
      matches: [],
      timeouts: [],
      forgotten: 0,
    };
    if (state.watermark !== null && watermark <= state.watermark) return all;
    state.watermark = watermark;
    const add = (part: Outcome<S>) => {
      all.matches = [...all.matches, ...part.matches];
      all.timeouts = [...all.timeouts, ...part.timeouts];
      all.forgotten += part.forgotten;
    };
    const later = state.waiting.findIndex(([at]) => at > watermark);
    const due = state.waiting.splice(0, later < 0 ? state.waiting.length : later);
    for (const [at, event] of due) add(this.#matcher.match(state.matcher, event, at as EventTime));
    add(this.#matcher.advance(state.matcher, watermark));
    return all;
  }
}
