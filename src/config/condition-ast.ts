import type { Millis } from "../time/event-time.ts";

/**
 * Conditions after reading, as `segments.yaml` and `rules.yaml` use them. Everything is resolved:
 * matchers by name have become the matcher itself, lengths of time are milliseconds, amounts are in
 * the property's unit. Plain data, so it may travel to a worker and be hashed.
 */

/** Level conditions: true over stretches of time. Windows are closed, `[t − within, t]`. */
export type When =
  | { readonly op: "all"; readonly of: readonly When[] }
  | { readonly op: "any"; readonly of: readonly When[] }
  | { readonly op: "not"; readonly of: When }
  | Count
  | None
  | Sum
  | Run
  | Decay
  | Owns
  | Rank
  | Standing;

/** At least `atLeast` matches in the window. */
export interface Count {
  readonly op: "count";
  readonly of: Matcher;
  readonly within: Millis;
  readonly atLeast: number;
  /** What is counted: every `event`, different `session`s, or different values of a property. */
  readonly distinct: string;
  /** The matches must have one value of this property in common. */
  readonly same: string | null;
}

/** No match in the window. */
export interface None {
  readonly op: "none";
  readonly of: Matcher;
  readonly within: Millis;
}

/** The sum of a property over the matches in the window, or over those for the latest thing. */
export interface Sum {
  readonly op: "sum";
  readonly of: Matcher;
  /** A number property of every match. */
  readonly field: string;
  readonly bound: Bound;
  readonly within: Millis | null;
  /**
   * Only matches that name the thing (`key`) of the latest `latest` event count, and those that name
   * none; a newer one begins at nothing.
   */
  readonly per: { readonly latest: Matcher; readonly key: string } | null;
}

/** 以上 is `at_least`, 超过 is `more_than`. */
export interface Bound {
  readonly op: "at_least" | "more_than";
  readonly value: number;
}

/** At least `atLeast` matches in a row among the events of `among`. */
export interface Run {
  readonly op: "run";
  readonly of: Matcher;
  readonly among: Matcher;
  readonly atLeast: number;
  /** `event`, or a property whose different values are counted. */
  readonly distinct: string;
  /** Longest time from one to the next, closed; the run is over a millisecond later. */
  readonly maxGap: Millis | null;
}

/** A score that halves every `halfLife` (never, when null): on from `onAt` up, off below `offAt`. */
export interface Decay {
  readonly op: "decay";
  readonly add: readonly Weight[];
  readonly halfLife: Millis | null;
  readonly onAt: number;
  readonly offAt: number;
  /** It comes on only by matches from so many touchpoints within two half-lives; 1 when left out. */
  readonly sources?: number;
}
/** A match adds `weight`, times the property `field` where one is named. */
export interface Weight {
  readonly of: Matcher;
  readonly weight: number;
  readonly field: string | null;
}

/** A match is longer ago than `ageOver`. */
export interface Owns {
  readonly op: "owns";
  readonly of: Matcher;
  readonly ageOver: Millis;
}

/** Is among the `top` of a group by a score that halves every `halfLife`, and has `atLeast` of it. */
export interface Rank {
  readonly op: "rank";
  readonly add: readonly Weight[];
  readonly halfLife: Millis;
  /** The property that names the group. */
  readonly per: string;
  readonly top: number;
  readonly atLeast: number;
}

/** What other parts say of a person. `segment`: is a member; `tag`: has it; others: it is the value now. */
export interface Standing {
  readonly op: "standing";
  readonly topic: Topic;
  readonly value: string;
}
export type Topic = "segment" | "intent" | "life" | "scene" | "tag" | "affinity" | "rank";

/** Edge conditions: they fire at moments. */
export type Trigger =
  | { readonly op: "event"; readonly of: Matcher }
  | Absent
  | Sequence
  | After
  | Score
  /** Fires when the level condition comes true. */
  | { readonly op: "becomes"; readonly when: When }
  /** Fires when `trigger` does while `when` is true, after the events of that millisecond. */
  | { readonly op: "guard"; readonly trigger: Trigger; readonly when: When }
  | { readonly op: "any"; readonly of: readonly Trigger[] };

/** `within` after `after`, none of the `of` has come: at that very millisecond, after its events. */
export interface Absent {
  readonly op: "absent";
  readonly after: Matcher;
  /** Properties that keep triggers apart, beside the person. */
  readonly key: readonly string[];
  readonly within: Millis;
  readonly of: readonly Cancel[];
  /** What a second trigger does while the time runs: nothing, or begin it anew. */
  readonly restart: "keep" | "latest";
}
/** Cancels what was triggered by an event of equal properties `match`; of none: whatever runs. */
export interface Cancel {
  readonly of: Matcher;
  readonly match: readonly string[];
}

/** One step after another: each is a latch that the next step's first match uses up. */
export interface Sequence {
  readonly op: "sequence";
  readonly steps: readonly SequenceStep[];
}
export interface SequenceStep {
  readonly of: Matcher;
  /** What its event is called: `$live.sku`. */
  readonly as: string;
  /** Longest time since the step before, closed; null for the first. */
  readonly within: Millis | null;
}

/** `delay` after each match, once for each sku; again and again with `repeat`; no more once `until` came. */
export interface After {
  readonly op: "after";
  readonly after: Matcher;
  /** Of its own, or read from the fact about the sku at the time of the match. */
  readonly delay: Millis | { readonly fact: string };
  readonly repeat: boolean;
  readonly until: Cancel | null;
}

/** Fires when the score comes into another tier: `$trigger.tier`. Tiers ascend. */
export interface Score {
  readonly op: "score";
  readonly add: readonly LimitedWeight[];
  readonly halfLife: Millis | null;
  /** From the lowest up; none: it fires at every match that counts. */
  readonly tiers: readonly { readonly name: string; readonly from: number }[];
}
export interface LimitedWeight extends Weight {
  readonly limit: WeightLimit | null;
}
/** Of the matches in any stretch of this length `max` count, and of those with one value the first. */
export interface WeightLimit {
  readonly distinct: string | null;
  readonly max: number;
  readonly every: Millis;
}

/** An event matches when its type is one of `events` and every constraint of `where` holds. */
export interface Matcher {
  /** Its place among all different matchers of the file: evaluate each once per event. */
  readonly index: number;
  /** Its name under `let`, where it has one. */
  readonly name: string | undefined;
  readonly events: readonly string[];
  readonly where: readonly Constraint[];
}

/** Holds when the field has a value and every test of it is true. */
export interface Constraint {
  readonly field: Field;
  readonly tests: readonly Test[];
}

/**
 * `event`: a property of the event itself. Others: the field of the fact about the thing that the
 * event names (`FACT_OF` says which fact, under which property); where no such fact is known, the
 * event's own property `name`. An event with `lines` holds when it holds for any line's sku.
 */
export interface Field {
  readonly of: "event" | "sku" | "content" | "live";
  readonly name: string;
}

/** Where an event happened: every event has it, beside its properties. */
export const TOUCHPOINT = "touchpoint";

/** The fact behind a field, and the property of the event that holds the fact's key. */
export const FACT_OF = {
  sku: { fact: "catalog", key: "sku" },
  content: { fact: "content", key: "content_id" },
  live: { fact: "content", key: "live_id" },
} as const satisfies Readonly<Record<Exclude<Field["of"], "event">, object>>;

export type Scalar = string | number | boolean;

export type Test =
  | { readonly op: "eq"; readonly value: Scalar }
  | { readonly op: "in"; readonly values: readonly Scalar[] }
  /** The text contains any of these, compared after `toLowerCase`; they are lower-case already. */
  | { readonly op: "any"; readonly texts: readonly string[] }
  | { readonly op: "prefix"; readonly text: string }
  /** Numbers; properties in ms and ratios were written as `15m` and `90%`, and are numbers here. */
  | { readonly op: "gte" | "gt" | "lte" | "lt"; readonly value: number };
