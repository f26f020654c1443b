import type { EventTime } from "../../src/time/event-time.ts";
import type { ShopEvent } from "../event.ts";

/** A session as it stands after the event that it is told with. Shared: nobody changes it. */
export interface SessionView {
  readonly id: string;
  readonly started: EventTime;
  readonly last: EventTime;
  /** Acts so far, this one included. */
  readonly steps: number;
  /** The last 10 distinct, the most recent last. */
  readonly skus: readonly string[];
  readonly categories: readonly string[];
  readonly touchpoints: readonly string[];
}

/** Every event of a person, with the session it is part of; null when it is no act of the person's. */
export interface Step {
  readonly kind: "step";
  readonly person: string;
  readonly event: ShopEvent;
  readonly session: SessionView | null;
}

/** `b` is new to a session that remembers `a`. */
export interface CoVisit {
  readonly kind: "covisit";
  readonly person: string;
  readonly a: string;
  readonly b: string;
  readonly at: EventTime;
}

/** Told at the session's last act plus the gap; told again if a late act changes an ended session. */
export interface SessionEnd {
  readonly kind: "session-end";
  readonly person: string;
  readonly session: SessionView;
  readonly at: EventTime;
}

/** What the journal holds of a person, for definitions that came into force after `before`. */
export interface PastSignal {
  readonly kind: "past";
  readonly person: string;
  readonly before: EventTime;
  /** Oldest first. */
  readonly steps: readonly Step[];
}

export type SessionSignal = Step | CoVisit | SessionEnd;

/** One piece of evidence for an intent. */
export interface IntentEvidence {
  /** The tracker's id of the event. */
  readonly event: string;
  readonly type: string;
  readonly at: EventTime;
  /** Log-odds the event added. */
  readonly weight: number;
  readonly why: string;
}

/** The intent changed. `quiet`: it fell back to browsing, which is nobody's news but the recommender's. */
export interface IntentSignal {
  readonly kind: "intent";
  readonly person: string;
  /** One of `intents.yaml`. */
  readonly intent: string;
  readonly probability: number;
  /** By intent. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** That something is put in the cart or paid within 30 minutes. */
  readonly purchase: number;
  readonly session: string;
  readonly at: EventTime;
  readonly evidence: readonly IntentEvidence[];
  readonly sku: string | null;
  readonly category: string | null;
  readonly quiet: boolean;
}

/** Where a person stands with a segment changed, or what was said of it before is corrected. */
export interface SegmentSignal {
  readonly kind: "segment";
  readonly person: string;
  readonly segment: string;
  readonly member: boolean;
  readonly at: EventTime;
  readonly reason: string;
  readonly evidence: readonly EventEvidence[];
  readonly version: string;
  readonly ref: string;
  /** The message that this one takes the place of, and the time that one named. */
  readonly supersedes: string | null;
  readonly insteadOf: EventTime | null;
  /** It takes back a turn of the other direction that never was. */
  readonly undoes: boolean;
}

/** Where a person stands by what another operator knows: at a stage, in a scene, with a tag … */
export interface StandingOf {
  readonly kind: "standing";
  readonly person: string;
  readonly topic: "life" | "scene" | "tag" | "affinity" | "rank";
  readonly value: string;
  /** False: not any more. */
  readonly on: boolean;
  readonly at: EventTime;
  /** When what this takes the place of was to be; left out where it corrects nothing. */
  readonly insteadOf?: EventTime | null;
}
export type StandingSignal = IntentSignal | StandingOf;

export interface EventEvidence {
  readonly event: string;
  readonly id: string;
  readonly time: string;
}
