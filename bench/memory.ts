import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { RowCoder } from "../src/state/row-coder.ts";
import { type EventTime, minutes, plus } from "../src/time/event-time.ts";
import { Timers } from "../src/time/timers.ts";
import { type Afternoon, afternoon, Crowd, type Known } from "./crowd.ts";
import {
  type BenchOptions,
  bytesEach,
  bytesInUse,
  type Comparison,
  collectGarbage,
  type Figure,
  type Latencies,
  latenciesOf,
  median,
  QUANTILES,
  type Report,
} from "./harness.ts";
import { bytesAPartialMatch } from "./patterns.ts";

const GIB = 2 ** 30;
/** Pauses are told to observers a while after they were. */
const SETTLED_MS = 100;
const ROUNDS = 3;
const TIMERS_A_KEY = 12;

interface Size {
  readonly people: number;
  readonly items: number;
}
interface Plan {
  /** Its figures have no bounds. */
  readonly short: boolean;
  /** The first is the smallest; the others have more of one. */
  readonly sizes: readonly Size[];
  /** Of what there are so many at once for the resident memory. */
  readonly most: Size;
  readonly afternoon: number;
  readonly warmUp: number;
  /** Events of a round of throughput. */
  readonly round: number;
  /** Events one at a time. */
  readonly alone: number;
}

const FULL: Plan = {
  short: false,
  sizes: [
    { people: 10_000, items: 1_000 },
    { people: 100_000, items: 1_000 },
    { people: 1_000_000, items: 1_000 },
    { people: 10_000, items: 10_000 },
    { people: 10_000, items: 100_000 },
  ],
  most: { people: 1_000_000, items: 100_000 },
  afternoon: 20_000,
  warmUp: 3_000,
  round: 3_000,
  alone: 2_000,
};
const SHORT: Plan = {
  short: true,
  sizes: [
    { people: 1_000, items: 100 },
    { people: 10_000, items: 100 },
    { people: 1_000, items: 1_000 },
  ],
  most: { people: 10_000, items: 1_000 },
  afternoon: 4_000,
  warmUp: 500,
  round: 500,
  alone: 500,
};

/** What came of one size. */
interface Grown {
  readonly name: string;
  /** Seconds of processor time that what was due at the end of a minute took. */
  readonly minute: number;
  readonly rates: readonly number[];
  readonly waits: Latencies;
}

/** What people, items, timers and partial matches take, and what many of them make of throughput and waits. */
export async function memory({ short }: BenchOptions): Promise<Report> {
  const plan = short ? SHORT : FULL;
  const small = smallThings(short);
  const from = await afternoon(plan.afternoon);
  const [smallest] = plan.sizes as [Size];
  // The first of all warms up: what it measures is not told.
  await growTo(smallest, from, plan);
  const grown: Grown[] = [];
  const crowded: Figure[] = [];
  for (const size of plan.sizes) {
    const figures = size.people === plan.most.people ? crowded : undefined;
    grown.push(await growTo(size, from, plan, figures));
  }
  // Once more at the end: what differs from the first is no cost of size.
  const again = await growTo(smallest, from, plan);
  grown.push({ ...again, name: `${again.name}, at the end` });
  return {
    comparisons: [throughput(grown, plan)],
    figures: [...costs(grown, plan), ...crowded, ...small, ...means(from)],
  };
}

const readable = (count: number): string => count.toLocaleString("en");
const nameOf = ({ people, items }: Size): string =>
  `${readable(people)} people, ${readable(items)} items`;

/** One size from nothing; where `figures` are wanted, what it takes too. */
async function growTo(size: Size, from: Afternoon, plan: Plan, figures?: Figure[]): Promise<Grown> {
  const crowd = await Crowd.open(from);
  crowd.letItemsIn(size.items);
  const before = figures === undefined ? 0 : bytesInUse();
  crowd.letPeopleIn(size.people);
  figures?.push({
    name: `a person, of ${readable(size.people)}, timers included`,
    value: (bytesInUse() - before) / size.people,
    unit: "bytes",
  });
  const minute = await crowd.endMinute();
  // The rows that come up are objects from then on.
  await crowd.rate(plan.warmUp);
  collectGarbage();
  await sleep(SETTLED_MS);
  const rates: number[] = [];
  let waits: number[] = [];
  const pauses = await pausesOf(async () => {
    for (let round = 0; round < ROUNDS; round += 1) rates.push(await crowd.rate(plan.round));
    waits = await crowd.waits(plan.alone);
  });
  if (figures !== undefined) figures.push(...(await full(from, plan)), ...ofPauses(pauses));
  // Asked at the end, so that they are there whenever something is measured.
  if (crowd.known < size.people) throw new Error(`only ${crowd.known} of ${size.people} are known`);
  return { name: nameOf(size), minute, rates, waits: latenciesOf(waits) };
}

/** What stands in memory with as many items as there are at most, in a crowd of their own beside this one. */
async function full(from: Afternoon, { most, short }: Plan): Promise<Figure[]> {
  const goods = await Crowd.open(from);
  const without = bytesInUse();
  goods.letItemsIn(most.items);
  const inUse = bytesInUse();
  await sleep(SETTLED_MS);
  const bound = short ? {} : { bound: { kind: "most" as const, value: 2 } };
  return [
    {
      name: `an item, of ${readable(most.items)}`,
      value: (inUse - without) / most.items,
      unit: "bytes",
    },
    { name: `in use with ${nameOf(most)}`, value: inUse / GIB, unit: "GiB" },
    {
      name: `resident with ${nameOf(most)}`,
      value: process.memoryUsage().rss / GIB,
      unit: "GiB",
      ...bound,
    },
  ];
}

const ofPauses = (pauses: readonly number[]): Figure[] => {
  const { p99, max } = latenciesOf(pauses);
  return [
    { name: "pauses of the collector, p99", value: p99, unit: "ms" },
    { name: "pauses of the collector, longest", value: max, unit: "ms" },
  ];
};

/** Durations of the collector's pauses while `work` ran. */
async function pausesOf(work: () => Promise<unknown>): Promise<number[]> {
  const pauses: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pauses.push(duration);
  });
  observer.observe({ entryTypes: ["gc"] });
  await work();
  await sleep(SETTLED_MS);
  observer.disconnect();
  return pauses;
}

function throughput(grown: readonly Grown[], plan: Plan): Comparison {
  return {
    title: "Cost of growth",
    what: `${readable(plan.round)} events a round for anybody of so many, through the three flows in memory, by processor time`,
    unit: "events/s",
    rounds: ROUNDS,
    rates: grown.map(({ name, rates }) => ({
      name,
      share: 1,
      median: median(rates),
      least: Math.min(...rates),
      most: Math.max(...rates),
    })),
  };
}

/** Throughput and waits of each size, and how they compare with the smallest. */
function costs(grown: readonly Grown[], { most, short }: Plan): Figure[] {
  const [smallest, ...others] = grown as [Grown, ...Grown[]];
  return [
    ...ofSize(smallest),
    ...others.flatMap((one): Figure[] => {
      const bounded = !short && one.name.startsWith(readable(most.people));
      return [
        ...ofSize(one),
        {
          name: `${one.name} / the smallest: throughput`,
          value: median(one.rates) / median(smallest.rates),
          unit: "×",
          ...(bounded ? { bound: { kind: "least" as const, value: 0.6 } } : {}),
        },
        ...QUANTILES.map((which) => ({
          name: `${one.name} / the smallest: an event alone, ${which}`,
          value: one.waits[which] / smallest.waits[which],
          unit: "×",
        })),
      ];
    }),
  ];
}
const ofSize = ({ name, minute, waits }: Grown): Figure[] => [
  { name: `${name}: due at the end of a minute`, value: minute, unit: "s of processor time" },
  ...QUANTILES.map((which) => ({
    name: `${name}: an event alone, ${which}`,
    value: waits[which],
    unit: "ms",
  })),
];

/** What is counted apart from any crowd, before one can leave something to be freed in between. */
function smallThings(short: boolean): Figure[] {
  const keys = short ? 5_000 : 50_000;
  const timers = short ? 20_000 : 200_000;
  bytesAPartialMatch(keys, 1);
  return [
    { name: "a timer awake, its key left out", value: timerBytes(timers, false), unit: "bytes" },
    { name: "a timer asleep, its key left out", value: timerBytes(timers, true), unit: "bytes" },
    { name: "a pending pattern, one a key", value: bytesAPartialMatch(keys, 1), unit: "bytes" },
    { name: "a pending pattern, of ten a key", value: bytesAPartialMatch(keys, 10), unit: "bytes" },
  ];
}

/** Bytes a timer, of keys that have twelve each: those of people who are about, or of people at rest. */
export function timerBytes(count: number, asleep: boolean): number {
  const names = Array.from({ length: TIMERS_A_KEY }, (_, i) => `timer ${i}`);
  // Through bytes: a text that is still in two halves is freed in part once somebody reads it.
  const keys = Array.from({ length: Math.ceil(count / TIMERS_A_KEY) }, (_, i) =>
    Buffer.from(`p_${i.toString(16).padStart(16, "0")}`).toString("latin1"),
  );
  const make = (): Timers => {
    const timers = new Timers();
    for (const [i, key] of keys.entries()) {
      names.forEach((name, n) => {
        timers.set(n, key, name, plus(0 as EventTime, minutes((i * 7 + n * 100) % 10_000)));
      });
      if (asleep) timers.sleep(key);
    }
    return timers;
  };
  make();
  return bytesEach(keys.length * TIMERS_A_KEY, make);
}

function means({ people }: Afternoon): Figure[] {
  const coder = new RowCoder();
  const mean = (of: (known: Known) => number) =>
    people.reduce((sum, known) => sum + of(known), 0) / people.length;
  return [
    {
      name: "a person's state as it is written",
      value: mean(({ states }) => coder.pack(states).length),
      unit: "bytes",
    },
    { name: "timers a person", value: mean(({ timers }) => timers.length / 3), unit: "" },
  ];
}
