import { type EventTime, MAX_TIME, MIN_TIME, type Millis } from "../../src/time/event-time.ts";
import { type Timeline, Trace } from "./condition/timeline.ts";
import type { Turn } from "./segment-told.ts";

/**
 * Membership that is left by the clock alone: entered when `level` comes true, or when something
 * `active` comes while it is true; left once nothing active and no entry lies within `after`.
 * `active` is true while something active does. `stood`: how it stood just before both begin.
 */
export function latched(level: Timeline, active: Timeline, after: Millis, stood: Turn): Timeline {
  const trace = new Trace(stood.member, MIN_TIME);
  let { member, at: entered } = stood;
  let isTrue = level.before;
  let isActive = active.before;
  const turn = (to: boolean, at: EventTime): void => {
    member = to;
    if (to) entered = at;
    trace.is(to, at);
  };
  const leaveBefore = (next: EventTime): void => {
    const over = (entered + after + 1) as EventTime;
    if (member && !isActive && over < next) turn(false, over);
  };
  let i = 0;
  let k = 0;
  while (i < level.turns.length || k < active.turns.length) {
    const at = Math.min(level.turns[i] ?? MAX_TIME, active.turns[k] ?? MAX_TIME) as EventTime;
    leaveBefore(at);
    const before = [isTrue, isActive];
    if (level.turns[i] === at) {
      isTrue = !isTrue;
      i += 1;
    }
    if (active.turns[k] === at) {
      isActive = !isActive;
      k += 1;
    }
    const comes = isTrue && (!before[0] || (isActive && !before[1]));
    if (member && !isActive && at > entered + after) turn(false, at);
    else if (!member && comes) turn(true, at);
  }
  leaveBefore(MAX_TIME);
  return trace.timeline();
}
