import type { FactIndex } from "../../src/flow/fact-store.ts";
import { KeyedTask, type NodeCounts } from "../../src/flow/keyed-task.ts";
import { decodeMoved, encodeMoved } from "../../src/flow/moved.ts";
import type { Hop, Node } from "../../src/flow/operator.ts";
import type { Output } from "../../src/flow/output.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import type { Scoring, ScoringFunctions } from "../../src/score/seam.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { Copies } from "./copies.ts";

/** One line of a script: something happens to a key, it turns out to be another, a fact enters, or time passes. */
export type ScriptLine =
  | { readonly at: number; readonly key: string; readonly event: unknown; readonly id?: string }
  | { readonly join: string; readonly key: string; readonly at: number }
  | { readonly fact: readonly [kind: string, key: string, value: unknown] }
  | { readonly watermark: number };

export interface Played {
  readonly outputs: Output[];
  readonly hops: Hop[];
  readonly task: KeyedTask;
  counts(operator: string): NodeCounts;
}

export interface PlayOptions {
  readonly functions?: ScoringFunctions;
  readonly scoring?: Scoring;
  /** 0 turns every row into bytes after every event: the law that state is its own round trip. */
  readonly hotRows?: number;
  readonly ordered?: boolean;
  readonly factIndex?: FactIndex;
  /** Scores are waited for after every so many lines, as frames do; 1 by default. */
  readonly settleEvery?: number;
}

/** Runs operators in the production runtime over a script; no broker, no clock. */
export async function play(
  nodes: readonly Node[],
  script: readonly ScriptLine[],
  options: PlayOptions = {},
): Promise<Played> {
  const outputs: Output[] = [];
  const hops: Hop[] = [];
  const copies = new Copies();
  const task = new KeyedTask(
    {
      name: "play",
      nodes: copies.watch(nodes),
      decode: (record) => record[6],
      ...(options.factIndex === undefined ? {} : { factIndex: options.factIndex }),
    },
    {
      group: 0,
      scoring: options.scoring ?? new InlineScoring(options.functions ?? {}),
      hotRows: options.hotRows ?? 0,
      ordered: options.ordered ?? false,
    },
    { output: (output) => outputs.push(output), hop: (hop) => hops.push(hop) },
  );
  let line = 0;
  for (const step of script) {
    line += 1;
    if ("watermark" in step) await task.advance(step.watermark as EventTime, [line, 0]);
    else if ("join" in step) {
      const { join: from, key, at } = step;
      await task.settle();
      const moved = decodeMoved(encodeMoved(task.depart(from)), from, key);
      const now = at as EventTime;
      await task.join(moved, { from, key, now, cause: `link-${line}`, position: [line, 0] });
    } else if ("fact" in step) await task.tell(step.fact[0], [[step.fact[1], step.fact[2]]]);
    else {
      const { key, event, id } = step;
      await task.event(event, {
        key,
        now: step.at as EventTime,
        cause: id ?? `event-${line}`,
        position: [line, 0],
      });
      if (line % (options.settleEvery ?? 1) === 0) await task.settle();
    }
  }
  await task.settle();
  copies.check();
  return {
    outputs,
    hops,
    task,
    counts: (operator) => {
      const node = task.graph.nodes.find((n) => n.operator.name === operator);
      const counts = node === undefined ? undefined : task.counts[node.index];
      if (counts === undefined) throw new Error(`no operator ${operator} in play`);
      return counts;
    },
  };
}
