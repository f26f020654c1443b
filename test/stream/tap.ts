import fc from "fast-check";
import type { AnyOperator } from "../../src/flow/operator.ts";
import type { Results } from "../../src/stream/results.ts";
import { type EventTime, eventTime } from "../../src/time/event-time.ts";
import { KeyedHost } from "../../src/time/keyed-host.ts";
import type { KeyedLogic } from "../../src/time/keyed-logic.ts";
import { play, type ScriptLine } from "../support/play.ts";

/** What the tests' streams are made of. */
export interface Tick {
  readonly key: string;
  readonly kind: "a" | "b" | "c";
  readonly n: number;
}

export type Line =
  | { readonly at: EventTime; readonly key: string; readonly event: Tick }
  | { readonly watermark: EventTime };

const END = eventTime(1_000_000);

/** Events at even times, watermarks at odd ones: no event lies exactly on a watermark. */
export const scripts = fc
  .array(
    fc.record({
      watermark: fc.boolean(),
      at: fc.integer({ min: 0, max: 30 }),
      key: fc.constantFrom("k", "l"),
      kind: fc.constantFrom("a" as const, "b" as const, "c" as const),
    }),
    { maxLength: 60, size: "max" },
  )
  .map((list): Line[] =>
    list.map(({ watermark, at, key, kind }, n) =>
      watermark && n % 3 === 0
        ? { watermark: eventTime(at * 2 - 11) }
        : { at: eventTime(at * 2), key, event: { key, kind, n } },
    ),
  );

export interface Told {
  readonly key: string;
  readonly out: unknown;
}

/** Runs operators in the production runtime; what the last of them emits, and what was late. */
export async function emitted(
  operators: readonly AnyOperator[],
  script: readonly ScriptLine[],
  hotRows: number,
  from: readonly (readonly string[])[] = operators.map(() => ["events"]),
): Promise<{ told: Told[]; late: unknown[]; keys: number; timers: number }> {
  const last = operators.at(-1);
  const nodes = operators.map((operator, i) => ({
    operator:
      operator === last
        ? { ...operator, publish: (out: unknown) => ({ subject: "told", data: { out } }) }
        : operator,
    from: from[i] ?? ["events"],
  }));
  const played = await play(nodes, script, { hotRows });
  const told: Told[] = [];
  const late: unknown[] = [];
  for (const { subject, data, key } of played.outputs) {
    if (subject === "told") told.push({ key, out: data["out"] });
    else late.push({ subject, data });
  }
  return { told, late, keys: played.task.keys, timers: played.task.pendingTimers };
}

export const atEnd = (script: readonly Line[]): Line[] => [...script, { watermark: END }];

export const ran = <In, Out>(results: Results<In, Out>, script: readonly Line[], hotRows: number) =>
  emitted([results.operator()], atEnd(script), hotRows);

/** The same lines through a logic alone; `value` undefined leaves an event out. */
export function direct<Value, Out, State>(
  logic: KeyedLogic<Value, Out, State>,
  value: (event: Tick) => readonly Value[],
  script: readonly Line[],
): Told[] {
  const told: Told[] = [];
  const sink = { emit: (out: Out, key: string) => told.push({ key, out }), late: () => {} };
  const host = new KeyedHost(logic, sink as never);
  for (const line of atEnd(script)) {
    if ("watermark" in line) host.advance(line.watermark);
    else for (const one of value(line.event)) host.element(line.key, line.at, one);
  }
  return told;
}
