import type { Decay, Weight } from "../../../src/config/condition-ast.ts";
import { type EventTime, MIN_TIME, type Millis } from "../../../src/time/event-time.ts";
import { type Reading, shownScore, textOfMatcher } from "./explained.ts";
import type { LevelLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import { type Machine, type MachineHistory, type Mark, stateAt } from "./machine.ts";
import { machineLevel } from "./machine-leaf.ts";
import type { Occurrence } from "./occurrence.ts";

const SHOWN_MARKS = 5;
/** Below this part of the bound a score that is off is as good as none. */
const FORGOTTEN = 1e-6;

/**
 * The score as of a time, whether it is on, the last marks that changed it, and the millisecond at
 * which it went off by itself: an event of that very millisecond may keep it on.
 */
type DecayState = readonly [
  at: EventTime,
  score: number,
  on: boolean,
  marks: readonly Mark[],
  off: number,
];

/** A fading score that is on from `onAt` up, and off below `offAt`. */
export function decayLevel(decay: Decay): LevelLeaf<MachineHistory<DecayState>> {
  const { add, halfLife, onAt, offAt, sources } = decay;
  const machine = decayMachine(decay);
  const level = machineLevel({
    key: leafKey("decay", add, halfLife, onAt, offAt, ...(sources === undefined ? [] : [sources])),
    matchers: add.map(({ of }) => of),
    machine,
    reading: (state, at) => decayReading(decay, state, at),
    parts(occurrence) {
      const value = weightOf(add, occurrence);
      const label = occurrence.event.touchpoint;
      return value === undefined ? [] : [{ role: 0, label, value, bound: null, partition: "" }];
    },
  });
  const stateOf = (history: MachineHistory<DecayState> | undefined, at: EventTime) =>
    history === undefined ? null : stateAt(machine, history, at);
  return {
    ...level,
    score(history, at) {
      const state = stateOf(history, at);
      return state === null ? 0 : faded(state[1], at - state[0], halfLife);
    },
    sources(history, at) {
      const state = stateOf(history, at);
      return state === null ? [] : sourcesOf(state[3], at, halfLife);
    },
  };
}

/** What an event adds to a score; undefined when it meets no matcher. */
export function weightOf(
  add: readonly Weight[],
  { event, met }: Pick<Occurrence, "event" | "met">,
): number | undefined {
  let sum = 0;
  let counts = false;
  for (const { of, weight, field } of add) {
    if (!met.includes(of.index)) continue;
    const measure = field === null ? 1 : event.props[field];
    if (typeof measure !== "number") continue;
    counts = true;
    sum += weight * measure;
  }
  return counts ? sum : undefined;
}

/** What is left of a score after some time. */
export const faded = (score: number, after: number, halfLife: Millis | null): number =>
  halfLife === null ? score : score * 2 ** (-after / halfLife);

/** The last time, from `at` on, at which a score of then is still `bound` or more. */
export function lastAbove(
  at: EventTime,
  score: number,
  bound: number,
  halfLife: Millis,
): EventTime {
  let after = Math.floor(halfLife * Math.log2(score / bound));
  while (faded(score, after + 1, halfLife) >= bound) after += 1;
  while (after > 0 && faded(score, after, halfLife) < bound) after -= 1;
  return (at + after) as EventTime;
}

/** The touchpoints of marks that are no older than two half-lives. */
const sourcesOf = (marks: readonly Mark[], at: EventTime, halfLife: Millis | null): string[] => {
  const since = halfLife === null ? MIN_TIME : at - 2 * halfLife;
  return [...new Set(marks.filter((mark) => mark[0] >= since).map((mark) => mark[4]))];
};

/** The newest marks; where touchpoints count, the newest of each is among them. */
function shownMarks(marks: readonly Mark[], sources: number): readonly Mark[] {
  const newest = marks.slice(-SHOWN_MARKS);
  if (sources === 1) return newest;
  return marks.filter(
    (mark, i) =>
      newest.includes(mark) || marks.findLastIndex((other) => other[4] === mark[4]) === i,
  );
}

function decayReading(decay: Decay, state: DecayState | null, at: EventTime): Reading {
  const { add, halfLife, onAt, offAt, sources = 1 } = decay;
  const score = state === null ? 0 : faded(state[1], at - state[0], halfLife);
  const isOn = state?.[2] === true;
  return {
    what: add.map(({ of }) => textOfMatcher(of)).join("; "),
    have: shownScore(score),
    need: onAt,
    off_below: offAt,
    ...(isOn || score >= onAt ? {} : { lacking: { amount: shownScore(onAt - score) } }),
    ...(sources === 1
      ? {}
      : {
          sources: state === null ? [] : sourcesOf(state[3], at, halfLife),
          sources_needed: sources,
        }),
  };
}

function decayMachine({ halfLife, onAt, offAt, sources = 1 }: Decay): Machine<DecayState> {
  return {
    take(state, mark) {
      const [at, score, on, marks, off] = state ?? [mark[0], 0, false, [], 0];
      const now = faded(score, mark[0] - at, halfLife) + mark[5];
      const shown = shownMarks([...marks, mark], sources);
      const stays = (on || off === mark[0]) && now >= offAt;
      const comes = now >= onAt && sourcesOf(shown, mark[0], halfLife).length >= sources;
      return [mark[0], now, stays || comes, shown, 0];
    },
    wake: ([at, score, on]) =>
      on && halfLife !== null ? lastAbove(at, score, offAt, halfLife) : undefined,
    woken: ([at, score, , marks], last) => [at, score, false, marks, last + 1],
    holds: ([, , on]) => on,
    marks: ([, , , marks]) => marks,
    pruned(state, from) {
      const [at, score, on, marks] = state;
      if (sources > 1 && sourcesOf(marks, from, halfLife).length > 0) return state;
      return !on && Math.abs(faded(score, from - at, halfLife)) < offAt * FORGOTTEN ? null : state;
    },
  };
}
