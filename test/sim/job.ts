import { specs } from "../../operators/all.ts";
import { defineJob, type ShopJob } from "../../operators/job.ts";
import type { Random } from "../../operators/simulated-shop/random.ts";
import { configFolder } from "../../src/cli/open-job.ts";
import { makeIdentifier } from "../../src/codec/identifier.ts";
import { type Config, loadConfig } from "../../src/config/load.ts";
import type { OperatorConfig } from "../../src/config/operator-blocks.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { parseYaml } from "../../src/config/yaml-file.ts";
import { probes } from "./probes.ts";

/** The shop's own operators, with windows of seconds: what takes days elsewhere happens in a run. */
const FRESHET = `
version: 1
seed: 7
time: { disorder: 2s, max_age: 7d }
collect:
  tenant_key: a-key-of-the-simulator-alone
  consent: granted
  dedupe: { window: 24h, entries: 20000 }
operators:
  shopper:
    person:
    session: { from: [events], gap: 8s, keep: 1m }
    intent: { from: [session], half_life: 20s }
    segment: { from: [session, intent] }
    recommend:
      { from: [session, intent], every: 5s, repeat_after: 15s, closed_after: 20s, bought_after: 20s }
    rule: { from: [session, intent, segment, recommend] }
    feedback: { from: [rule, events], ignored_after: 12s, unseen_after: 6s, attribution: 30s }
    partials: { from: [events, session, feedback] }
  demand:
    heat: { size: 20s, slide: 2s }
    trend: { short_window: 6s, long_window: 20s, warmup: 12s, hold: 8s, half_life: 30s }
    popularity: { interval: 4s }
    covisit: { interval: 5s }
    learning: { interval: 6s }
    restock: { check: 2s, window: 40s, fast: 10s, surge_life: 20s }
    publisher: { from: [popularity, covisit, trend, learning], shards: 4 }
`;

/** One segment: enough acts of one kind, and none of another, within so many milliseconds. */
export interface SegmentRule {
  readonly id: string;
  readonly needs: Acts & { readonly atLeast: number };
  readonly forbids?: Acts;
}
export interface Acts {
  readonly type: string;
  readonly line?: string;
  readonly withinMs: number;
}
/** For the oracle; the same as text for the engine below. */
export const SEGMENTS: readonly SegmentRule[] = [
  {
    id: "keen",
    needs: { type: "product.viewed", line: "premium", withinMs: 8000, atLeast: 3 },
  },
  {
    id: "undecided",
    needs: { type: "cart.added", withinMs: 6000, atLeast: 2 },
    forbids: { type: "order.paid", withinMs: 6000 },
  },
];
const SEGMENTS_YAML = `
version: 1
tz: Asia/Shanghai
let:
  premium_view: { event: product.viewed, where: { line: premium } }
segments:
  - id: keen
    when:
      count: { of: premium_view, within: 8s, at_least: 3 }
  - id: undecided
    when:
      all:
        - count: { of: { event: cart.added }, within: 6s, at_least: 2 }
        - none: { of: { event: order.paid }, within: 6s }
`;

const RULES_YAML = `
version: 1
tz: Asia/Shanghai
rules:
  - id: cart_coupon
    when:
      absent:
        after: { event: cart.added }
        key: [pid, sku]
        within: 5s
        of: [{ event: order.paid, match: [sku] }]
        restart: keep
    then:
      recommend: { kind: activity, offer: coupon, sku: $trigger.sku, channel: wecom, score: 0.8 }
    value: A coupon for what waits in the cart.
    once: { per: [pid, sku], every: 10s }
contact:
  pages: [mp]
  caps: [{ max: 2, every: day, channels: [wecom] }]
`;

export interface Groups {
  readonly shopper: number;
  readonly demand: number;
}

/** Whether an operator of the shop, by its name, runs beside the probes. */
export type Chosen = (operator: string) => boolean;

/** What of a job a seed decides. */
export interface JobShape {
  readonly groups: Groups;
  readonly operators: Chosen;
  /** Rows of a group that are kept as objects, the rest as bytes; all of them when left out. */
  readonly hotRows?: number;
}

/** Of ten seeds one runs the whole graph: what every pass over the log costs is the graph. */
const WHOLE = 0.1;
/** What feeds others comes oftener, and so does what the demand flow lives on. */
const CHANCES: Readonly<Record<string, number>> = { session: 0.5, partials: 0.5, publisher: 0.5 };
const CHANCE = 0.25;

export function chooseOperators(random: Random): Chosen {
  if (random.chance(WHOLE)) return () => true;
  return (name) => random.fork(name).chance(CHANCES[name] ?? CHANCE);
}

/** Those that are chosen, fed by what is left of what feeds them; who is fed by nothing is not there. */
function chosenOf(all: readonly OperatorConfig[], chosen: Chosen): OperatorConfig[] {
  const there = new Set(["events"]);
  return all.flatMap((operator) => {
    const from = operator.from.filter((source) => there.has(source));
    if (from.length === 0 || !chosen(operator.name)) return [];
    there.add(operator.name);
    return [{ ...operator, from }];
  });
}

let config: Promise<Config> | undefined;

async function readConfig(): Promise<Config> {
  const { value, problems } = await loadConfig(configFolder(undefined), specs, {
    freshet: parseYaml("freshet.yaml", FRESHET),
    segments: parseYaml("segments.yaml", SEGMENTS_YAML),
    rules: parseYaml("rules.yaml", RULES_YAML),
  });
  if (value === undefined) throw new Error(problems.map(formatProblem).join("\n"));
  return value;
}

const key = makeIdentifier({ key: "a-key-of-the-simulator-alone" });

/** Makes a job with state of its own. */
export type MakeJob = (shape: JobShape) => ShopJob;

const ALL_HOT = 1000;

/** Call it before time is simulated. */
export async function jobs(): Promise<MakeJob> {
  config ??= readConfig();
  const files = await config;
  const { shopper, demand } = files.job.operators;
  return ({ groups, operators: chosen, hotRows = ALL_HOT }) => {
    const operators = { shopper: chosenOf(shopper, chosen), demand: chosenOf(demand, chosen) };
    const job = defineJob({ ...files, job: { ...files.job, operators } }, { key }, { groups });
    return {
      ...job,
      hotRows,
      shopper: { ...job.shopper, nodes: [...job.shopper.nodes, ...probes] },
    };
  };
}
