import { type EventTime, latest } from "../../../src/time/event-time.ts";
import { insertAt } from "../insert.ts";
import type { BoundValues, Firing, Seen } from "./leaf.ts";
import { NEVER, type Timeline, Trace } from "./timeline.ts";

/**
 * One event as a machine sees it: when, the part it plays there, the tracker's id, the place of its
 * type among those the leaf listens to, and what the part needs of it. Plain data.
 */
export type Mark = [
  at: EventTime,
  role: number,
  id: string,
  type: number,
  label: string,
  value: number,
  bound: BoundValues | null,
];

/** What came out of a step: the events that made it fire and what rules may say of them. */
export type Fire = (
  fired: Pick<Firing, "trigger" | "bound"> & { readonly marks: readonly Mark[] },
) => void;

/**
 * A condition that depends on the order of things, as steps over plain states. States are never
 * changed: a step gives another one. `null` is the state of one who did nothing.
 */
export interface Machine<State> {
  /** An event; those of one millisecond come by role, then id. */
  take(state: State | null, mark: Mark, fire: Fire): State | null;
  /** The last millisecond, its events included, for which the state stays if nothing comes. */
  wake(state: State): EventTime | undefined;
  /** What it is after that. */
  woken(state: State, at: EventTime, fire: Fire): State | null;
  holds(state: State): boolean;
  /** The marks that made it what it is, oldest first. */
  marks(state: State): readonly Mark[];
  /** Of two states of one moment; where it is left out, that of the later mark counts. */
  join?(a: State, b: State): State;
  /** The state without what no longer matters from a time on. */
  pruned?(state: State, from: EventTime): State | null;
}

/** The state as of `folded`, before which nothing changes any more, and the marks from there on. */
export type MachineHistory<State> = [state: State | null, folded: EventTime, marks: Mark[]];

/** Marks of one history that may still be re-judged; beyond that the oldest are taken as settled. */
const KEPT_MARKS = 256;

export const noMarks = <State>(): MachineHistory<State> => [null, 0 as EventTime, []];

/** Puts a mark in its place; one before what is settled changes nothing any more. */
export function insertMark<State>(
  history: MachineHistory<State>,
  mark: Mark,
  machine: Machine<State>,
): void {
  const [, folded, marks] = history;
  if (mark[0] < folded) return;
  let place = marks.length;
  while (place > 0 && isBefore(mark, marks[place - 1] as Mark)) place -= 1;
  insertAt(marks, place, mark);
  const spare = marks[marks.length - KEPT_MARKS];
  if (spare !== undefined && marks.length > KEPT_MARKS) fold(history, spare[0], machine);
}

/** The order of marks: by time, then part, then id. */
export function isBefore(a: Mark, b: Mark): boolean {
  if (a[0] !== b[0]) return a[0] < b[0];
  return a[1] !== b[1] ? a[1] < b[1] : a[2] < b[2];
}

/** Settles what is before `horizon`; true when nothing is left to remember. */
export function fold<State>(
  history: MachineHistory<State>,
  horizon: EventTime,
  machine: Machine<State>,
): boolean {
  const [before, , marks] = history;
  const first = marks[0];
  if (before === null && first !== undefined && first[0] >= horizon) {
    history[1] = latest(history[1], horizon);
    return false;
  }
  const kept = marks.findIndex(([at]) => at >= horizon);
  const settled = marks.splice(0, kept < 0 ? marks.length : kept);
  let state = before;
  const step = (next: State | null) => {
    state = next;
  };
  walk(machine, before, settled, (horizon - 1) as EventTime, { step });
  if (state !== null && machine.pruned !== undefined) state = machine.pruned(state, horizon);
  history[0] = state;
  history[1] = latest(history[1], horizon);
  return state === null && marks.length === 0;
}

/** Joins another's history: both settled to the later of their horizons, their marks as one. */
export function joinMarks<State>(
  into: MachineHistory<State>,
  from: MachineHistory<State>,
  machine: Machine<State>,
): void {
  const horizon = latest(into[1], from[1]);
  fold(into, horizon, machine);
  fold(from, horizon, machine);
  into[0] = joinStates(into[0], from[0], machine);
  for (const mark of from[2]) insertMark(into, mark, machine);
}

function joinStates<State>(a: State | null, b: State | null, machine: Machine<State>) {
  if (a === null || b === null) return a ?? b;
  if (machine.join !== undefined) return machine.join(a, b);
  const last = (state: State) => machine.marks(state).at(-1)?.[0] ?? 0;
  return last(b) > last(a) ? b : a;
}

interface Visitor<State> {
  /** The state from `at` on. */
  readonly step?: (state: State | null, at: EventTime) => void;
  readonly fire?: (firing: Parameters<Fire>[0], at: EventTime, by: Firing["by"]) => void;
}

/** Runs a machine over marks, and on by the clock up to the end of the millisecond `until`. */
export function walk<State>(
  machine: Machine<State>,
  from: State | null,
  marks: readonly Mark[],
  until: EventTime,
  visitor: Visitor<State>,
): State | null {
  const { step, fire } = visitor;
  let state = from;
  for (const mark of marks) {
    const at = mark[0];
    if (at > until) break;
    state = wokenUntil(machine, state, (at - 1) as EventTime, visitor);
    const told: Fire = fire === undefined ? UNHEARD : (fired) => fire(fired, at, "event");
    state = machine.take(state, mark, told);
    step?.(state, at);
  }
  return wokenUntil(machine, state, until, visitor);
}

function wokenUntil<State>(
  machine: Machine<State>,
  from: State | null,
  end: EventTime,
  { step, fire }: Visitor<State>,
): State | null {
  let state = from;
  while (state !== null) {
    const at = machine.wake(state);
    if (at === undefined || at > end) return state;
    const told: Fire = fire === undefined ? UNHEARD : (fired) => fire(fired, at, "clock");
    state = machine.woken(state, at, told);
    step?.(state, (at + 1) as EventTime);
  }
  return state;
}

const UNHEARD: Fire = () => undefined;

/** The level of a machine from `from` on. */
export function timelineOf<State>(
  machine: Machine<State>,
  history: MachineHistory<State>,
  from: EventTime,
): Timeline {
  const [state, , marks] = history;
  if (state === null && marks.length === 0) return NEVER;
  const holds = (now: State | null) => now !== null && machine.holds(now);
  const trace = new Trace(holds(state), from);
  const step = (now: State | null, at: EventTime) => trace.is(holds(now), at);
  walk(machine, state, marks, Number.MAX_SAFE_INTEGER as EventTime, { step });
  return trace.timeline();
}

/** The state just after the events of `at`; what is settled stands for all before it. */
export function stateAt<State>(
  machine: Machine<State>,
  [state, , marks]: MachineHistory<State>,
  at: EventTime,
): State | null {
  let now = state;
  walk(machine, state, marks, at, {
    step(next, from) {
      if (from <= at) now = next;
    },
  });
  return now;
}

export const seenOf = (mark: Mark, types: readonly string[]): Seen => [
  mark[0],
  mark[2],
  types[mark[3]] ?? "",
];
