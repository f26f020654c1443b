import { beforeAll, describe, expect, test } from "vitest";
import { scoringFunctions } from "../../operators/scoring.ts";
import type { IntakeMessage } from "../../src/flow/intake.ts";
import type { JobDefinition } from "../../src/flow/job.ts";
import type { Output } from "../../src/flow/output.ts";
import { eventsLine } from "../../src/replay/formats.ts";
import { MemoryLog } from "../../src/replay/memory-log.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { latest, minutes } from "../../src/time/event-time.ts";
import { type DurableOptions, DurableRun } from "../support/durable-run.ts";
import { openShop, SHOP_OPENS, shopLine, shopMessages } from "../support/events.ts";
import { replayJobs } from "../support/job.ts";

/** For a busy machine; nothing is judged by the clock. */
const PATIENCE = 300_000;
const NEVER = Number.POSITIVE_INFINITY;
const settings = {
  groups: 2,
  demand_groups: 2,
  "operators.shopper.recommend.every": "5s",
  // Rows as bytes and back all the time.
  "state.hot_rows": 16,
};

/** Keeps what stands on `IN`, with what the demand flow wrote there. */
class Recording extends MemoryLog {
  readonly input: IntakeMessage[] = [];
  override append(message: Omit<IntakeMessage, "seq">): void {
    this.input.push({ ...message, seq: this.nextSeq });
    super.append(message);
  }
}

async function record(
  define: () => JobDefinition,
  lasts: number,
): Promise<{ input: IntakeMessage[]; outputs: Output[] }> {
  const shop = openShop({ seed: 5, people: 1200, lasts: minutes(lasts) });
  const outputs: Output[] = [];
  const log = new Recording(define(), new InlineScoring(scoringFunctions), {
    frameSize: 128,
    onOutput: (output) => outputs.push(output),
  });
  let now = SHOP_OPENS;
  for (const message of shopMessages(shop, minutes(lasts))) {
    const read = eventsLine(shopLine(message), 1);
    if (read === undefined || "bad" in read) throw new Error("the shop says what cannot be read");
    const then = now;
    now = latest(now, read.time ?? now);
    if (Math.floor(now / 1000) > Math.floor(then / 1000)) await log.settle();
    const data = Buffer.from(read.body);
    const { subject } = read;
    log.append({ subject, data, contentType: "application/json", time: now, msgId: undefined });
  }
  await log.settle();
  return { input: log.input, outputs };
}

const lineOf = ({ subject, id, time, data }: Output) => JSON.stringify([id, subject, time, data]);
const linesOf = (outputs: Iterable<Output>) => [...outputs].map(lineOf).sort();

describe("a crash is a replay", () => {
  let define: () => JobDefinition;
  let input: IntakeMessage[];
  let expected: string[];
  const run = async (
    options: Pick<DurableOptions, "checkpointEvery" | "crashEvery">,
    of: readonly IntakeMessage[] = input,
  ) => {
    const durable = new DurableRun({
      define: async () => define(),
      functions: scoringFunctions,
      input: of,
      ...options,
    });
    await durable.run();
    return durable;
  };

  beforeAll(async () => {
    define = await replayJobs(settings);
    const recorded = await record(define, 5);
    input = recorded.input;
    expected = linesOf(recorded.outputs);
    const tokens = new Set(recorded.outputs.map(({ subject }) => subject.split(".")[0]));
    process.stdout.write(`${input.length} messages, ${expected.length} outputs: ${[...tokens]}\n`);
    for (const token of ["segment", "intent", "recommendation", "restock", "in"])
      expect(tokens).toContain(token);
  }, PATIENCE);

  test.each([
    { checkpointEvery: NEVER, crashEvery: NEVER },
    { checkpointEvery: 400, crashEvery: 1000 },
    { checkpointEvery: 100_000, crashEvery: 1_000_000 },
    { checkpointEvery: 41, crashEvery: 333 },
    { checkpointEvery: 1, crashEvery: 1000 },
  ])(
    "the same outputs with a checkpoint after $checkpointEvery messages, a crash after $crashEvery",
    async (way) => {
      const { checkpointEvery, crashEvery } = way;
      const durable = await run(way);
      expect(linesOf(durable.outputs.values())).toEqual(expected);
      if (crashEvery < 10_000) expect(durable.crashes).toBeGreaterThan(5);
      if (checkpointEvery === 1) {
        expect(durable.checkpoints).toBeGreaterThan(input.length);
        expect(durable.repeated).toBe(0);
      } else if (crashEvery < 10_000) expect(durable.repeated).toBeGreaterThan(100);
    },
    PATIENCE,
  );

  // Each crash builds the job anew: that is what bounds it.
  test(
    "the same outputs with a checkpoint after every message and a crash after every tenth",
    async () => {
      const some = input.slice(0, 1000);
      const whole = await run({ checkpointEvery: NEVER, crashEvery: NEVER }, some);
      const durable = await run({ checkpointEvery: 1, crashEvery: 10 }, some);
      expect(linesOf(durable.outputs.values())).toEqual(linesOf(whole.outputs.values()));
      expect(durable.repeated).toBe(0);
      expect(durable.crashes).toBeGreaterThan(100);
    },
    PATIENCE,
  );
});
