import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { type Afternoon, afternoon, Crowd } from "./crowd.ts";
import {
  type BenchOptions,
  type Comparison,
  collectGarbage,
  type Figure,
  type Latencies,
  latenciesOf,
  median,
  QUANTILES,
  type Report,
} from "./harness.ts";
import { bytesAPartialMatch, bytesBegunByHand } from "./patterns.ts";
import { plainBytes, timerBytes } from "./plain-bytes.ts";
import { residentElsewhere } from "./resident.ts";

const GIB = 2 ** 30;
/** Pauses are told to observers a while after they were. */
const SETTLED_MS = 100;
const ROUNDS = 3;

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
  readonly size: Size;
  readonly name: string;
  /** Seconds of processor time that what was due at the end of a minute took. */
  readonly minute: number;
  readonly rates: readonly number[];
  readonly waits: Latencies;
  /** Of the collector, in milliseconds. */
  readonly pauses: readonly number[];
}

/** What people, items, timers and partial matches take, and what many of them make of throughput and waits. */
export async function memory({ short }: BenchOptions): Promise<Report> {
  const plan = short ? SHORT : FULL;
  const small = smallThings(short);
  const from = await afternoon(plan.afternoon);
  const big = await bigThings(from, plan);
  const [smallest] = plan.sizes as [Size];
  // The first of all warms up: what it measures is not told.
  await growTo(smallest, from, plan);
  const grown: Grown[] = [];
  for (const size of plan.sizes) grown.push(await growTo(size, from, plan));
  // Once more at the end: what differs from the first is no cost of size.
  const again = await growTo(smallest, from, plan);
  const most = grown.find(({ size }) => size.people === plan.most.people);
  grown.push({ ...again, name: `${again.name}, at the end` });
  return {
    comparisons: [throughput(grown, plan)],
    figures: [
      ...costs(grown, plan),
      ...ofPauses(most?.pauses ?? []),
      ...big,
      ...small,
      ...means(from),
    ],
  };
}

const readable = (count: number): string => count.toLocaleString("en");
const nameOf = ({ people, items }: Size): string =>
  `${readable(people)} people, ${readable(items)} items`;

/** One size from nothing. */
async function growTo(size: Size, from: Afternoon, plan: Plan): Promise<Grown> {
  const crowd = await Crowd.open(from);
  crowd.letItemsIn(size.items);
  crowd.letPeopleIn(size.people);
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
  // Asked at the end, so that they are there whenever something is measured.
  if (crowd.known < size.people) throw new Error(`only ${crowd.known} of ${size.people} are known`);
  return { size, name: nameOf(size), minute, rates, waits: latenciesOf(waits), pauses };
}

/** What stands in memory with as many people and items as there are at most, in a process of its own. */
async function bigThings(from: Afternoon, plan: Plan): Promise<Figure[]> {
  const { most, warmUp, short } = plan;
  const keys = short ? 200 : 2_000;
  const of = await residentElsewhere({ ...most, afternoon: plan.afternoon, warmUp });
  const all = `with ${nameOf(most)}`;
  const gib = (name: string, bytes: number): Figure => ({ name, value: bytes / GIB, unit: "GiB" });
  return [
    ...besideStates(`a person, of ${readable(most.people)}, timers included`, of.aPerson, () =>
      plainBytes(from.people, keys),
    ),
    ...besideStates(`an item, of ${readable(most.items)}`, of.anItem, () =>
      plainBytes(from.items, keys),
    ),
    gib(`in use ${all}`, of.inUse),
    {
      ...gib(`resident ${all}`, of.resident),
      ...(short ? {} : { bound: { kind: "most", value: 2 } }),
    },
    gib("resident, of it the young generation", of.young),
    gib("resident, of it unused between objects of the old generation", of.unused),
    gib("resident, of it the bench's own rows and events", of.ofBench),
  ];
}

/** A figure and the same kept plainly, measured in the same run. */
const beside = (name: string, value: number, how: string, plain: number): Figure[] => [
  { name: `${name}, ${how}`, value: plain, unit: "bytes" },
  { name: `${name} / ${how}`, value: value / plain, unit: "×" },
];

function besideStates(
  name: string,
  value: number,
  plain: () => { readonly asText: number; readonly asObjects: number },
): Figure[] {
  const { asText, asObjects } = plain();
  return [
    { name, value, unit: "bytes" },
    ...beside(name, value, "as JSON texts in a Map", asText),
    ...beside(name, value, "as objects in a Map", asObjects),
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
  bytesBegunByHand(keys, 1);
  const plain = timerBytes(timers, "plain");
  const ofTimers = (["awake", "asleep"] as const).flatMap((how): Figure[] => {
    const name = `a timer ${how}, its key left out`;
    const value = timerBytes(timers, how);
    return [
      { name, value, unit: "bytes" },
      ...beside(name, value, "as an entry of a heap and a Map", plain),
    ];
  });
  const ofPatterns = ([1, 10] as const).flatMap((begun): Figure[] => {
    const name = `a pending pattern, ${begun === 1 ? "one" : "of ten"} a key`;
    const value = bytesAPartialMatch(keys, begun);
    return [
      { name, value, unit: "bytes" },
      ...beside(name, value, "as an object by hand", bytesBegunByHand(keys, begun)),
    ];
  });
  return [...ofTimers, ...ofPatterns];
}

function means({ people: { rows } }: Afternoon): Figure[] {
  const mean = (of: (row: (typeof rows)[number]) => number) =>
    rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  return [
    {
      name: "a person's state as it is written",
      value: mean(({ row }) => row.length),
      unit: "bytes",
    },
    { name: "timers a person", value: mean(({ timers }) => timers.length / 3), unit: "" },
  ];
}
