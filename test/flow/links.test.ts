import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FlowDefinition } from "../../src/flow/graph.ts";
import type { Intake, IntakeMessage } from "../../src/flow/intake.ts";
import type { JobDefinition } from "../../src/flow/job.ts";
import type { Operator } from "../../src/flow/operator.ts";
import type { Output } from "../../src/flow/output.ts";
import { MemoryLog } from "../../src/replay/memory-log.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { type EventTime, plus, seconds } from "../../src/time/event-time.ts";
import { DurableRun } from "../support/durable-run.ts";

const QUIET = seconds(3);
const START = Date.UTC(2026, 10, 1);

interface Acted {
  readonly key: string;
  readonly at: EventTime;
  readonly id: string;
}
type Acts = [at: EventTime, id: string][];

/** Tells what a key did once it has been quiet for a while; joined as if it had always been one. */
const diary: Operator<Acted, Acted, Acts> = {
  name: "diary",
  version: 1,
  order: "arrival",
  key: ({ key }) => key,
  init: () => [],
  onEvent({ at, id }, acts, ctx) {
    acts.push([at, id]);
    acts.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
    ctx.emit({ key: ctx.key, at, id });
    ctx.setTimer("quiet", plus((acts.at(-1) as Acts[0])[0], QUIET));
    return acts;
  },
  onTimer: (_timer, acts, ctx) => {
    ctx.emit({ key: ctx.key, at: ctx.now, id: acts.map(([, id]) => id).join(" ") });
    return acts;
  },
  publish: ({ key, id }) => ({ subject: "kpi.diary", data: { key, id } }),
  merge(into, from, ctx) {
    const all = [...into, ...from].sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
    ctx.emit({ key: ctx.key, at: ctx.now, id: `joined ${all.map(([, id]) => id).join(" ")}` });
    const quiet = plus((all.at(-1) as Acts[0])[0], QUIET);
    if (quiet > ctx.watermark) ctx.setTimer("quiet", quiet);
    return all;
  },
};

/** Waits for the watermark, and knows nothing of links. */
const inOrder: Operator<Acted, Acted, { last: EventTime }> = {
  name: "in-order",
  version: 1,
  order: "event-time",
  key: ({ key }) => key,
  init: () => ({ last: 0 as EventTime }),
  onEvent({ key, at, id }, state, ctx) {
    ctx.emit({ key, at, id: `${id} after ${state.last === 0 ? "" : state.last - START}` });
    ctx.setTimer("later", plus(at, seconds(20)));
    return { last: at };
  },
  onTimer: (_timer, state, ctx) => {
    ctx.emit({ key: ctx.key, at: ctx.now, id: `late ${state.last - START}` });
    return state;
  },
  publish: ({ key, id }) => ({ subject: "kpi.order", data: { key, id } }),
};

const shopper: FlowDefinition = {
  name: "shopper",
  nodes: [
    { operator: diary, from: ["events"] },
    { operator: inOrder, from: ["events"] },
  ],
  decode: ([, , , at, key, id]) => ({ key, at, id }),
};
const demand: FlowDefinition = { name: "demand", nodes: [], decode: () => undefined };

/** Reads `[second, what, key, key or nothing]`: a link takes effect for all that comes under either name. */
class Links implements Intake {
  #second = 0;
  #who = new Map<string, string>();

  handle(message: IntakeMessage, sink: Parameters<Intake["handle"]>[1]): void {
    const [what, key, other] = JSON.parse(Buffer.from(message.data).toString()) as string[];
    const at = message.time;
    const second = (Math.floor(at / 1000) * 1000) as EventTime;
    if (second > this.#second) {
      this.#second = second;
      sink.time(second);
    }
    const id = `e${message.seq}`;
    const name = this.#now(key as string);
    if (what === "act") {
      sink.event({ key: name, id, at: (at - (message.seq % 3) * 900) as EventTime, payload: [] });
      return;
    }
    const to = this.#now(other as string);
    if (name === to) return;
    this.#who.set(name, to);
    sink.link({ from: name, to, id, at });
  }
  #now(name: string): string {
    const next = this.#who.get(name);
    return next === undefined ? name : this.#now(next);
  }
  pass(): void {}
  parts() {
    const restore = (bytes: Uint8Array) => {
      const [second, who] = JSON.parse(Buffer.from(bytes).toString()) as [
        number,
        [string, string][],
      ];
      this.#second = second;
      this.#who = new Map(who);
    };
    let era = 0;
    const cut = () => {
      era += 1;
      const bytes = Buffer.from(JSON.stringify([this.#second, [...this.#who]]));
      const mine = era;
      return { keepFrom: mine, pieces: () => [{ era: mine, bytes }] };
    };
    return [
      {
        name: "links",
        cut,
        restore: (bytes: Uint8Array, of: number) => {
          era = of;
          restore(bytes);
        },
      },
    ];
  }
}

const jobOf = (groups: number, hotRows = 1000): JobDefinition => ({
  intake: new Links(),
  shopper,
  demand,
  groups,
  demandGroups: 1,
  disorder: seconds(1),
  hotRows,
});

type Line = readonly [gap: number, what: "act" | "link", key: string, other: string];
const KEYS = ["ann", "bob", "cat", "dan", "eve", "fay"];
const key = fc.constantFrom(...KEYS);
const line = fc.tuple(
  fc.integer({ min: 0, max: 1500 }),
  fc.constantFrom("act" as const, "act" as const, "act" as const, "link" as const),
  key,
  key,
);
const script = fc.array(line, { minLength: 1, maxLength: 60 });

function inputOf(lines: readonly Line[]): IntakeMessage[] {
  let now = START;
  const all: Line[] = [...lines, [30_000, "act", "end", ""], [30_000, "act", "end", ""]];
  return all.map(([gap, what, key, other], i) => {
    now += gap;
    return {
      subject: "in.test",
      data: Buffer.from(JSON.stringify([what, key, other])),
      contentType: undefined,
      seq: i + 1,
      time: now as EventTime,
      msgId: undefined,
    };
  });
}

const linesOf = (outputs: Iterable<Output>) =>
  [...outputs].map((output) => JSON.stringify(output)).sort();

async function inMemory(
  lines: readonly Line[],
  groups: number,
  of: { frameSize?: number; hotRows?: number; settleEvery?: number } = {},
): Promise<Output[]> {
  const outputs: Output[] = [];
  const log = new MemoryLog(jobOf(groups, of.hotRows), new InlineScoring({}), {
    frameSize: of.frameSize ?? 128,
    onOutput: (output) => outputs.push(output),
  });
  const settleEvery = of.settleEvery ?? Number.POSITIVE_INFINITY;
  for (const [i, message] of inputOf(lines).entries()) {
    log.append(message);
    if ((i + 1) % settleEvery === 0) await log.settle();
  }
  await log.settle();
  expect(log.job.moves.size).toBe(0);
  return outputs;
}

async function durable(lines: readonly Line[], every: [checkpoint: number, crash: number]) {
  const run = new DurableRun({
    define: async () => jobOf(5, 2),
    functions: {},
    input: inputOf(lines),
    checkpointEvery: every[0],
    crashEvery: every[1],
  });
  await run.run();
  return run;
}

describe("a link moves what is known of one key to another", () => {
  test("as if it had always been one, and no timer of the key that is gone rings", async () => {
    const outputs = await inMemory(
      [
        [0, "act", "ann", ""],
        [1000, "act", "bob", ""],
        [1000, "link", "ann", "bob"],
        [500, "act", "ann", ""],
      ],
      5,
    );
    const told = outputs
      .filter(({ subject, data }) => subject === "kpi.diary" && data["key"] !== "end")
      .map(({ data }) => `${data["key"]}: ${data["id"]}`);
    expect(told).toEqual(["ann: e1", "bob: e2", "bob: joined e1 e2", "bob: e4", "bob: e1 e2 e4"]);
  });

  test("an operator that cannot join takes over a state and its timers, or keeps its own", async () => {
    const told = async (lines: readonly Line[]) =>
      (await inMemory(lines, 5))
        .filter(({ subject, data }) => subject === "kpi.order" && data["key"] !== "end")
        .map(({ data }) => `${data["key"]}: ${data["id"]}`);
    expect(
      await told([
        [0, "act", "ann", ""],
        [3000, "link", "ann", "bob"],
        [3000, "act", "bob", ""],
      ]),
    ).toEqual(["ann: e1 after ", "bob: e3 after -900", "bob: late 6000"]);
    // What waited for the watermark when its key was linked comes under the new one.
    expect(
      await told([
        [0, "act", "ann", ""],
        [0, "link", "ann", "bob"],
      ]),
    ).toEqual(["bob: e1 after ", "bob: late -900"]);
  });

  test("whichever groups the keys lie in, however frames are cut and rows evicted", async () => {
    await fc.assert(
      fc.asyncProperty(
        script,
        fc.integer({ min: 2, max: 7 }),
        fc.integer({ min: 1, max: 9 }),
        async (lines, groups, frameSize) => {
          const one = linesOf(await inMemory(lines, 1));
          expect(linesOf(await inMemory(lines, groups))).toEqual(one);
          const cut = { frameSize, hotRows: 0, settleEvery: frameSize };
          expect(linesOf(await inMemory(lines, groups, cut))).toEqual(one);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("whatever crashes, checkpoints and restarts come in between", async () => {
    let waits = 0;
    let fetched = 0;
    await fc.assert(
      fc.asyncProperty(
        script,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 2, max: 60 }),
        async (lines, checkpoint, crash) => {
          // A run that crashes before each checkpoint would never come to its end.
          const run = await durable(lines, [checkpoint, Math.max(crash, checkpoint + 1)]);
          waits += run.waits;
          fetched += run.fetched;
          expect(linesOf(run.outputs.values())).toEqual(linesOf(await inMemory(lines, 5)));
        },
      ),
      { numRuns: 60, seed: 7 },
    );
    // Both ways of getting what moved were gone.
    expect(waits).toBeGreaterThan(2);
    expect(fetched).toBeGreaterThan(2);
  });

  test("what moved and is not there any more stops the group", async () => {
    const { Moves } = await import("../../src/flow/moves.ts");
    const left: readonly [number, number] = [7, 3];
    const store = { put: () => undefined, get: () => Promise.resolve(undefined) };
    const moves = new Moves(store, () => ({ name: "shopper-1", here: { left, joined: left } }));
    await expect(moves.arrive([3, 5, 1, START, "a", "b", "e", 1])).rejects.toMatchObject({
      code: "MOVE_MISSING",
    });
    const waits = moves.arrive([3, 9, 1, START, "a", "b", "e", 1]);
    moves.abandon(new Error("the other one is gone"));
    await expect(waits).rejects.toThrow("the other one is gone");
  });
});
