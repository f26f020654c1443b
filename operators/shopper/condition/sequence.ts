import type { Sequence, SequenceStep } from "../../../src/config/condition-ast.ts";
import { type EventTime, isoTime, plus, since } from "../../../src/time/event-time.ts";
import { textOfMatcher } from "./explained.ts";
import type { BoundValues, EdgeLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import type { Fire, Machine, Mark } from "./machine.ts";
import { type EdgeHistory, machineEdge, type Part } from "./machine-leaf.ts";

/** By step: the marks so far of the sequence that waits for the next step; empty when none does. */
type Latches = readonly (readonly Mark[])[];

/**
 * One after another. A step is a latch: it waits for the first match of the next step, which uses it
 * up, while a newer event of its own takes its place. One event never plays two steps of one
 * sequence; it ends a sequence before it begins the next.
 */
export function sequenceEdge({ steps }: Sequence): EdgeLeaf<EdgeHistory<Latches>> {
  return machineEdge({
    key: leafKey("sequence", steps),
    matchers: steps.map(({ of }) => of),
    machine: sequenceMachine(steps),
    cancels: undefined,
    shown: { what: steps.map(({ of }) => textOfMatcher(of)).join(" and then ") },
    waiting: (latches) => reachedStep(latches, steps),
    parts({ met, bound }) {
      const parts: Part[] = [];
      // Later steps first.
      steps.forEach(({ of }, i) => {
        if (!met.includes(of.index)) return;
        parts.push({ role: steps.length - 1 - i, label: "", value: 0, bound, partition: "" });
      });
      return parts;
    },
  });
}

/** The furthest step that waits for the next, and how long it may. */
function reachedStep(latches: Latches, steps: readonly SequenceStep[]) {
  const step = latches.findLastIndex((marks) => marks.length > 0);
  const last = latches[step]?.at(-1);
  const within = steps[step + 1]?.within ?? null;
  return {
    step: steps[step]?.as ?? "",
    ...(last === undefined || within === null ? {} : { next_by: isoTime(plus(last[0], within)) }),
  };
}

function sequenceMachine(steps: readonly SequenceStep[]): Machine<Latches> {
  const last = steps.length - 1;
  const latched = (latches: Latches, step: number, marks: readonly Mark[]): Latches =>
    Array.from({ length: last }, (_, i) => (i === step ? marks : (latches[i] ?? [])));
  return {
    take(state, mark, fire) {
      const latches = state ?? [];
      const step = last - mark[1];
      if (step === 0) return latched(latches, 0, [mark]);
      const before = latches[step - 1] ?? [];
      if (!follows(before.at(-1), mark, steps[step]?.within ?? null)) return state;
      const used = latched(latches, step - 1, []);
      if (step < last) return latched(used, step, [...before, mark]);
      complete([...before, mark], steps, fire);
      return used.every((marks) => marks.length === 0) ? null : used;
    },
    wake: () => undefined,
    woken: (state) => state,
    holds: () => false,
    marks: (latches) => latches.flat(),
    pruned(latches, from) {
      const kept = latches.map((marks, i) =>
        isOver(marks.at(-1), steps[i + 1]?.within ?? null, from) ? [] : marks,
      );
      return kept.every((marks) => marks.length === 0) ? null : kept;
    },
  };
}

function follows(before: Mark | undefined, mark: Mark, within: SequenceStep["within"]): boolean {
  if (before === undefined || before[2] === mark[2]) return false;
  return within === null || since(mark[0], before[0]) <= within;
}

const isOver = (mark: Mark | undefined, within: SequenceStep["within"], from: EventTime): boolean =>
  mark !== undefined && within !== null && since(from, mark[0]) > within;

function complete(marks: readonly Mark[], steps: readonly SequenceStep[], fire: Fire): void {
  const bound: Record<string, BoundValues> = {};
  marks.forEach((mark, i) => {
    bound[steps[i]?.as ?? ""] = mark[6] ?? {};
  });
  fire({
    trigger: marks.at(-1)?.[2] ?? "",
    bound: { trigger: marks.at(-1)?.[6] ?? {}, ...bound },
    marks,
  });
}
