import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { scoringFunctions } from "../operators/scoring.ts";
import { SimulatedShop } from "../operators/simulated-shop/simulated-shop.ts";
import { openJob } from "../src/cli/open-job.ts";
import type { KeyedRecord } from "../src/codec/frame.ts";
import type { FlowGroup } from "../src/flow/flow-group.ts";
import { buildJob, type Job, type JobDefinition } from "../src/flow/job.ts";
import { keyGroup } from "../src/flow/key-group.ts";
import { MemoryLog } from "../src/replay/memory-log.ts";
import { InlineScoring } from "../src/score/inline.ts";
import { unpacked } from "../src/state/packed.ts";
import { encodePlain } from "../src/state/plain.ts";
import { RowCoder } from "../src/state/row-coder.ts";
import { type EventTime, eventTime, minutes, plus } from "../src/time/event-time.ts";
import { Timers } from "../src/time/timers.ts";
import {
  type BenchOptions,
  bytesInUse,
  collectGarbage,
  type Figure,
  type Report,
  randomBelow,
} from "./harness.ts";

const GIB = 2 ** 30;
/** Pauses are told to observers a while after they were. */
const SETTLED_MS = 100;
const START = eventTime(Date.parse("2026-09-12T13:00:00+08:00"));

/** What is known of a key: a state an operator, and its timers as checkpoints write them. */
interface Known {
  readonly states: readonly unknown[];
  readonly timers: readonly (string | number)[];
}

/** What an afternoon of the simulated shop leaves behind: persons, items, and the events themselves. */
interface Afternoon {
  readonly people: readonly Known[];
  readonly items: readonly Known[];
  readonly records: readonly KeyedRecord[];
  readonly facts: readonly (readonly [kind: string, key: string, value: unknown])[];
}

const scoring = new InlineScoring(scoringFunctions);
const shippedJob = async () => (await openJob(undefined, {}, { trustRecv: true, quiet: true })).job;

async function afternoon(events: number): Promise<Afternoon> {
  const job = await shippedJob();
  const records: KeyedRecord[] = [];
  const decode = (record: KeyedRecord): unknown => {
    records.push(record);
    return job.shopper.decode(record);
  };
  const definition = { ...job, shopper: { ...job.shopper, decode } };
  const log = new MemoryLog(definition, scoring, { frameSize: 128, onOutput: () => undefined });
  const shop = new SimulatedShop({ seed: 3, start: START, people: 12_000 });
  const append = (subject: string, body: object, time: EventTime): void => {
    const data = Buffer.from(JSON.stringify(body));
    log.append({ subject, data, contentType: "application/json", time, msgId: undefined });
  };
  for (const { subject, body } of shop.facts()) append(subject, body, START);
  await log.settle();
  for (let at = START, n = 0; n < events; at = plus(at, minutes(1))) {
    for (const { subject, body } of shop.advance(at)) {
      if (!subject.startsWith("in.event.")) continue;
      append(subject, { ...body, ts: at, recv: at }, at);
      n += 1;
    }
    await log.settle();
  }
  const items = log.job.demands.flatMap((group) => knownOf(group, "item:"));
  const people = log.job.shoppers.flatMap((group) => knownOf(group, "p_"));
  const facts = [...(log.job.shoppers[0]?.task.facts.entries() ?? [])];
  return { people, items, records, facts };
}

/** Of the keys that begin so. */
function knownOf({ task }: FlowGroup, prefix: string): Known[] {
  const pieces: Uint8Array[] = [];
  for (const piece of task.parts()[0]?.cut(true).pieces() ?? []) {
    if (piece !== undefined) pieces.push(piece.bytes);
  }
  const known: Known[] = [];
  for (const entry of unpacked(Buffer.concat(pieces))) {
    const [key, , timers] = entry as [string | null, unknown, Known["timers"]];
    if (key?.startsWith(prefix) !== true) continue;
    const states = task.operators.map(([name]) => task.stateOf(name, key));
    if (states.some((state) => state !== undefined)) known.push({ states, timers });
  }
  return known;
}

/** Copies of those who were there, under keys of their own, restored as from a checkpoint. */
function populate(groups: readonly FlowGroup[], of: readonly Known[], keys: readonly string[]) {
  const coder = new RowCoder();
  const nothing = coder.commonSize;
  const rows = of.map(({ states }) => coder.pack(states).slice());
  const { names, dictionary } = coder.commonSince(nothing);
  const waiting = groups.map((): Uint8Array[] => [encodePlain([null, names, dictionary])]);
  const flush = (g: number): void => {
    groups[g]?.task.parts()[0]?.restore(Buffer.concat(waiting[g] ?? []), 0);
    waiting[g] = [];
  };
  keys.forEach((key, i) => {
    const { timers } = of[i % of.length] as Known;
    const g = keyGroup(key, groups.length);
    const entry = encodePlain([key, rows[i % of.length], timers]);
    if ((waiting[g]?.push(entry) ?? 0) >= 500) flush(g);
  });
  groups.forEach((_, g) => {
    flush(g);
  });
}

const personKey = (i: number): string => `p_${i.toString(16).padStart(24, "0")}`;

/** The shipped job that knows the shop's goods, and nobody yet. */
function emptyJob(definition: JobDefinition, facts: Afternoon["facts"]): Job {
  const nothing = () => undefined;
  const moves = { put: nothing, get: () => Promise.resolve(undefined) };
  const sinks = { of: () => ({ hop: nothing, output: nothing }), moves };
  const job = buildJob(definition, scoring, sinks);
  for (const { task } of job.shoppers) for (const fact of facts) task.facts.put(...fact);
  return job;
}

interface Crowd {
  readonly job: Job;
  readonly people: number;
}

/** Events of the afternoon, each to anybody of the crowd; events a second of processor time. */
async function feed({ job, people }: Crowd, records: readonly KeyedRecord[]): Promise<number> {
  const below = randomBelow(9);
  const { decode } = job.definition.shopper;
  const later = (records.at(-1)?.[3] ?? 0) - (records[0]?.[3] ?? 0);
  const begun = process.cpuUsage();
  for (const [i, record] of records.entries()) {
    const key = personKey(below(people));
    const task = (job.shoppers[keyGroup(key, job.shoppers.length)] as FlowGroup).task;
    const [kind, seq, n, at, , cause, payload] = record;
    const now = (at + later) as EventTime;
    const event = decode([kind, seq, n, now, key, cause, payload]);
    await task.event(event, { key, now, cause: `${cause}-${i}`, position: [i, 0] });
    if (i % 256 === 0) await turn();
  }
  for (const { task } of job.shoppers) await task.settle();
  const { user, system } = process.cpuUsage(begun);
  return records.length / ((user + system) / 1e6);
}

/** Durations of the collector's pauses while `work` ran, the longest last. */
async function pausesOf(work: () => Promise<unknown>): Promise<number[]> {
  const pauses: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pauses.push(duration);
  });
  observer.observe({ entryTypes: ["gc"] });
  await work();
  await sleep(SETTLED_MS);
  observer.disconnect();
  return pauses.sort((a, b) => a - b);
}

/** Bytes in use of `count` timers, each of another key. */
function timerBytes(count: number): number {
  const before = bytesInUse();
  const timers = new Timers();
  const keys = Array.from({ length: count }, (_, i) => personKey(i));
  const withKeys = bytesInUse();
  keys.forEach((key, i) => {
    timers.set(3, key, "end", plus(START, minutes(i % 10_000)));
  });
  const bytes = (bytesInUse() - withKeys) / count;
  if (timers.size !== count || before > withKeys) throw new Error("timers got lost");
  return bytes;
}

/** What persons and items take, and whether many of them make events dearer. */
export async function memory({ short }: BenchOptions): Promise<Report> {
  const sizes = short ? [1_000, 10_000] : [10_000, 100_000, 1_000_000];
  const manyItems = short ? 1_000 : 100_000;
  const { people, items, records, facts } = await afternoon(short ? 5_000 : 20_000);
  const figures: Figure[] = [];
  const rates: number[] = [];
  for (const [i, size] of sizes.entries()) {
    const crowd = { job: emptyJob(await shippedJob(), facts), people: size };
    const before = bytesInUse();
    populate(
      crowd.job.shoppers,
      people,
      Array.from({ length: size }, (_, n) => personKey(n)),
    );
    const withPeople = bytesInUse();
    // Once to warm up: the rows that come up are objects from then on.
    await feed(crowd, records.slice(0, records.length / 4));
    collectGarbage();
    await sleep(SETTLED_MS);
    const isLargest = i === sizes.length - 1;
    const pauses = await pausesOf(async () =>
      rates.push(await feed(crowd, records.slice(0, records.length / 2))),
    );
    const name = size.toLocaleString("en");
    figures.push({
      name: `events of ${name} people`,
      value: rates[i] ?? 0,
      unit: "events/s of processor time",
    });
    if (!isLargest) continue;
    figures.push({
      name: `a person, of ${name}, timers included`,
      value: (withPeople - before) / size,
      unit: "bytes",
    });
    const withoutItems = bytesInUse();
    populate(
      crowd.job.demands,
      items,
      Array.from({ length: manyItems }, (_, n) => `item:sku-of-the-bench-${n}`),
    );
    const itemBytes = (bytesInUse() - withoutItems) / manyItems;
    figures.push({
      name: `an item, of ${manyItems.toLocaleString("en")}`,
      value: itemBytes,
      unit: "bytes",
    });
    collectGarbage();
    const bound = short ? {} : { bound: { kind: "most" as const, value: 2 } };
    figures.push(
      {
        name: "all of them, resident",
        value: process.memoryUsage().rss / GIB,
        unit: "GiB",
        ...bound,
      },
      {
        name: "pauses of the collector, p99",
        value: pauses[Math.floor(pauses.length * 0.99)] ?? 0,
        unit: "ms",
      },
      { name: "pauses of the collector, longest", value: pauses.at(-1) ?? 0, unit: "ms" },
    );
  }
  const least = short ? {} : { bound: { kind: "least" as const, value: 0.6 } };
  figures.push({
    name: `events of ${sizes.at(-1)?.toLocaleString("en")} people / of ${sizes[0]?.toLocaleString("en")}`,
    value: (rates.at(-1) ?? 0) / (rates[0] ?? 1),
    unit: "×",
    ...least,
  });
  figures.push({
    name: "a timer, its key left out",
    value: timerBytes(short ? 20_000 : 200_000),
    unit: "bytes",
  });
  const coder = new RowCoder();
  const mean = (of: (known: Known) => number) =>
    people.reduce((sum, known) => sum + of(known), 0) / people.length;
  figures.push(
    {
      name: "a person's state as it is written",
      value: mean(({ states }) => coder.pack(states).length),
      unit: "bytes",
    },
    { name: "timers a person", value: mean(({ timers }) => timers.length / 3), unit: "" },
  );
  return { comparisons: [], figures };
}
