import { type EventTime, type Millis, plus, since } from "../time/event-time.ts";
import type { Mark } from "./marks.ts";

/** Roles of a run's marks: all are of the kind that is looked at, the others do not fit. */
export const FITS = 0;
export const BREAKS = 1;

export interface RunSpec {
  /** Longest time from one event to the next, closed; past it the run is over. */
  readonly maxGap: Millis | null;
  /** `label` counts each label once, `event` every event. */
  readonly distinct: "label" | "event";
}

export interface RunLength {
  readonly length: number;
  /** The marks of the run, oldest first. */
  readonly marks: readonly Mark[];
}

/** The consecutive fitting events that end with the last event at or before `at`. */
export function runAt(
  marks: readonly Mark[],
  { maxGap, distinct }: RunSpec,
  at: EventTime,
): RunLength {
  const run: Mark[] = [];
  let later = at;
  for (const mark of marks.toReversed()) {
    if (mark[0] > at) continue;
    const apart = maxGap !== null && since(later, mark[0]) > maxGap;
    if (mark[1] !== FITS || apart) break;
    run.push(mark);
    later = mark[0];
  }
  const length =
    distinct === "event" ? run.length : new Set(run.map(([, , , label]) => label)).size;
  return { length, marks: run.reverse() };
}

/** The first moment after `at` at which the run is over unless something comes. */
export function runOverAt(
  marks: readonly Mark[],
  spec: RunSpec,
  at: EventTime,
): EventTime | undefined {
  const last = runAt(marks, spec, at).marks.at(-1);
  if (last === undefined || spec.maxGap === null) return undefined;
  return (plus(last[0], spec.maxGap) + 1) as EventTime;
}
