import type { Sum } from "../../../src/config/condition-ast.ts";
import { valuesOf } from "./bound.ts";
import { type Reading, shownScore, textOfMatcher } from "./explained.ts";
import type { LevelLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import type { Machine, MachineHistory, Mark } from "./machine.ts";
import { machineLevel, type Part } from "./machine-leaf.ts";

/** Roles: in one millisecond the thing comes before what belongs to it. */
const THING = 0;
const MATCH = 1;
const SHOWN_MARKS = 5;

/** The thing that is the latest, what was added for it, and the last marks that did. */
type SumState = readonly [thing: string, sum: number, marks: readonly Mark[]];

/** What belongs to the latest thing adds up to enough. Before there is a thing nothing counts. */
export function sumPerLatest(
  sum: Sum & { readonly per: NonNullable<Sum["per"]> },
): LevelLeaf<MachineHistory<SumState>> {
  const { of, field, bound, per } = sum;
  return machineLevel({
    key: leafKey("sum", of, field, bound, per),
    matchers: [per.latest, of],
    machine: sumMachine(sum),
    reading: (state) => ({
      what: textOfMatcher(of),
      field,
      ...(state === null ? {} : { thing: state[0] }),
      ...reached(bound, state?.[1] ?? 0, {}),
    }),
    parts({ event, met }) {
      const thing = valuesOf(event, per.key)[0] ?? "";
      const value = event.props[field];
      const parts: Part[] = [];
      if (met.includes(per.latest.index) && thing !== "") {
        parts.push({ role: THING, label: thing, value: 0, bound: null, partition: "" });
      }
      if (met.includes(of.index) && typeof value === "number") {
        parts.push({ role: MATCH, label: thing, value, bound: null, partition: "" });
      }
      return parts;
    },
  });
}

/** Whether an amount reaches a bound: 以上 includes it, 超过 does not. */
export const reaches = ({ op, value }: Sum["bound"], amount: number): boolean =>
  op === "at_least" ? amount >= value : amount > value;

/** How far an amount is from a bound. */
export const reached = (
  bound: Sum["bound"],
  have: number,
  by: { readonly by?: string },
): Reading => ({
  have: shownScore(have),
  need: bound.value,
  ...(bound.op === "more_than" ? { more_than: true as const } : {}),
  ...(reaches(bound, have) ? {} : { lacking: { amount: shownScore(bound.value - have), ...by } }),
});

function sumMachine({ bound }: Sum): Machine<SumState> {
  return {
    take(state, mark) {
      const [, role, , , label, value] = mark;
      if (role === THING) return state?.[0] === label ? state : [label, 0, []];
      if (state === null || (label !== "" && label !== state[0])) return state;
      const [thing, sum, marks] = state;
      return [thing, sum + value, [...marks, mark].slice(-SHOWN_MARKS)];
    },
    wake: () => undefined,
    woken: (state) => state,
    holds: ([, sum]) => reaches(bound, sum),
    marks: ([, , marks]) => marks,
  };
}
