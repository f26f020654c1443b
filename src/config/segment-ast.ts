import type { Millis } from "../time/event-time.ts";

/**
 * `config/segments.yaml` after reading. Everything is resolved: matchers by name have become the
 * matcher itself, lengths of time are milliseconds, `more_than` has become `atLeast`. Plain data,
 * so it may travel to a worker and be hashed.
 */
export interface SegmentFile {
  readonly version: 1;
  readonly timeZone: string;
  /** Every different matcher once, at the place its `index` says: evaluate each once per event. */
  readonly matchers: readonly Matcher[];
  /** In the order of the file. */
  readonly segments: readonly Segment[];
}

export interface Segment {
  readonly id: string;
  /** What people call it: 高价值兴趣群组. */
  readonly title: string | undefined;
  /** What it is for: `conversion`, `churn`, `stickiness` … */
  readonly goal: string | undefined;
  readonly when: When;
  /** 16 hex digits of the definition's content: state of an unchanged definition may be kept. */
  readonly hash: string;
}

/** A person is in the segment while this is true. */
export type When =
  | { readonly op: "all"; readonly of: readonly When[] }
  | { readonly op: "any"; readonly of: readonly When[] }
  | { readonly op: "not"; readonly of: When }
  | Count
  | None;

/** At least `atLeast` matches in the closed window `[t − within, t]`. */
export interface Count {
  readonly op: "count";
  readonly of: Matcher;
  readonly within: Millis;
  readonly atLeast: number;
  /** What is counted: every event, different skus, or different sessions. */
  readonly distinct: "event" | "sku" | "session";
}

/** No match in the closed window `[t − within, t]`. */
export interface None {
  readonly op: "none";
  readonly of: Matcher;
  readonly within: Millis;
}

/** An event matches when its type is one of `events` and every condition of `where` holds. */
export interface Matcher {
  /** Its place in `SegmentFile.matchers`. */
  readonly index: number;
  /** Its name under `let`, where it has one. */
  readonly name: string | undefined;
  readonly events: readonly string[];
  readonly where: readonly Condition[];
}

/** Holds when the field has a value and every test of it is true. */
export interface Condition {
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
