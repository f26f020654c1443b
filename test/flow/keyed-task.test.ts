import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FORGET, type Operator } from "../../src/flow/operator.ts";
import type { ScoreAnswer, ScoreTask, Scoring } from "../../src/score/seam.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { play, type ScriptLine } from "../support/play.ts";

interface Hit {
  readonly person: string;
  readonly do: "add" | "score" | "throw" | "remind" | "forget";
  readonly n: number;
}
interface Sum {
  total: number;
  log: number[];
}

/** Adds numbers, asks for scores, throws on demand, reminds by timer: every path of the runtime. */
const sum: Operator<Hit, { said: string; total: number }, Sum> = {
  name: "sum",
  version: 1,
  order: "arrival",
  key: (hit) => hit.person,
  init: () => ({ total: 0, log: [] }),
  onEvent(hit, state, ctx) {
    state.total += hit.n;
    state.log = [...state.log, hit.n].slice(-5);
    if (hit.do === "throw") throw new Error("told to");
    if (hit.do === "forget") return FORGET;
    if (hit.do === "score") ctx.score({ scorer: "square", input: state.total, memo: { n: hit.n } });
    else ctx.emit({ said: hit.do, total: state.total });
    if (hit.do === "remind") ctx.setTimer("remind", (ctx.now + 7) as EventTime);
    return state;
  },
  onTimer(timer, state, ctx) {
    ctx.emit({ said: `timer ${timer.at}`, total: state.total });
    return state;
  },
  onScored(scored, state, ctx) {
    state.total += 1;
    ctx.emit({ said: `square ${scored.result}`, total: state.total });
    return state;
  },
  publish: (out) => ({ subject: "sum", data: out }),
};

/** Another key: what everybody said, in the order it left. */
const everybody: Operator<{ said: string; total: number }, unknown, { heard: number }> = {
  name: "everybody",
  version: 1,
  order: "arrival",
  key: () => "all",
  init: () => ({ heard: 0 }),
  onEvent(event, state, ctx) {
    state.heard = (state.heard * 31 + event.total) % 1_000_003;
    ctx.emit({ heard: state.heard });
    return state;
  },
  publish: (out) => ({ subject: "all", data: out as Record<string, unknown> }),
};

const nodes = [
  { operator: sum, from: ["events"] },
  { operator: everybody, from: ["sum"] },
];
const functions = { square: (input: unknown) => (input as number) ** 2 };

/** Answers in its own good time: the order of completion is not the order of asking. */
class SlowScoring implements Scoring {
  async score(tasks: readonly ScoreTask[]): Promise<readonly ScoreAnswer[]> {
    await new Promise((resolve) => setImmediate(resolve));
    return tasks.map((task) => ({ ok: true, result: functions.square(task.input) }));
  }
  async close(): Promise<void> {}
}

const hit = (at: number, person: string, what: Hit["do"], n = 1): ScriptLine => ({
  at,
  key: person,
  event: { person, do: what, n },
  id: `e${at}${person}`,
});

const scripts = fc
  .array(
    fc.record({
      person: fc.constantFrom("ann", "bob", "cho"),
      do: fc.constantFrom("add", "score", "score", "throw", "remind", "forget") as fc.Arbitrary<
        Hit["do"]
      >,
      n: fc.integer({ min: 1, max: 9 }),
      gap: fc.integer({ min: 0, max: 4 }),
      watermark: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((hits) => {
    const script: ScriptLine[] = [];
    let at = 1000;
    for (const [i, h] of hits.entries()) {
      at += h.gap;
      script.push({
        at,
        key: h.person,
        event: { person: h.person, do: h.do, n: h.n },
        id: `e${i}`,
      });
      if (h.watermark) script.push({ watermark: at - 3 });
    }
    return [...script, { watermark: at + 100 }];
  });

describe("a key group", () => {
  test("an event that throws is dead-lettered with its operator; the key goes on as before it", async () => {
    const played = await play(nodes, [
      hit(1, "ann", "add", 5),
      hit(2, "ann", "throw", 7),
      hit(3, "ann", "add", 1),
    ]);
    expect(
      played.outputs.map((o) => [o.subject, o.data["total"] ?? o.data["operator"] ?? "-"]),
    ).toEqual([
      ["sum", 5],
      ["all", "-"],
      ["deadletter.operator", "sum"],
      ["sum", 6],
      ["all", "-"],
    ]);
    expect(played.counts("sum").errors).toBe(1);
  });

  test("a key with a score out handles nothing else; others go on; outputs keep record order", async () => {
    const played = await play(
      nodes,
      [hit(1, "ann", "score", 3), hit(2, "ann", "add", 1), hit(3, "bob", "add", 2)],
      { functions, settleEvery: 100 },
    );
    const said = played.outputs
      .filter((o) => o.subject === "sum")
      .map((o) => [o.key, o.data["said"], o.data["total"]]);
    expect(said).toEqual([
      ["ann", "square 9", 4],
      ["ann", "add", 5],
      ["bob", "add", 2],
    ]);
  });

  test("timers fire at the watermark, with their due time as now", async () => {
    const played = await play(nodes, [
      hit(10, "ann", "remind"),
      { watermark: 16 },
      { watermark: 17 },
    ]);
    const timers = played.outputs.filter((o) => String(o.data["said"]).startsWith("timer"));
    expect(timers.map((o) => [o.time, o.cause])).toEqual([[17, "sum/remind@17/ann"]]);
  });

  test("a row that was emptied and opened anew within one step is kept", async () => {
    const forgetful = (name: string, order: Operator<Hit, never, object>["order"]) => ({
      operator: { ...noting, name, order, onEvent: () => FORGET } as Operator<Hit, never, object>,
      from: ["events"],
    });
    const noting: Operator<Hit, never, { n: number }> = {
      name: "noting",
      version: 1,
      order: "event-time",
      key: (event) => event.person,
      init: () => ({ n: 0 }),
      onEvent: (event, state) => ({ n: state.n + event.n }),
    };
    const late = [hit(1, "ann", "add", 5), hit(2, "ann", "add", 7)];
    const { task } = await play(
      [
        forgetful("first", "arrival"),
        forgetful("second", "event-time"),
        { operator: noting, from: ["events"] },
      ],
      [{ watermark: 10 }, ...late],
      { hotRows: 10 },
    );
    expect(task.stateOf("noting", "ann")).toEqual({ n: 12 });
  });

  test("neither where scores are computed, nor when, nor which rows are bytes shows in the outputs", async () => {
    await fc.assert(
      fc.asyncProperty(scripts, fc.integer({ min: 1, max: 40 }), async (script, settleEvery) => {
        const plain = await play(nodes, script, { functions, hotRows: 1000 });
        const evicted = await play(nodes, script, { functions, hotRows: 0, settleEvery });
        const pooled = await play(nodes, script, {
          scoring: new SlowScoring(),
          hotRows: 1,
          settleEvery,
        });
        expect(evicted.outputs).toEqual(plain.outputs);
        expect(pooled.outputs).toEqual(plain.outputs);
      }),
      { numRuns: 150 },
    );
  });

  test("every output has an id of its own", async () => {
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const { outputs } = await play(nodes, script, { functions });
        expect(new Set(outputs.map((o) => o.id)).size).toBe(outputs.length);
      }),
      { numRuns: 60 },
    );
  });
});
