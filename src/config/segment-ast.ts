import type { Millis } from "../time/event-time.ts";
import type { Matcher, When } from "./condition-ast.ts";

/** `config/segments.yaml` after reading. */
export interface SegmentFile {
  readonly version: 1;
  readonly timeZone: string;
  /** Every different matcher once, at the place its `index` says. */
  readonly matchers: readonly Matcher[];
  /** A segment comes after those that its `in` names; otherwise in the order of the file. */
  readonly segments: readonly Segment[];
}

export interface Segment {
  readonly id: string;
  /** What people call it: 高价值兴趣群组. */
  readonly title: string | undefined;
  readonly goal: Goal | undefined;
  readonly when: When;
  /** Left only so long after the entry and after the last `unless`; null: when `when` is false. */
  readonly leave: { readonly after: Millis; readonly unless: Matcher } | null;
  /** 16 hex digits of the definition's content: state of an unchanged definition may be kept. */
  readonly hash: string;
}

/** What a segment is for: 提升转化, 降低流失, 增强粘性. */
export const GOALS = ["conversion", "churn", "stickiness"] as const;
export type Goal = (typeof GOALS)[number];
