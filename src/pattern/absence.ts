import { type EventTime, type Millis, plus } from "../time/event-time.ts";
import type { Mark } from "./marks.ts";

/** Roles of an absence's marks. */
export const TRIGGER = 0;
export const CANCEL = 1;

export interface AbsenceSpec {
  /** A cancelling event at the end of it, to the millisecond, still counts. */
  readonly within: Millis;
  /** What a second trigger does while the time runs: nothing, or begin it anew. */
  readonly restart: "keep" | "latest";
}

/** What did not come: from its trigger on, true at `at`, after the events of that millisecond. */
export interface Absence {
  readonly trigger: Mark;
  readonly at: EventTime;
}

/** Every absence that came true at or before `now`, oldest first; each trigger counts once. */
export function absencesUpTo(marks: readonly Mark[], spec: AbsenceSpec, now: EventTime): Absence[] {
  return walk(marks, spec, now).found;
}

/** When the next one comes true if nothing comes in between: where a timer belongs. */
export function nextAbsence(
  marks: readonly Mark[],
  spec: AbsenceSpec,
  now: EventTime,
): EventTime | undefined {
  const { open } = walk(marks, spec, now);
  return open === undefined ? undefined : plus(open[0], spec.within);
}

function walk(marks: readonly Mark[], { within, restart }: AbsenceSpec, now: EventTime) {
  const found: Absence[] = [];
  let open: Mark | undefined;
  const settle = (before: EventTime) => {
    if (open === undefined || plus(open[0], within) >= before) return;
    found.push({ trigger: open, at: plus(open[0], within) });
    open = undefined;
  };
  for (const mark of marks) {
    const [at, role] = mark;
    if (at > now) break;
    settle(at);
    if (role === CANCEL) open = undefined;
    else if (open === undefined || restart === "latest") open = mark;
  }
  settle((now + 1) as EventTime);
  return { found, open };
}
