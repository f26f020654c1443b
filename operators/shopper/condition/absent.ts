import type { Absent, Cancel } from "../../../src/config/condition-ast.ts";
import { plus } from "../../../src/time/event-time.ts";
import type { ShopEvent } from "../../event.ts";
import { boundOf, valuesOf } from "./bound.ts";
import type { EdgeLeaf, Occurrence } from "./leaf.ts";
import type { Machine, Mark } from "./machine.ts";
import {
  type EdgeHistory,
  EVERY_PARTITION,
  leafKey,
  machineEdge,
  type Part,
} from "./machine-leaf.ts";

/** Roles: what cancels counts in the millisecond of what it cancels. */
export const TRIGGER = 0;
export const CANCEL = 1;

/** The trigger that is waited for. */
type AbsentState = Mark;

/** Nothing of the kind came in time; apart for each value of the key. */
export function absentEdge(absent: Absent): EdgeLeaf<EdgeHistory<AbsentState>> {
  const { after, key, within, of, restart } = absent;
  return machineEdge({
    key: leafKey("absent", after, key, within, of, restart),
    matchers: [after, ...of.map((cancel) => cancel.of)],
    machine: absentMachine(absent),
    stopping: [CANCEL],
    parts(occurrence) {
      const { event, met, facts } = occurrence;
      const parts = cancelParts(of, key, occurrence);
      if (!met.includes(after.index)) return parts;
      for (const [partition, values] of partitionsOf(event, key)) {
        parts.push({ role: TRIGGER, partition, bound: { ...boundOf(event, facts), ...values } });
      }
      return parts;
    },
  });
}

function absentMachine({ within, restart }: Absent): Machine<AbsentState> {
  return {
    take(state, mark) {
      if (mark[1] === CANCEL) return null;
      return state === null || restart === "latest" ? mark : state;
    },
    wake: (state) => plus(state[0], within),
    woken(state, _at, fire) {
      fire({ trigger: state[2], bound: { trigger: state[6] ?? {} }, marks: [state] });
      return null;
    },
    holds: () => false,
    marks: (state) => [state],
  };
}

/** The cancelling parts of an event. */
export function cancelParts(
  of: readonly Cancel[],
  key: readonly string[],
  { event, met }: Occurrence,
): Part[] {
  const partitions = new Set<string>();
  for (const cancel of of) {
    if (!met.includes(cancel.of.index)) continue;
    if (cancel.match.length === 0) partitions.add(key.length === 0 ? "" : EVERY_PARTITION);
    else for (const [partition] of partitionsOf(event, key)) partitions.add(partition);
  }
  return [...partitions].map((partition) => ({ role: CANCEL, partition }));
}

/** Each combination of the values that an event has for the key; none when it lacks one. */
export function partitionsOf(
  event: ShopEvent,
  key: readonly string[],
): (readonly [partition: string, values: Readonly<Record<string, string>>])[] {
  let all: Record<string, string>[] = [{}];
  for (const name of key) {
    const values = valuesOf(event, name);
    all = all.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
  }
  return all.map((values) => [key.map((name) => values[name]).join("\n"), values]);
}
