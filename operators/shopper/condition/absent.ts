import type { Absent } from "../../../src/config/condition-ast.ts";
import { withFields } from "../../../src/flow/with-fields.ts";
import { plus } from "../../../src/time/event-time.ts";
import { cancelLeaf, partitionsOf } from "./cancel.ts";
import { textOfMatcher } from "./explained.ts";
import type { EdgeLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import type { Machine, Mark } from "./machine.ts";
import { CANCEL, type EdgeHistory, machineEdge, TRIGGER } from "./machine-leaf.ts";

/** The trigger that is waited for. */
type AbsentState = Mark;

/** Nothing of the kind came in time; apart for each value of the key. */
export function absentEdge(absent: Absent): EdgeLeaf<EdgeHistory<AbsentState>> {
  const { after, key, within, of, restart } = absent;
  return machineEdge({
    key: leafKey("absent", after, key, within, of, restart),
    matchers: [after],
    machine: absentMachine(absent),
    cancels: cancelLeaf(of, key),
    shown: {
      what: `${textOfMatcher(after)} and then none of ${of.map((one) => textOfMatcher(one.of)).join("; ")}`,
      within_ms: within,
    },
    parts: ({ event, bound }) =>
      partitionsOf(event, key).map(([partition, values]) => ({
        role: TRIGGER,
        label: "",
        value: 0,
        bound: withFields(bound, values),
        partition,
      })),
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
