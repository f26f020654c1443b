import { type EventTime, type Millis, since } from "../time/event-time.ts";
import type { Mark } from "./marks.ts";

/** One step after another; a mark's role is the number of its step. */
export interface SequenceSpec {
  /** By step: longest time since the step before, closed; of the first step without meaning. */
  readonly within: readonly (Millis | null)[];
}

/** The marks of a complete sequence, one a step; it came true with the last. */
export type Sequence = readonly Mark[];

/**
 * Every sequence complete at or before `now`, in order. A step is a latch: it waits for the first
 * fitting event of the next step, which uses it up, while a newer event of its own takes its place.
 * One event never plays two steps of one sequence; where it fits several, its later steps go into the
 * list first, so that it ends a sequence before it begins the next.
 */
export function sequencesUpTo(
  marks: readonly Mark[],
  { within }: SequenceSpec,
  now: EventTime,
): Sequence[] {
  const found: Sequence[] = [];
  const latches: (Sequence | undefined)[] = within.map(() => undefined);
  for (const mark of marks) {
    const [at, step] = mark;
    if (at > now) break;
    if (step === 0) latches[0] = [mark];
    else advance(latches, mark, within[step] ?? null);
    const complete = latches[within.length - 1];
    if (complete === undefined) continue;
    found.push(complete);
    latches[within.length - 1] = undefined;
  }
  return found;
}

function advance(latches: (Sequence | undefined)[], mark: Mark, within: Millis | null): void {
  const [at, step, id] = mark;
  const before = latches[step - 1];
  const last = before?.at(-1);
  if (before === undefined || last === undefined || last[2] === id) return;
  if (within !== null && since(at, last[0]) > within) return;
  latches[step - 1] = undefined;
  latches[step] = [...before, mark];
}
