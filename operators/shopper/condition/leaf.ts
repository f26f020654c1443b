import type { Topic } from "../../../src/config/condition-ast.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { Reading, Waiting } from "./explained.ts";
import type { Occurrence } from "./occurrence.ts";
import type { Timeline } from "./timeline.ts";

/** An event as evidence: when, the tracker's id of it, its type. */
export type Seen = readonly [at: EventTime, id: string, type: string];

/** What another part says of a person from `at` on; a tag is on or off, others have one value at a time. */
export interface StandingChange {
  readonly topic: Topic;
  readonly value: string;
  readonly on: boolean;
  readonly at: EventTime;
  /** When what this takes the place of was to be; null when it corrects nothing. */
  readonly insteadOf: EventTime | null;
  /** What rules may say of it: `$intent.sku`. */
  readonly bound: BoundValues;
}

export type BoundValues = Readonly<Record<string, string | number | boolean>>;

/**
 * One piece of a definition with the part of a person's history that it needs. Histories are plain
 * data, filed by key, undefined as long as there is nothing to remember; a leaf may change the one
 * it is handed, as far as `copyHistories` copies it. Whatever order a history came in, within the bounds of what is kept, it says the
 * same: late events need no undoing.
 */
export interface Leaf<History = unknown> {
  /** Of its content: leaves with equal keys share one history. */
  readonly key: string;
  /** Indexes of the matchers whose events concern it. */
  readonly listens: readonly number[];
  /**
   * Joins what was known of somebody who turned out to be this person. Exact as far as nothing of
   * either is settled; what is settled of one is taken as it stands.
   */
  join(into: History, from: History): History;
  /** What it follows of what other parts say. */
  readonly follows: { readonly topic: Topic; readonly value: string } | null;
  add(history: History | undefined, occurrence: Occurrence): History | undefined;
  /** For leaves that follow something. Another history where it turns, or may be said more of; else the same. */
  stand?(history: History | undefined, change: StandingChange): History | undefined;
  /** A leaf whose history it reads beside its own: one that many share. */
  readonly uses?: Leaf;
  /**
   * Leaves out what no longer matters from `horizon` on, before which nothing changes any more.
   * Histories that are used by others are thinned after those of their users.
   */
  thin(history: History, horizon: EventTime, all: Histories): History | undefined;
}

/** A level: true over stretches of time. */
export interface LevelLeaf<History = unknown> extends Leaf<History> {
  /** From `from` on, as far as is known now; it stays so if nothing more comes. */
  timeline(history: History | undefined, from: EventTime): Timeline;
  /** The events that make it what it is just after those of `at`, oldest first. */
  evidence(history: History | undefined, at: EventTime): readonly Seen[];
  /** How it stands just after the events of `at`, in figures; `evidence` is added by who asks. */
  reading(history: History | undefined, at: EventTime): Reading;
  /** The events of this very millisecond that are part of it. */
  happened(history: History | undefined, at: EventTime): readonly Seen[];
  /** Before this time it is settled, and asked for no more; MIN_TIME where all that is kept counts. */
  settled?(history: History): EventTime;
  /** Where it is a score: as it is just after the events of `at`, and the touchpoints it came from. */
  score?(history: History | undefined, at: EventTime): number;
  sources?(history: History | undefined, at: EventTime): readonly string[];
  /** What rules may say of what it follows. */
  bound?(history: History | undefined, at: EventTime): BoundValues | null;
}

/** What fires: at a moment, for a person and a partition (`""` is the person alone). */
export interface Firing {
  readonly at: EventTime;
  /** By the event of that moment, or because time passed. */
  readonly by: "event" | "clock";
  readonly partition: string;
  /** Tells apart firings of one partition and moment: the id of the event that began it. */
  readonly trigger: string;
  /** By name: `trigger`, the names of a sequence's steps, `intent`. */
  readonly bound: Readonly<Record<string, BoundValues>>;
  /** Oldest first. */
  readonly evidence: readonly Seen[];
}

/** An edge: fires at moments. Reads its own history among `all` of the person. */
export interface EdgeLeaf<History = unknown> extends Leaf<History> {
  /** What fires in `[from, to]`, oldest first, as far as is known now. */
  firings(all: Histories, from: EventTime, to: EventTime): readonly Firing[];
  /** The first moment after `after` at which it may fire if nothing more comes. */
  next(all: Histories, after: EventTime): EventTime | undefined;
  /** Whether what made it fire still stands at `at`: nothing has come since that would have stopped it. */
  stands(all: Histories, firing: Firing, at: EventTime): boolean;
  /** What it is, and what is under way just after the events of `at`. */
  reading(all: Histories, at: EventTime): EdgeReading;
}

export interface EdgeReading extends Reading {
  readonly waiting?: readonly Waiting[];
  readonly cancelled_by?: readonly { readonly id: string; readonly time: string }[];
}

/** Histories of one person by leaf key. */
export type Histories = Record<string, unknown>;

/** With lists of their own, and partitions; marks and matches are replaced, never changed, and shared. */
export function copyHistories(histories: Histories): Histories {
  const copy = { ...histories };
  for (const key in copy) {
    const history = copy[key];
    copy[key] = Array.isArray(history) ? copyLists(history) : copyPartitions(history as Histories);
  }
  return copy;
}

function copyPartitions(partitions: Histories): Histories {
  const copy = { ...partitions };
  for (const name in copy) copy[name] = copyLists(copy[name] as unknown[]);
  return copy;
}

function copyLists(list: readonly unknown[]): unknown[] {
  const copy = list.slice();
  for (let i = 0; i < copy.length; i += 1) {
    const inner = copy[i];
    if (Array.isArray(inner)) copy[i] = inner.slice();
  }
  return copy;
}
