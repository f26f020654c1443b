import fc from "fast-check";
import { expect, test } from "vitest";
import { KEYED, type LogRecord, TIME } from "../../src/codec/frame.ts";
import { FactRecords } from "../../src/flow/fact-records.ts";
import { FlowGroup, type GroupOptions } from "../../src/flow/flow-group.ts";
import { KeyedTask } from "../../src/flow/keyed-task.ts";
import type { Operator } from "../../src/flow/operator.ts";
import { START } from "../../src/flow/seen-positions.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { type EventTime, eventTime, MAX_TIME, millis } from "../../src/time/event-time.ts";

interface Hit {
  readonly key: string;
  readonly n: number;
}
/** `asking` between the question for a score and its answer. */
interface Asked {
  asking: boolean;
  told: number;
  fired: number;
}
/** Timers of all keys are due at once, behind all events. */
const DUE = 4000;

const asks: Operator<Hit, Hit, Asked> = {
  name: "counter",
  version: 1,
  order: "arrival",
  key: ({ key }) => key,
  init: () => ({ asking: false, told: 0, fired: 0 }),
  onEvent({ n }, state, ctx) {
    state.asking = true;
    ctx.score({ scorer: "twice", input: n });
    ctx.setTimer(`due ${n}`, DUE as EventTime);
    return state;
  },
  onTimer(_timer, state, ctx) {
    state.asking = true;
    state.fired += 1;
    ctx.score({ scorer: "twice", input: -state.fired });
    return state;
  },
  onScored({ result }, state, ctx) {
    state.asking = false;
    if ((result as number) >= 0) state.told += 1;
    ctx.emit({ key: ctx.key, n: result as number });
    return state;
  },
  publish: (hit) => ({ subject: "kpi.said", data: { ...hit } }),
};
/** Where records are merged nobody may ask. */
const counts: Operator<Hit, Hit, Asked> = {
  name: "counter",
  version: 1,
  order: "event-time",
  key: ({ key }) => key,
  init: () => ({ asking: false, told: 0, fired: 0 }),
  onEvent(hit, state, ctx) {
    state.told += 1;
    ctx.setTimer(`due ${hit.n}`, DUE as EventTime);
    ctx.emit(hit);
    return state;
  },
  onTimer(_timer, state, ctx) {
    state.fired += 1;
    ctx.emit({ key: ctx.key, n: -state.fired });
    return state;
  },
  publish: (hit) => ({ subject: "kpi.said", data: { ...hit } }),
};
const scoring = new InlineScoring({ twice: (n) => (n as number) * 2 });
const KEYS = ["a", "b", "c"] as const;
const NOW = eventTime(1_790_000_000_000);

const INPUTS = [
  { kind: "log", disorder: millis(0) },
  { kind: "merge", sources: ["in"] },
] as const;

/** Everything said, and what was found of the states whenever others had their turn. */
async function run(input: GroupOptions["input"], records: readonly LogRecord[], gives: boolean) {
  const said: unknown[] = [];
  const found: (readonly Asked[])[] = [];
  const group = new FlowGroup(
    {
      flow: {
        name: "shopper",
        nodes: [{ operator: input.kind === "log" ? asks : counts, from: ["events"] }],
        decode: ([, , , , key, , n]) => ({ key, n }),
      },
      group: 0,
      scoring,
      hotRows: 1,
      factRecords: new FactRecords(),
      input,
    },
    { hop: () => undefined, output: (output, position) => said.push([output, position]) },
  );
  const turn = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    found.push(
      KEYS.flatMap((key) => {
        const state = group.task.stateOf("counter", key) as Asked | undefined;
        return state === undefined ? [] : [{ ...state }];
      }),
    );
  };
  const frame = { source: "in", previous: START, records };
  await group.handle(1, frame, gives ? turn : undefined);
  return { said, found };
}

test("whoever has a turn within a frame finds states that stand, and nothing comes out otherwise", async () => {
  const hits = fc.array(fc.tuple(fc.constantFrom(...KEYS), fc.nat(9)), {
    minLength: 1,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...INPUTS), hits, async (input, all) => {
      const events = all.map(
        ([key, n], i): LogRecord => [KEYED, i + 1, 0, 1000 + i, key, `e${i}`, n],
      );
      const end: LogRecord = [TIME, all.length + 1, 0, 5000];
      const plain = await run(input, [...events, end], false);
      const giving = await run(input, [...events, end], true);
      expect(giving.said).toEqual(plain.said);
      const timers = new Set(all.map(([key, n]) => `${key} ${n}`)).size;
      expect(plain.said).toHaveLength(all.length + timers);
      expect(giving.found.flat().filter(({ asking }) => asking)).toEqual([]);
      // Before each event all that came before it has been told.
      const told = giving.found.map((states) => states.reduce((sum, one) => sum + one.told, 0));
      expect(told.slice(0, all.length)).toEqual(all.map((_, i) => i));
      // And after each timer that is due, however many are due at once.
      const fired = giving.found.map((states) => states.reduce((sum, one) => sum + one.fired, 0));
      expect(new Set(fired)).toEqual(new Set(Array.from({ length: timers + 1 }, (_, i) => i)));
    }),
  );
});

/** Says so when it is woken. */
const wakes: Operator<Hit, Hit, Asked> = {
  ...counts,
  order: "arrival",
  wakes: "config",
  onEvent: (_hit, state) => state,
  onTimer({ name, at }, state, ctx) {
    state.fired += 1;
    ctx.emit({ key: `${ctx.key} ${name}`, n: at });
    return state;
  },
};

test("others have their turn after each key that a fact wakes, and the same comes of it", async () => {
  const wake = async (gives: boolean) => {
    const said: unknown[] = [];
    let turns = 0;
    const task = new KeyedTask(
      {
        name: "shopper",
        nodes: [{ operator: wakes, from: ["events"] }],
        decode: () => undefined,
      },
      { group: 0, scoring, hotRows: 1, ordered: false },
      { hop: () => undefined, output: (output) => said.push(output) },
    );
    for (const [i, key] of KEYS.entries()) {
      await task.event({ key, n: i }, { key, now: NOW, cause: key, position: [i + 1, 0] });
    }
    const breathe = async (): Promise<void> => {
      turns += 1;
      await new Promise((resolve) => setImmediate(resolve));
    };
    await task.tell("config", [], { second: NOW, ...(gives ? { breathe } : {}) });
    await task.advance(MAX_TIME, [KEYS.length + 1, 0]);
    return { said, turns };
  };
  const plain = await wake(false);
  const giving = await wake(true);
  expect(plain.said).toHaveLength(KEYS.length);
  expect(giving.said).toEqual(plain.said);
  expect(giving.turns).toBe(KEYS.length);
});
