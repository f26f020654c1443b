import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type Candidate, shortlist } from "../../operators/shopper/candidates.ts";
import type { Taste } from "../../operators/shopper/taste.ts";
import { openScoring } from "../../src/cli/open-job.ts";
import type { Intake } from "../../src/flow/intake.ts";
import { keyGroup } from "../../src/flow/key-group.ts";
import type { Output } from "../../src/flow/output.ts";
import { taobaoLine } from "../../src/replay/formats.ts";
import { MemoryLog } from "../../src/replay/memory-log.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import { replayJob } from "../support/job.ts";

/** What stands between a person's past and the next item: asked before every row. */
export interface Question {
  readonly user: string;
  readonly item: string;
  /** What the recommender would consider for the person now, the best first, 20 at the most. */
  candidates(): readonly string[];
}

export interface TaobaoRun {
  /** Of the lines that `replay --out` writes. */
  readonly digest: string;
  readonly outputs: readonly Output[];
  /** The row that an event's id came from: what an output's `cause` names. */
  readonly rowOf: ReadonlyMap<string, number>;
  /** Counts of what the shopper flow told the demand flow, by measure, over all items. */
  readonly totals: readonly number[];
}

/** The Taobao file through the flows on a log in memory, with a look inside before every row. */
export async function runTaobao(
  path: string,
  ask: (question: Question) => void,
): Promise<TaobaoRun> {
  const job = await replayJob();
  const scoring = openScoring(0);
  const hash = createHash("sha256");
  const outputs: Output[] = [];
  const totals: number[] = [];
  const rowOf = new Map<string, number>();
  let number = 0;
  const intake: Intake = {
    parts: () => job.intake.parts(),
    pass: (time, watermark, sink) => job.intake.pass(time, watermark, sink),
    handle: (message, sink) =>
      job.intake.handle(message, {
        ...sink,
        event: (record) => {
          rowOf.set(record.id, number);
          sink.event(record);
        },
      }),
  };
  const log = new MemoryLog({ ...job, intake }, scoring, {
    frameSize: 128,
    onOutput: (output) => {
      if (output.subject.startsWith("in.")) return;
      const { subject, id, time, data } = output;
      hash.update(`${JSON.stringify({ subject, id, time: isoTime(time), data })}\n`);
      outputs.push(output);
    },
    trace: (operator, out) => {
      if (operator === "partials") addItemRows(out, totals);
    },
  });
  const candidates = (ids: unknown, now: EventTime): readonly string[] => {
    const person = job.intake.resolve(ids);
    if (person === undefined) return [];
    const task = log.job.shoppers[keyGroup(person, job.groups)]?.task;
    const taste = task?.stateOf("recommend", person) as Taste | undefined;
    if (task === undefined || taste === undefined) return [];
    const options = { withSeen: false, most: 20 };
    return shortlist(taste, task.facts, now, options).candidates.map(({ key }: Candidate) => key);
  };
  let second = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    number += 1;
    const message = taobaoLine(line, number);
    if (message === undefined || "bad" in message || message.time === undefined) continue;
    const { subject, body, time, ids } = message;
    if (Math.floor(time / 1000) > second) await log.settle();
    second = Math.max(second, Math.floor(time / 1000));
    const [user = "", item = ""] = line.split(",");
    ask({ user, item, candidates: () => candidates(ids, time) });
    const data = Buffer.from(body);
    const now = (second * 1000) as EventTime;
    log.append({ subject, data, contentType: "application/json", time: now, msgId: undefined });
  }
  await log.settle();
  await scoring.close();
  return { digest: hash.digest("hex"), outputs, rowOf, totals };
}

/** `{key: "item:…", payload: ["item", since, [[region, ...counts], …]]}` */
function addItemRows(out: unknown, totals: number[]): void {
  const { payload } = out as { readonly payload: readonly unknown[] };
  if (payload[0] !== "item") return;
  for (const [, ...counts] of payload[2] as readonly (readonly [string, ...number[]])[]) {
    for (let i = 0; i < counts.length; i += 1) totals[i] = (totals[i] ?? 0) + (counts[i] ?? 0);
  }
}
