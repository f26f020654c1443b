import { type EventTime, MIN_TIME } from "../../../src/time/event-time.ts";

/** How a truth goes from some time on: what it is just before, and the times at which it turns. */
export interface Timeline {
  readonly before: boolean;
  /** Ascending; each turns it over. */
  readonly turns: readonly EventTime[];
}

export const NEVER: Timeline = { before: false, turns: [] };
const EVER: Timeline = { before: true, turns: [] };

export const negated = ({ before, turns }: Timeline): Timeline => ({ before: !before, turns });

/** The truth at a time that the timeline covers. */
export function truthAt({ before, turns }: Timeline, at: EventTime): boolean {
  let truth = before;
  for (const turn of turns) {
    if (turn > at) break;
    truth = !truth;
  }
  return truth;
}

/** True when all (or any) of them are. */
export function joined(op: "all" | "any", parts: readonly Timeline[]): Timeline {
  const only = parts[0];
  if (parts.length === 1 && only !== undefined) return only;
  const needed = op === "all" ? parts.length : 1;
  const settled = stated(parts, needed);
  if (settled !== undefined) return settled;
  let count = 0;
  const changes: (readonly [at: EventTime, by: number])[] = [];
  for (const { before, turns } of parts) {
    let truth = before;
    if (truth) count += 1;
    for (const at of turns) {
      truth = !truth;
      changes.push([at, truth ? 1 : -1]);
    }
  }
  changes.sort((a, b) => a[0] - b[0]);
  const trace = new Trace(count >= needed, MIN_TIME);
  for (const [at, by] of changes) {
    count += by;
    trace.is(count >= needed, at);
  }
  return trace.timeline();
}

/** The whole where no part ever turns; undefined where one does. */
function stated(parts: readonly Timeline[], needed: number): Timeline | undefined {
  let count = 0;
  for (const { before, turns } of parts) {
    if (turns.length > 0) return undefined;
    if (before) count += 1;
  }
  return count >= needed ? EVER : NEVER;
}

/** Writes down a truth as time passes, from `from` on; what is said last of a millisecond counts. */
export class Trace {
  readonly #from: EventTime;
  readonly #turns: EventTime[] = [];
  #before: boolean;
  #now: boolean;

  constructor(before: boolean, from: EventTime) {
    this.#from = from;
    this.#before = before;
    this.#now = before;
  }

  /** From `at` on; times never go back. */
  is(truth: boolean, at: EventTime): void {
    if (truth === this.#now) return;
    this.#now = truth;
    if (at < this.#from) this.#before = truth;
    else if (this.#turns.at(-1) === at) this.#turns.pop();
    else this.#turns.push(at);
  }

  timeline(): Timeline {
    return { before: this.#before, turns: this.#turns };
  }
}
