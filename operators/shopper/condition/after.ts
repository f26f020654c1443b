import type { After } from "../../../src/config/condition-ast.ts";
import type { Facts } from "../../../src/flow/operator.ts";
import { withFields } from "../../../src/flow/with-fields.ts";
import { type EventTime, hours, type Millis, plus } from "../../../src/time/event-time.ts";
import { numberProp, type ShopEvent } from "../../event.ts";
import { fieldsOf, numberOf } from "../catalog.ts";
import { cancelLeaf, partitionsOf } from "./cancel.ts";
import { textOfMatcher } from "./explained.ts";
import type { EdgeLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import type { Machine, Mark } from "./machine.ts";
import { CANCEL, type EdgeHistory, machineEdge, type Part, TRIGGER } from "./machine-leaf.ts";

/** The shortest delay that repeats: a leap of the clock must not take for ever. */
const SHORTEST_REPEATED: Millis = hours(1);
const KEY = ["sku"];

/** When it was set off, and when it fires next. */
type AfterState = readonly [trigger: Mark, due: EventTime];

/** So long after an event, for each sku; a newer event of the sku begins anew. */
export function afterEdge({
  after,
  delay,
  repeat,
  until,
}: After): EdgeLeaf<EdgeHistory<AfterState>> {
  const delayOf = (sku: string, event: ShopEvent, facts: Facts) =>
    typeof delay === "number"
      ? delay
      : (numberOf(fieldsOf(facts, "catalog", sku), delay.fact) ?? numberProp(event, delay.fact));
  const machine: Machine<AfterState> = {
    take: (_state, mark) => (mark[1] === CANCEL ? null : [mark, plus(mark[0], mark[5] as Millis)]),
    wake: ([, due]) => due,
    woken([trigger, due], _at, fire) {
      const id = repeat ? `${trigger[2]}@${due}` : trigger[2];
      fire({ trigger: id, bound: { trigger: trigger[6] ?? {} }, marks: [trigger] });
      return repeat ? [trigger, plus(due, trigger[5] as Millis)] : null;
    },
    holds: () => false,
    marks: ([trigger]) => [trigger],
  };
  return machineEdge({
    key: leafKey("after", after, delay, repeat, until),
    matchers: [after],
    machine,
    shown: {
      what: textOfMatcher(after),
      ...(typeof delay === "number" ? { within_ms: delay } : {}),
    },
    cancels: until === null ? undefined : cancelLeaf([until], KEY),
    parts({ event, facts, bound: known }) {
      const parts: Part[] = [];
      for (const [partition, values] of partitionsOf(event, KEY)) {
        const length = delayOf(partition, event, facts);
        if (length === undefined) continue;
        const value = Math.max(repeat ? SHORTEST_REPEATED : 1, Math.round(length));
        const bound = withFields(known, values);
        parts.push({ role: TRIGGER, label: "", value, bound, partition });
      }
      return parts;
    },
  });
}
