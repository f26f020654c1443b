import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ShopEvent } from "../operators/event.ts";
import { probabilitiesOf } from "../operators/shopper/evidence-filter.ts";
import { type IntentState, intentSpec } from "../operators/shopper/intent.ts";
import { sessionSpec } from "../operators/shopper/session.ts";
import type { Config } from "../src/config/load.ts";
import { KeyedTask } from "../src/flow/keyed-task.ts";
import type { JobSettings } from "../src/flow/spec.ts";
import { InlineScoring } from "../src/score/inline.ts";
import { days, type EventTime } from "../src/time/event-time.ts";
import { ROOT } from "../test/support/job.ts";

/** A line that a shopper typed, with what they were after. */
export interface Query {
  readonly text: string;
  readonly source: "search" | "chat";
  readonly intent: string;
  readonly manner: "plain" | "colloquial" | "misleading";
  /** `shaping` may be looked at line by line, `score` is for the score alone. */
  readonly half: "shaping" | "score";
}
export interface Judged extends Query {
  readonly found: string;
}

export function readQueries(): Query[] {
  const text = readFileSync(join(ROOT, "test", "fixtures", "intent-queries.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Query);
}

/** Sessions and intents of the shop in one key group, in memory. */
export function intentTask({ intents, lexicon }: Pick<Config, "intents" | "lexicon">): KeyedTask {
  const files = { intents, lexicon };
  const job: JobSettings = { timeZone: "Asia/Shanghai", seed: 1, maxAge: days(7), files };
  const nodes = [
    { operator: sessionSpec.make({}, job), from: ["events"] },
    { operator: intentSpec.make({}, job), from: ["session"] },
  ];
  return new KeyedTask(
    { name: "shopper", nodes, decode: (record) => record[6] },
    { group: 0, scoring: new InlineScoring({}), hotRows: 100_000, ordered: false },
    { output: () => undefined, hop: () => undefined },
  );
}

export async function happens(task: KeyedTask, event: ShopEvent, position: number): Promise<void> {
  const { person, at, id } = event;
  await task.event(event, { key: person, now: at, cause: id, position: [position, 0] });
}

/** What the shop takes each line for, said by a person of whom nothing else is known. */
export async function judged(
  queries: readonly Query[],
  config: Pick<Config, "intents" | "lexicon">,
): Promise<Judged[]> {
  const task = intentTask(config);
  const found: Judged[] = [];
  for (const [i, query] of queries.entries()) {
    const at = (Date.UTC(2026, 10, 2) + i) as EventTime;
    const person = `p_${i.toString(16).padStart(16, "0")}`;
    const id = i.toString(16).padStart(32, "0");
    const [type, props] =
      query.source === "search"
        ? ["searched", { query: query.text }]
        : ["cs.started", { topic: query.text }];
    const event = { id, type, at, recv: at, person, touchpoint: "mp", session: undefined, props };
    await happens(task, { ...event, clientId: `q${i}` }, i);
    const state = task.stateOf("intent", person) as IntentState | undefined;
    found.push({ ...query, found: likeliest(state, config.intents) });
  }
  return found;
}

function likeliest(state: IntentState | undefined, intents: Config["intents"]): string {
  const probabilities = state === undefined ? [] : probabilitiesOf(state.evidence, intents);
  return intents.names[probabilities.indexOf(Math.max(...probabilities))] ?? "browse";
}

/** The mean over intents of the harmonic mean of precision and recall. */
export function macroF1(lines: readonly Judged[]): number {
  const intents = [...new Set(lines.map(({ intent }) => intent))];
  const ofEach = intents.map((intent) => {
    const right = lines.filter((line) => line.intent === intent && line.found === intent).length;
    const meant = lines.filter((line) => line.intent === intent).length;
    const taken = lines.filter(({ found }) => found === intent).length;
    return (2 * right) / (meant + taken);
  });
  return ofEach.reduce((sum, f1) => sum + f1, 0) / intents.length;
}

/** One row an intent: how many of its lines were taken for which. */
export function confusion(lines: readonly Judged[]): string[] {
  const intents = [...new Set(lines.map(({ intent }) => intent))];
  const cell = (text: string) => text.padStart(16);
  return [
    cell("meant \\ taken for") + intents.map(cell).join(""),
    ...intents.map(
      (meant) =>
        cell(meant) +
        intents
          .map((taken) => lines.filter((l) => l.intent === meant && l.found === taken).length)
          .map((count) => cell(String(count)))
          .join(""),
    ),
  ];
}
