import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  encodeFacts,
  FACT,
  type FactRecord,
  KEYED,
  type KeyedRecord,
  TIME,
} from "../../src/codec/frame.ts";
import { FactRecords } from "../../src/flow/fact-records.ts";
import { FlowGroup } from "../../src/flow/flow-group.ts";
import type { AnyOperator, Operator } from "../../src/flow/operator.ts";
import type { Output } from "../../src/flow/output.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { Checkpointer } from "../../src/state/checkpointer.ts";
import { millis } from "../../src/time/event-time.ts";
import { MemoryCheckpoints } from "../support/durable-run.ts";

/**
 * A checkpoint that version 1 of these operators wrote. `UPDATE_FIXTURES=1` writes it again: only
 * when the format of checkpoints itself has changed, and then restoring the old one needs a test too.
 */
const FIXTURE = fileURLToPath(new URL("../fixtures/checkpoint-v1.json", import.meta.url));

interface Visit {
  readonly page: string;
}

/** Counts visits; version 2 counts by page, so what version 1 had is under `unknown`. */
const visits = (version: 1 | 2): Operator<Visit, unknown, unknown> => ({
  name: "visits",
  version,
  order: "arrival",
  key: (visit) => (visit.page === "" ? undefined : "ann"),
  init: () => (version === 1 ? 0 : {}),
  onEvent(visit, state, ctx) {
    ctx.setTimer("tell", (ctx.now + 100) as typeof ctx.now);
    if (version === 1) return (state as number) + 1;
    const pages = state as Record<string, number>;
    pages[visit.page] = (pages[visit.page] ?? 0) + 1;
    return pages;
  },
  onTimer(_timer, state, ctx) {
    ctx.emit(state);
    return state;
  },
  publish: (state) => ({ subject: "visits.told", data: { state } }),
  migrate: (state, from) => {
    if (from !== 1) throw new Error(`no way from version ${from}`);
    return { unknown: state as number };
  },
});
/** Only version 1 of the job has it. */
const gone: Operator<Visit, never, number> = {
  name: "gone",
  version: 1,
  order: "arrival",
  key: () => "ann",
  init: () => 0,
  onEvent(_visit, state, ctx) {
    ctx.setTimer("never", (ctx.now + 50) as typeof ctx.now);
    return state + 1;
  },
  onTimer() {
    throw new Error("an operator that is gone has no timers");
  },
};
/** In both; waits for the watermark, and looks a fact up. */
const inOrder: Operator<Visit, string, string[]> = {
  name: "in-order",
  version: 3,
  order: "event-time",
  key: () => "all",
  init: () => [],
  onEvent(visit, pages, ctx) {
    const all = [...pages, visit.page];
    ctx.emit(`${all.join(" ")}: ${ctx.facts.get("word", "hello")}`);
    return all;
  },
  publish: (text) => ({ subject: "order.told", data: { text } }),
};
/** Only version 2 of the job has it. */
const fresh: Operator<Visit, never, number> = { ...gone, name: "fresh", onTimer: (_t, n) => n };

const JOBS: Readonly<Record<1 | 2, readonly AnyOperator[]>> = {
  1: [gone, visits(1), inOrder],
  2: [inOrder, fresh, visits(2)],
};

function groupOf(operators: readonly AnyOperator[]): { group: FlowGroup; outputs: Output[] } {
  const outputs: Output[] = [];
  const flow = {
    name: "pages",
    nodes: operators.map((operator) => ({ operator, from: ["events"] })),
    decode: (record: KeyedRecord) => record[6],
  };
  const group = new FlowGroup(
    {
      flow,
      group: 0,
      scoring: new InlineScoring({}),
      hotRows: 10,
      factRecords: new FactRecords(),
      input: { kind: "log", disorder: millis(0) },
    },
    { hop: () => undefined, output: (output) => outputs.push(output) },
  );
  return { group, outputs };
}

const visit = (seq: number, at: number, page: string): KeyedRecord => [
  KEYED,
  seq,
  0,
  at,
  "ann",
  `e${seq}`,
  { page },
];
const frame = (
  seq: number,
  record: KeyedRecord | FactRecord | readonly [typeof TIME, number, number, number],
) => ({
  source: "collect-0",
  previous: [seq - 1, seq === 1 ? -1 : 0] as const,
  records: [record],
});

const checkpointerOf = (group: FlowGroup, store: MemoryCheckpoints) =>
  new Checkpointer(group, store, {
    owner: "a test",
    version: "a test",
    layout: "1+0",
    breathe: () => undefined,
    onTorn: (_marker, why) => {
      throw new Error(why);
    },
  });

/** Two visits, the second of which still waits for the watermark, and a fact. */
async function write(): Promise<MemoryCheckpoints> {
  const store = new MemoryCheckpoints();
  const { group } = groupOf(JOBS[1]);
  const checkpointer = checkpointerOf(group, store);
  const entries = encodeFacts([["hello", "world"]]);
  await group.handle(1, { ...frame(1, [FACT, 1, 0, 1000, "word", 0, entries]), previous: [0, -1] });
  await group.handle(2, frame(2, visit(2, 1000, "a")));
  await group.handle(3, frame(3, [TIME, 3, 0, 1010]));
  await group.handle(4, frame(4, visit(4, 1020, "b")));
  await checkpointer.write({
    seq: 4,
    time: 0,
    clean: true,
    settled: Promise.resolve(),
    tails: () => [],
    acknowledged: () => [],
  });
  return store;
}

interface Fixture {
  readonly marks: readonly string[];
  readonly pieces: readonly (readonly [seq: number, bytes: string])[];
}
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

if (process.env["UPDATE_FIXTURES"] === "1") {
  const { marks, pieces } = await write();
  const fixture: Fixture = {
    marks: marks.map(base64),
    pieces: [...pieces].map(([seq, bytes]) => [seq, base64(bytes)]),
  };
  writeFileSync(FIXTURE, `${JSON.stringify(fixture, undefined, 2)}\n`);
}

function stored(): MemoryCheckpoints {
  const { marks, pieces } = JSON.parse(readFileSync(FIXTURE, "utf8")) as Fixture;
  const store = new MemoryCheckpoints();
  store.marks = marks.map((bytes) => Buffer.from(bytes, "base64"));
  for (const [seq, bytes] of pieces) store.pieces.set(seq, Buffer.from(bytes, "base64"));
  return store;
}

describe("a checkpoint of an older build", () => {
  test("is lifted: states by name through migrate, timers to their operator, what is gone dropped", async () => {
    const { group, outputs } = groupOf(JOBS[2]);
    const marker = await checkpointerOf(group, stored()).restore();
    expect(marker?.operators).toEqual([
      ["gone", 1],
      ["visits", 1],
      ["in-order", 3],
    ]);
    expect(group.task.stateOf("visits", "ann")).toEqual({ unknown: 2 });
    expect(group.task.stateOf("fresh", "ann")).toBeUndefined();
    expect(group.task.pendingTimers).toBe(1);
    await group.handle(5, frame(5, visit(5, 1030, "c")));
    await group.handle(6, frame(6, [TIME, 6, 0, 2000]));
    expect(outputs.map(({ subject, data }) => [subject, data])).toEqual([
      ["order.told", { text: "a b: world" }],
      ["order.told", { text: "a b c: world" }],
      ["visits.told", { state: { unknown: 2, c: 1 } }],
    ]);
  });

  test("goes on as it was under the build that wrote it", async () => {
    const { group, outputs } = groupOf(JOBS[1]);
    await checkpointerOf(group, stored()).restore();
    expect(group.task.pendingTimers).toBe(2);
    await group.handle(5, { ...frame(5, visit(5, 1030, "c")) });
    expect(outputs).toEqual([]);
    expect(group.task.stateOf("visits", "ann")).toBe(3);
  });

  test("is gone on from piece by piece: its rows as they were written, those since in fewer bytes", async () => {
    const store = stored();
    const { group } = groupOf(JOBS[1]);
    const checkpointer = checkpointerOf(group, store);
    await checkpointer.restore();
    const settled = Promise.resolve();
    const rest = { time: 0, clean: false, settled, tails: () => [], acknowledged: () => [] };
    await group.handle(5, frame(5, visit(5, 1030, "c")));
    await checkpointer.write({ seq: 5, ...rest });
    await group.handle(6, frame(6, [TIME, 6, 0, 1035]));
    await checkpointer.write({ seq: 6, ...rest });
    const again = groupOf(JOBS[1]).group;
    const marker = await checkpointerOf(again, store).restore();
    expect(new Set(marker?.pieces.map(({ cut }) => cut)).size).toBeGreaterThan(1);
    expect(again.task.stateOf("visits", "ann")).toBe(3);
    expect(again.task.stateOf("in-order", "all")).toEqual(["a", "b", "c"]);
    expect(again.task.pendingTimers).toBe(group.task.pendingTimers);
  });

  test("is refused by an operator that has no way up from it", async () => {
    const { migrate: _none, ...noWay } = visits(2);
    const { group } = groupOf([inOrder, noWay]);
    await expect(checkpointerOf(group, stored()).restore()).rejects.toMatchObject({
      code: "VERSION_MISMATCH",
      message: "operator visits is of version 2 and cannot read its states of version 1",
    });
  });

  test("is followed by one that is whole, under the new build", async () => {
    const store = stored();
    const { group } = groupOf(JOBS[2]);
    const checkpointer = checkpointerOf(group, store);
    await checkpointer.restore();
    await group.handle(5, frame(5, visit(5, 1030, "c")));
    const settled = Promise.resolve();
    const rest = { clean: false, settled, tails: () => [], acknowledged: () => [] };
    await checkpointer.write({ seq: 5, time: 0, ...rest });
    const again = groupOf(JOBS[2]).group;
    const marker = await checkpointerOf(again, store).restore();
    expect(marker?.pieces.every(({ cut }) => cut === marker.cut)).toBe(true);
    expect(again.task.stateOf("visits", "ann")).toEqual({ unknown: 2, c: 1 });
    expect(again.task.pendingTimers).toBe(group.task.pendingTimers);
  });
});
