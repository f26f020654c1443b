import { readFileSync } from "node:fs";
import type { PropValue, ShopEvent } from "../operators/event.ts";
import { ruleSpec } from "../operators/shopper/rule.ts";
import { segmentSpec } from "../operators/shopper/segment.ts";
import { sessionSpec } from "../operators/shopper/session.ts";
import type { Reading } from "../src/config/problem.ts";
import { readRules } from "../src/config/rule-file.ts";
import { readSegments } from "../src/config/segments.ts";
import { readTrackingPlan, type TrackingPlan } from "../src/config/tracking-plan.ts";
import { parseYaml, type YamlFile } from "../src/config/yaml-file.ts";
import { KeyedTask } from "../src/flow/keyed-task.ts";
import { InlineScoring } from "../src/score/inline.ts";
import { encodePlain } from "../src/state/plain.ts";
import { days, type EventTime } from "../src/time/event-time.ts";
import {
  type BenchOptions,
  type Contender,
  compare,
  type Figure,
  type Latencies,
  latenciesOf,
  processorTime,
  QUANTILES,
  type Report,
  type Run,
  randomBelow,
  ratio,
} from "./harness.ts";

/** From the most to the fewest; a fifth as many rules beside them. */
const SEGMENTS = [1000, 100, 10] as const;
/** Things that segments and rules tell apart by equality. */
const CATEGORIES = 200;
const TOPICS = 50;
const SPAN = days(10);
const START = Date.UTC(2026, 10, 1);
/** Events between two time records. */
const EVENTS_A_SECOND = 1000;

interface Load {
  readonly people: number;
  readonly events: number;
}

/** Segments of every kind, each on one category or topic, the kinds in turn. */
function segmentsText(count: number): string {
  const kinds = [
    (i: number) =>
      `{count: {of: {event: product.viewed, where: {category: c${i % CATEGORIES}}}, within: ${7 + (i % 30)}d, at_least: ${2 + (i % 3)}}}`,
    (i: number) =>
      `{all: [{count: {of: {event: product.viewed, where: {category: c${i % CATEGORIES}}}, within: 30d, at_least: 2, distinct: sku}}, {none: {of: paid, within: 30d}}]}`,
    (i: number) =>
      `{run: {of: {event: article.opened, where: {category: t${i % TOPICS}}}, among: {event: article.opened, where: {category: {in: [t${i % TOPICS}, t${(i + 1) % TOPICS}]}}}, at_least: 2, distinct: content_id, max_gap: 7d}}`,
    (i: number) =>
      `{decay: {add: {v${i % 20}: 1}, half_life: 3d, on_at: ${1.5 + (i % 4) / 2}, off_at: 1}}`,
    (i: number) =>
      `{sum: {of: {event: cart.added, where: {category: c${i % CATEGORIES}}}, field: price_minor, more_than: ${8000 + i}, within: 14d}}`,
  ];
  const named = Array.from(
    { length: 20 },
    (_, i) => `  v${i}: {event: product.viewed, where: {category: c${i * 7}}}`,
  );
  const segments = Array.from(
    { length: count },
    (_, i) => `  - {id: s${i}, when: ${kinds[i % kinds.length]?.(i) ?? ""}}`,
  );
  return `version: 1\nlet:\n  paid: {event: order.paid}\n${named.join("\n")}\nsegments:\n${segments.join("\n")}\n`;
}

/** Carts left behind and looks at one category, half of each. */
function rulesText(count: number): string {
  const rules = Array.from({ length: count }, (_, i) => {
    const of = `{event: cart.added, where: {category: c${i % CATEGORIES}}}`;
    const when =
      i % 2 === 0
        ? `{absent: {after: ${of}, key: [pid, sku], within: 24h, of: [{event: order.paid, match: [sku]}]}}`
        : `{count: {of: {event: product.viewed, where: {category: c${i % CATEGORIES}}}, within: 7d, at_least: 3}}`;
    return `  - {id: r${i}, when: ${when}, then: {recommend: {kind: activity, offer: coupon, channel: wecom, value: v}}, once: {per: pid, every: 30d}}`;
  });
  return `version: 1\nrules:\n${rules.join("\n")}\ncontact: {}\n`;
}

const TYPES = [
  "product.viewed",
  "product.viewed",
  "product.viewed",
  "product.viewed",
  "product.viewed",
  "article.opened",
  "article.opened",
  "cart.added",
  "mp.entered",
  "order.paid",
] as const;

function eventsOf({ people, events }: Load): ShopEvent[] {
  const below = randomBelow(7);
  return Array.from({ length: events }, (_, i): ShopEvent => {
    const at = (START + Math.floor((i * SPAN) / events)) as EventTime;
    const type = TYPES[below(TYPES.length)] ?? "mp.entered";
    return {
      id: i.toString(16).padStart(32, "0"),
      type,
      at,
      recv: at,
      person: `p_${below(people).toString(16).padStart(16, "0")}`,
      touchpoint: "mp",
      session: undefined,
      props: propsOf(type, below),
      clientId: `e${i}`,
    };
  });
}

function propsOf(type: string, below: (n: number) => number): Record<string, PropValue> {
  if (type === "mp.entered") return {};
  if (type === "article.opened") {
    const topic = below(TOPICS);
    return { content_id: `a${topic}-${below(20)}`, category: `t${topic}` };
  }
  const category = below(CATEGORIES);
  const sku = `c${category}-${below(30)}`;
  return { sku, category: `c${category}`, price_minor: 100 + below(5000) };
}

function read<T>(name: string, text: string, reader: (file: YamlFile) => Reading<T>): T {
  const { value: file, problems } = parseYaml(name, text);
  const reading = file === undefined ? { value: undefined, problems } : reader(file);
  if (reading.value !== undefined) return reading.value;
  throw new Error(`${name}: ${reading.problems[0]?.message ?? "cannot be read"}`);
}

function taskOf(
  plan: TrackingPlan,
  segments: number,
  rules: number,
  people: number,
  say: () => void,
) {
  const files = {
    segments: read("segments", segmentsText(segments), (file) => readSegments(file, plan, "UTC")),
    rules: read("rules", rulesText(rules), (file) => readRules(file, plan, [], "UTC")),
  };
  const job = { timeZone: "UTC", seed: 1, maxAge: days(7), consent: "granted" as const, files };
  const nodes = [
    { operator: sessionSpec.make({}, job), from: ["events"] },
    { operator: segmentSpec.make({}, job), from: ["session"] },
    { operator: ruleSpec.make({}, job), from: ["session", "segment"] },
  ];
  return new KeyedTask(
    { name: "shopper", nodes, decode: (record) => record[6] },
    { group: 0, scoring: new InlineScoring({}), hotRows: people, ordered: false },
    { output: say, hop: say },
  );
}

/** What came of one number of segments; of its last run, but for the waits, which are of all. */
interface Measured {
  bytes: number;
  told: number;
  /** Milliseconds of single events. */
  readonly waits: number[];
}

const nameOf = (segments: number): string =>
  `${segments.toLocaleString("en")} segments, ${segments / 5} rules`;

function contender(
  segments: number,
  plan: TrackingPlan,
  load: Load,
  events: readonly ShopEvent[],
  measured: Measured,
): Contender {
  return {
    name: nameOf(segments),
    async run(): Promise<Run> {
      let told = 0;
      const task = taskOf(plan, segments, segments / 5, load.people, () => {
        told += 1;
      });
      const taken = processorTime();
      for (const [i, event] of events.entries()) {
        const { person, at, id } = event;
        const begun = performance.now();
        await task.event(event, { key: person, now: at, cause: id, position: [i, 0] });
        measured.waits.push(performance.now() - begun);
        if (i % EVENTS_A_SECOND === 0) await task.advance((at - 5000) as EventTime, [i, 0]);
      }
      const seconds = taken();
      measured.bytes = stateBytes(task, events.slice(-1000));
      measured.told = told / events.length;
      return { seconds, units: events.length, digest: `${events.length} events` };
    },
  };
}

/** Encoded bytes of what is known of a person for segments and rules, on average. */
function stateBytes(task: KeyedTask, events: readonly ShopEvent[]): number {
  const people = new Set(events.map(({ person }) => person));
  let bytes = 0;
  for (const person of people) {
    for (const operator of ["segment", "rule"]) {
      const state = task.stateOf(operator, person);
      if (state !== undefined) bytes += encodePlain(state).length;
    }
  }
  return bytes / people.size;
}

/** Many definitions against few: an event touches only what it can change. */
export async function rules({ short }: BenchOptions): Promise<Report> {
  const load = short ? { people: 2000, events: 10_000 } : { people: 100_000, events: 200_000 };
  const plan = read(
    "tracking-plan",
    readFileSync(new URL("../../config/tracking-plan.yaml", import.meta.url), "utf8"),
    readTrackingPlan,
  );
  const events = eventsOf(load);
  const sizes = SEGMENTS.map((segments) => {
    const measured: Measured = { bytes: 0, told: 0, waits: [] };
    return { segments, measured, work: contender(segments, plan, load, events, measured) };
  });
  const comparison = await compare(
    {
      title: "Segments and rules",
      what: `${load.events.toLocaleString("en")} events of ${load.people.toLocaleString("en")} people over 10 days, through sessions, segments and rules`,
      unit: "events/s",
      rounds: short ? 1 : 3,
      warmUp: short,
    },
    sizes.map(({ work }) => work),
  );
  const found = sizes.map(({ segments, measured }) => ({
    name: nameOf(segments),
    ...measured,
    waits: latenciesOf(measured.waits),
  }));
  const [most, , fewest] = found as [Found, Found, Found];
  const growth = found.slice(0, -1).flatMap((one): Figure[] => [
    {
      name: `${one.name} / ${fewest.name}: throughput`,
      value: ratio(comparison, one.name, fewest.name),
      unit: "×",
      ...(short || one !== most ? {} : { bound: { kind: "least", value: 1 / 3 } }),
    },
    ...QUANTILES.map((which) => ({
      name: `${one.name} / ${fewest.name}: an event alone, ${which}`,
      value: one.waits[which] / fewest.waits[which],
      unit: "×",
    })),
  ]);
  return { comparisons: [comparison], figures: [...growth, ...found.flatMap(figuresOf)] };
}

interface Found {
  readonly name: string;
  readonly bytes: number;
  readonly told: number;
  readonly waits: Latencies;
}

const figuresOf = ({ name, bytes, told, waits }: Found): Figure[] => [
  ...QUANTILES.map((which) => ({
    name: `${name}: an event alone, ${which}`,
    value: waits[which],
    unit: "ms",
  })),
  { name: `${name}: state a person`, value: bytes, unit: "bytes" },
  { name: `${name}: outputs an event`, value: told, unit: "" },
];
