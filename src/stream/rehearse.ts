import { KeyedTask } from "../flow/keyed-task.ts";
import type { AnyOperator, Operator } from "../flow/operator.ts";
import { InlineScoring } from "../score/inline.ts";
import type { EventTime } from "../time/event-time.ts";
import { Results } from "./results.ts";

/** One line of a script: an event, a fact that enters the log, or time that has passed. */
export type Cue<In> =
  | { readonly at: EventTime; readonly event: In }
  | { readonly fact: readonly [kind: string, key: string, value: unknown] }
  | { readonly watermark: EventTime };

export interface RehearseOptions {
  /** Gets what goes to `late.<operator>`. */
  late?(fields: Readonly<Record<string, unknown>>): void;
}

/**
 * Runs a stream, or an operator, alone in the engine's runtime, without broker and clock: what it
 * tells, in order.
 */
export async function rehearse<In, Out, State>(
  one: Results<In, Out> | Operator<In, Out, State>,
  script: readonly Cue<In>[],
  { late = () => {} }: RehearseOptions = {},
): Promise<readonly Out[]> {
  const operator: AnyOperator = one instanceof Results ? one.operator() : one;
  const told: Out[] = [];
  const task = new KeyedTask(
    {
      name: "rehearsal",
      nodes: [{ operator, from: ["events"] }],
      decode: (record) => record,
    },
    {
      group: 0,
      scoring: new InlineScoring({}),
      hotRows: 0,
      ordered: false,
      // There is no other operator whose words these could be.
      trace: (_operator, out) => told.push(out as Out),
    },
    {
      output({ subject, data }) {
        if (subject === "deadletter.operator") throw new Error(String(data["error"]));
        if (subject === `late.${operator.name}`) late(data);
      },
      hop() {},
    },
  );
  for (const [i, cue] of script.entries()) {
    if ("watermark" in cue) await task.advance(cue.watermark, [i, 0]);
    else if ("fact" in cue) {
      const [kind, key, value] = cue.fact;
      await task.tell(kind, [[key, value]]);
    } else {
      const key = operator.key(cue.event, task.facts) ?? "";
      await task.event(cue.event, { key, now: cue.at, cause: `line-${i}`, position: [i, 0] });
    }
  }
  return told;
}
