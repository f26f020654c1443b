import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { NatsConnection } from "nats";
import { pino } from "pino";
import { type Frame, KEYED, type KeyedRecord } from "../src/codec/frame.ts";
import { FactRecords } from "../src/flow/fact-records.ts";
import { FlowGroup } from "../src/flow/flow-group.ts";
import { keyGroup } from "../src/flow/key-group.ts";
import type { Operator } from "../src/flow/operator.ts";
import { AckInbox } from "../src/nats/ack-inbox.ts";
import { Checkpoints } from "../src/nats/checkpoints.ts";
import { connectBroker } from "../src/nats/connect.ts";
import { startEmbeddedServer } from "../src/nats/embedded-server.ts";
import { deleteStreams, ensureStreams, namesOf } from "../src/nats/streams.ts";
import { InlineScoring } from "../src/score/inline.ts";
import { days, minutes, seconds } from "../src/time/event-time.ts";
import type { BenchOptions, Figure, Report } from "./harness.ts";

const GROUPS = 16;
const log = pino({ level: "silent" });

interface Profile {
  readonly name: string;
  readonly tags: readonly string[];
  counts: number[];
  last: number;
}

/** About 300 bytes of state and one timer a key. */
const profile: Operator<number, never, Profile> = {
  name: "profile",
  version: 1,
  order: "arrival",
  key: () => undefined,
  init: (key) => ({
    name: `${key} of the bench, who buys on weekends`,
    tags: ["science", "weekend", "mini-program", "price-sensitive", "new-customer", "wecom"],
    counts: Array.from({ length: 24 }, (_, i) => i * 1_000_003),
    last: 0,
  }),
  onEvent(at, state, ctx) {
    state.counts[at % 24] = (state.counts[at % 24] ?? 0) + 1;
    state.last = at;
    ctx.setTimer("quiet", (ctx.now + days(30)) as typeof ctx.now);
    return state;
  },
};

/** Key groups of a flow of one operator; what they say goes nowhere. */
class Crowd {
  readonly groups: readonly FlowGroup[];
  readonly #seqs: number[];
  readonly #previous: [number, number][];

  constructor() {
    const operator = { ...profile };
    const flow = {
      name: "crowd",
      nodes: [{ operator, from: ["events"] }],
      decode: (record: KeyedRecord) => record[6],
    };
    let current = "";
    operator.key = () => current;
    this.groups = Array.from(
      { length: GROUPS },
      (_, group) =>
        new FlowGroup(
          {
            flow: {
              ...flow,
              decode: (record) => {
                current = record[4];
                return record[6];
              },
            },
            group,
            scoring: new InlineScoring({}),
            hotRows: 4096,
            factRecords: new FactRecords(),
            input: { kind: "log", disorder: seconds(5) },
          },
          { hop: () => undefined, output: () => undefined },
        ),
    );
    this.#seqs = this.groups.map(() => 0);
    this.#previous = this.groups.map(() => [0, -1]);
  }

  /** Hands each group its share of these keys as one frame. */
  async feed(keys: readonly number[], at: number, onHandled?: (g: number, seq: number) => void) {
    const records: KeyedRecord[][] = this.groups.map(() => []);
    keys.forEach((number, i) => {
      const key = `p_${number}`;
      const group = keyGroup(key, GROUPS);
      const seq = (this.#seqs[group] ?? 0) + 1;
      const of = records[group] as KeyedRecord[];
      of.push([KEYED, seq, of.length, at, key, `e${at}-${i}`, at]);
    });
    for (const [g, group] of this.groups.entries()) {
      const of = records[g] as KeyedRecord[];
      const last = of.at(-1);
      if (last === undefined) continue;
      const frame: Frame = { source: "bench", previous: this.#previous[g] ?? [0, -1], records: of };
      this.#previous[g] = [last[1], last[2]];
      this.#seqs[g] = last[1];
      await group.handle(last[1], frame);
      onHandled?.(g, last[1]);
    }
  }
  at(group: number): { readonly seq: number; readonly time: number } {
    return { seq: this.#seqs[group] ?? 0, time: 1 };
  }
}

function checkpointsOf(crowd: Crowd, nc: NatsConnection, inbox: AckInbox, every: number) {
  return new Checkpoints(crowd.groups, {
    nc,
    inbox,
    names: namesOf("bench"),
    owner: "bench",
    version: "bench",
    layout: "bench",
    every: every as ReturnType<typeof seconds>,
    records: Number.POSITIVE_INFINITY,
    log,
    tails: () => [],
    settled: () => Promise.resolve(),
    onTakenOver: (fault) => {
      throw fault;
    },
  });
}

/** Writes all keys once, and reads them back into an empty crowd. */
async function restore(nc: NatsConnection, keys: number): Promise<Figure[]> {
  const inbox = new AckInbox(nc, log);
  const crowd = new Crowd();
  const checkpoints = checkpointsOf(crowd, nc, inbox, 1e9);
  for (let from = 0; from < keys; from += 10_000) {
    const some = Array.from({ length: Math.min(10_000, keys - from) }, (_, i) => from + i);
    await crowd.feed(some, from + 1);
  }
  const began = performance.now();
  await checkpoints.writeAll((name) => crowd.at(Number(name.split("-")[1])));
  const written = performance.now();
  const again = new Crowd();
  const from = checkpointsOf(again, nc, inbox, 1e9);
  await from.restore();
  const restored = performance.now();
  inbox.close();
  const found = again.groups.reduce((sum, group) => sum + group.task.keys, 0);
  if (found !== keys) throw new Error(`${found} of ${keys} keys were restored`);
  const { bytes } = checkpoints.counts;
  return [
    { name: "keys", value: keys, unit: "" },
    { name: "bytes of state a key, timer and key with it", value: bytes / keys, unit: "B" },
    { name: "writing all of it", value: (written - began) / 1000, unit: "s" },
    {
      name: "restoring all of it",
      value: (restored - written) / 1000,
      unit: "s",
      bound: { kind: "most", value: 20 },
    },
  ];
}

/** Zipf with exponent 1 over `people`, by the inverse of its cumulative distribution. */
function zipf(people: number): () => number {
  const sums = new Float64Array(people);
  let sum = 0;
  for (let i = 0; i < people; i += 1) {
    sum += 1 / (i + 1);
    sums[i] = sum;
  }
  let seed = 42;
  return () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    const wanted = (seed / 0x80000000) * sum;
    let low = 0;
    let high = people - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

interface Load {
  /** Share of the main thread that was busy. */
  readonly busy: number;
  /** Longest time nothing else could run. */
  readonly longestMs: number;
}

const EVERY_MS = 10;

/** So many events a second for a while, in the rhythm of a reader; checkpoints beside them or not. */
async function underLoad(
  nc: NatsConnection,
  of: { readonly people: number; readonly perSecond: number; readonly lasts: number },
  every: number | undefined,
): Promise<Load & { readonly bytes: number }> {
  const inbox = new AckInbox(nc, log);
  const crowd = new Crowd();
  const checkpoints = checkpointsOf(crowd, nc, inbox, every ?? 1e9);
  const draw = zipf(of.people);
  for (let from = 0; from < of.people; from += 10_000) {
    await crowd.feed(
      Array.from({ length: 10_000 }, (_, i) => from + i),
      from + 1,
    );
  }
  const share = Math.round((of.perSecond * EVERY_MS) / 1000);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const ticks = Math.round(of.lasts / EVERY_MS);
  const before = performance.eventLoopUtilization();
  delay.enable();
  const began = performance.now();
  for (let tick = 1; tick <= ticks; tick += 1) {
    const keys = Array.from({ length: share }, draw);
    await crowd.feed(keys, of.people + tick, (g, seq) => {
      checkpoints.offer(`crowd-${g}`, { seq, time: 1 }, 1);
    });
    const wait = began + tick * EVERY_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
  }
  delay.disable();
  const busy = performance.eventLoopUtilization(before).utilization;
  inbox.close();
  return { busy, longestMs: delay.max / 1e6, bytes: checkpoints.counts.bytes };
}

export async function recovery({ short }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "freshet-bench-"));
  const server = await startEmbeddedServer({ dataDir: folder, log });
  const nc = await connectBroker({ url: server.url }, "freshet bench");
  const fresh = async () => {
    await deleteStreams(nc, "bench");
    const limits = {
      maxAge: days(1),
      maxOutAge: days(1),
      maxBytes: -1,
      duplicateWindow: minutes(2),
      replicas: 1,
    };
    await ensureStreams(nc, namesOf("bench"), limits, "bench");
  };
  try {
    await fresh();
    const figures = await restore(nc, short ? 50_000 : 1_000_000);
    const load = {
      people: short ? 20_000 : 100_000,
      perSecond: 50_000,
      lasts: short ? 3000 : 30_000,
    };
    await fresh();
    const without = await underLoad(nc, load, undefined);
    const withThem = await underLoad(nc, load, short ? 1000 : 10_000);
    figures.push(
      { name: "main thread busy at 50 k events/s, no checkpoints", value: without.busy, unit: "" },
      { name: "main thread busy, checkpoints beside", value: withThem.busy, unit: "" },
      {
        name: "share of the main thread that checkpoints take",
        value: withThem.busy - without.busy,
        unit: "",
        bound: { kind: "most", value: 0.1 },
      },
      { name: "longest stall without", value: without.longestMs, unit: "ms" },
      { name: "longest stall with", value: withThem.longestMs, unit: "ms" },
      { name: "checkpoint bytes", value: withThem.bytes / 1e6, unit: "MB" },
    );
    return { comparisons: [], figures };
  } finally {
    await nc.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
