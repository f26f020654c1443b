import type { Constraint, Matcher, Test } from "../../../src/config/condition-ast.ts";
import { type EventTime, isoTime } from "../../../src/time/event-time.ts";
import type { EventEvidence } from "../signals.ts";
import type { Seen } from "./leaf.ts";
import type { Timeline } from "./timeline.ts";

/**
 * How a piece of a definition stands at a moment, in figures that anybody with the events can check.
 * JSON, part of what `ask.explain` answers.
 */
export interface Reading {
  /** The events it looks for. */
  readonly what?: string;
  readonly within_ms?: number;
  /** The property that is summed. */
  readonly field?: string;
  /** What it counts, sums or scores now; exact below `need`, from there on at least so much. */
  readonly have?: number;
  /** It is true from so much on, or above it where `more_than` is set. */
  readonly need?: number;
  readonly more_than?: true;
  /** What is lacking now, and until when exactly that is enough. */
  readonly lacking?: { readonly amount: number; readonly by?: string };
  /** What is counted: different sessions, or different values of a property. */
  readonly distinct?: string;
  readonly values?: readonly string[];
  /** What all that counts has in common, and of what there is most now. */
  readonly same?: string;
  readonly group?: string;
  /** A score that is on stays so down to this. */
  readonly off_below?: number;
  readonly sources?: readonly string[];
  readonly sources_needed?: number;
  /** The thing that a sum is of: the latest. */
  readonly thing?: string;
  readonly topic?: string;
  readonly value?: string;
  /** Oldest first; of more than are shown, the newest. */
  readonly evidence?: readonly EventEvidence[];
}

/** A level condition at a moment. */
export interface ExplainedWhen extends Reading {
  readonly op: string;
  readonly holds: boolean;
  /** When it turned; left out when that was longer ago than turns are known. */
  readonly since?: string;
  /** When it turns by itself if nothing comes. */
  readonly until?: string;
  readonly of?: readonly ExplainedWhen[];
}

/** What is under way in a trigger, for one partition. */
export interface Waiting extends Reading {
  /** Values of the key that keeps it apart; empty for the person alone. */
  readonly partition: string;
  /** When it fires if nothing comes. */
  readonly due?: string;
  /** The step of a sequence that is reached, and the last moment for the next one. */
  readonly step?: string;
  readonly next_by?: string;
  readonly tier?: string;
}

/** A trigger at a moment. */
export interface ExplainedTrigger extends Reading {
  readonly op: string;
  /** When it fires next if nothing comes. */
  readonly next?: string;
  readonly waiting?: readonly Waiting[];
  /** What ended something that waited, the newest last. */
  readonly cancelled_by?: readonly { readonly id: string; readonly time: string }[];
  readonly when?: ExplainedWhen;
  readonly of?: readonly ExplainedTrigger[];
}

/** The moment that is explained, and since when turns are known. */
export interface Moment {
  readonly at: EventTime;
  readonly from: EventTime;
}

/** Events that are shown of one leaf. */
const SHOWN = 50;

export const shownEvents = (events: readonly Seen[]): readonly EventEvidence[] =>
  events.slice(-SHOWN).map(([at, id, event]) => ({ event, id, time: isoTime(at) }));

/** Where a truth stands at a moment. */
export function standsAt({ before, turns }: Timeline, { at }: Moment) {
  const passed = turns.filter((turn) => turn <= at);
  const last = passed.at(-1);
  const next = turns[passed.length];
  return {
    holds: passed.length % 2 === 0 ? before : !before,
    ...(last === undefined ? {} : { since: isoTime(last) }),
    ...(next === undefined ? {} : { until: isoTime(next) }),
  };
}

/** A score as it is shown; floats are told to a millionth. */
export const shownScore = (score: number): number => Math.round(score * 1e6) / 1e6;

/** A matcher as its file may have said it: `premium_view (product.viewed, sku.line = premium)`. */
export function textOfMatcher({ name, events, where }: Matcher): string {
  const text = [events.join(" | "), ...where.map(textOfConstraint)].join(", ");
  return name === undefined ? text : `${name} (${text})`;
}

const textOfConstraint = ({ field, tests }: Constraint): string => {
  const name = field.of === "event" ? field.name : `${field.of}.${field.name}`;
  return tests.map((test) => `${name} ${textOfTest(test)}`).join(" and ");
};

const SIGNS = { gte: "≥", gt: ">", lte: "≤", lt: "<" } as const;

function textOfTest(test: Test): string {
  switch (test.op) {
    case "eq":
      return `= ${test.value}`;
    case "in":
      return `in ${test.values.join(" | ")}`;
    case "any":
      return `contains ${test.texts.join(" | ")}`;
    case "prefix":
      return `begins with ${test.text}`;
    default:
      return `${SIGNS[test.op]} ${test.value}`;
  }
}
