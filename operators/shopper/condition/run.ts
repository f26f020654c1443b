import type { Run } from "../../../src/config/condition-ast.ts";
import { isoTime, plus } from "../../../src/time/event-time.ts";
import { valuesOf } from "./bound.ts";
import { type Reading, textOfMatcher } from "./explained.ts";
import type { LevelLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import type { Machine, MachineHistory, Mark } from "./machine.ts";
import { machineLevel, type Part } from "./machine-leaf.ts";

/** Roles: what breaks a run comes after what fits it, in one millisecond. */
const FITS = 0;
const BREAKS = 1;

/** The time of the run's last event, and as many of its marks as are needed, each label once. */
type RunState = readonly [last: Mark[0], marks: readonly Mark[]];

/** So many matches in a row among other events. */
export function runLevel(run: Run): LevelLeaf<MachineHistory<RunState>> {
  const { of, among, distinct, atLeast, maxGap } = run;
  return machineLevel({
    key: leafKey("run", of, among, distinct, atLeast, maxGap),
    matchers: [of, among],
    machine: runMachine(run),
    reading: (state) => runReading(run, state),
    parts({ event, met }): readonly Part[] {
      const fits = met.includes(of.index);
      const labels = fits && distinct !== "event" ? valuesOf(event, distinct) : [""];
      const role = fits ? FITS : BREAKS;
      return labels.map((label) => ({ role, label, value: 0, bound: null, partition: "" }));
    },
  });
}

function runReading({ of, atLeast, distinct, maxGap }: Run, state: RunState | null): Reading {
  const marks = state?.[1] ?? [];
  const have = marks.length;
  const by = state === null || maxGap === null ? {} : { by: isoTime(plus(state[0], maxGap)) };
  return {
    what: textOfMatcher(of),
    have,
    need: atLeast,
    ...(have >= atLeast ? {} : { lacking: { amount: atLeast - have, ...by } }),
    ...(distinct === "event" ? {} : { distinct, values: marks.map((mark) => mark[4]) }),
  };
}

function runMachine({ distinct, atLeast, maxGap }: Run): Machine<RunState> {
  return {
    take(state, mark) {
      if (mark[1] === BREAKS) return null;
      const marks = state?.[1] ?? [];
      const counted = distinct !== "event" && marks.some((other) => other[4] === mark[4]);
      const kept = counted ? marks : [...marks, mark];
      return [mark[0], kept.length > atLeast ? kept.slice(1) : kept];
    },
    wake: ([last]) => (maxGap === null ? undefined : plus(last, maxGap)),
    woken: () => null,
    holds: ([, marks]) => marks.length >= atLeast,
    marks: ([, marks]) => marks,
  };
}
