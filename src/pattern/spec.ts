import type { EventTime, Millis } from "../time/event-time.ts";

/** Event type by stage name; stages that forbid something have no entry. */
export type Stages = Readonly<Record<string, unknown>>;

/** The events taken so far (or by a whole match), by stage, in order; empty where nothing was. */
export type Taken<S extends Stages> = { readonly [Name in keyof S]: readonly S[Name][] };

/** What a condition may look at beside the event: the partial match it would extend. */
export interface SoFar<S extends Stages> {
  /** Time of the event under test. */
  readonly at: EventTime;
  /** Events already taken by a stage, oldest first. */
  taken<Name extends keyof S & string>(stage: Name): readonly S[Name][];
}

/**
 * Pure: the same event and partial match give the same answer. A condition is code, not state, and
 * is no part of the pattern's digest.
 */
export type Condition<E, S extends Stages> = (event: E, soFar: SoFar<S>) => boolean;

/** What a compiled pattern keeps of a condition: the builder has checked its types. */
// biome-ignore lint/suspicious/noExplicitAny: the stages a condition may look at differ by stage.
export type StoredCondition<E> = Condition<E, any>;

/**
 * How a stage follows the one before it: `next` the very next event; `followedBy` the next event
 * that fits; `followedByAny` every later event that fits; the `not…` forbid an event instead.
 */
export type Contiguity =
  | "begin"
  | "next"
  | "followedBy"
  | "followedByAny"
  | "notNext"
  | "notFollowedBy";

/** Contiguity between the events of one loop: `next fitting`, `very next`, `any later fitting`. */
export type InnerContiguity = "relaxed" | "consecutive" | "combinations";

export interface StageSpec<E> {
  readonly name: string;
  readonly contiguity: Contiguity;
  /** null fits every event. */
  readonly where: StoredCondition<E> | null;
  /** How often; both 1 for a plain stage, `max` null without an upper limit. */
  readonly min: number;
  readonly max: number | null;
  readonly optional: boolean;
  readonly greedy: boolean;
  readonly inner: InnerContiguity;
  /** Ends the loop; the event it fits is never taken by it. */
  readonly until: StoredCondition<E> | null;
  /** Longest time since the previous event of the match, exclusive. */
  readonly gap: Millis | null;
}

/** What becomes of overlapping matches once one is complete. */
export type Skip =
  | { readonly strategy: "noSkip" | "skipToNext" | "skipPastLastEvent" }
  | {
      readonly strategy: "skipToFirst" | "skipToLast";
      readonly stage: string;
      /** Throws when the match holds no event of that stage, or would be skipped to its own start. */
      readonly throwOnMissing: boolean;
    };

export interface PatternSpec<E> {
  readonly stages: readonly StageSpec<E>[];
  /** Longest time from the first event, exclusive; null without limit. */
  readonly within: Millis | null;
  readonly skip: Skip;
}

/** The pattern cannot mean anything: found when it is built, never at run time. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}
