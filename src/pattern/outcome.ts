import type { EventTime } from "../time/event-time.ts";
import type { Stages, Taken } from "./spec.ts";

export interface Match<S extends Stages> {
  readonly start: EventTime;
  /** When it came true: the time of its last event, or the end of a trailing notFollowedBy. */
  readonly at: EventTime;
  readonly events: Taken<S>;
}

/** A partial match whose time ran out; `at` is when it did: exact, however late it was noticed. */
export interface Timeout<S extends Stages> {
  readonly start: EventTime;
  readonly at: EventTime;
  readonly events: Taken<S>;
}

export interface Outcome<S extends Stages> {
  readonly matches: readonly Match<S>[];
  readonly timeouts: readonly Timeout<S>[];
  /** Partial matches given up because a limit was reached. */
  readonly forgotten: number;
}

/**
 * Bounds on one key. Where one is passed, the partial matches with the oldest start are forgotten,
 * and counted, until both hold again.
 */
export interface Limits {
  /** Partial matches, and complete ones that wait. */
  readonly partialMatches: number;
  /** Events they hold, each counted once for every different history before it. */
  readonly events: number;
}

export interface MatcherOptions extends Partial<Limits> {
  /** False where nobody asks for what ran out of time, which then costs next to nothing. */
  readonly timeouts?: boolean;
}
