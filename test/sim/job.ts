import { specs } from "../../operators/all.ts";
import { defineJob, type ShopJob } from "../../operators/job.ts";
import { configFolder } from "../../src/cli/open-job.ts";
import { makeIdentifier } from "../../src/codec/identifier.ts";
import { type Config, loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { parseYaml } from "../../src/config/yaml-file.ts";
import { probes } from "./probes.ts";

/** The shop's own operators, with windows of seconds: what takes days elsewhere happens in a run. */
const FRESHET = `
version: 1
seed: 7
time: { disorder: 2s, max_age: 7d }
collect: { tenant_key: a-key-of-the-simulator-alone, consent: granted }
operators:
  shopper:
    session: { gap: 8s, keep: 1m }
    intent: { half_life: 20s }
    segment:
    recommend: { every: 5s, repeat_after: 15s, closed_after: 20s, bought_after: 20s, min_score: 0 }
    feedback: { ignored_after: 12s, unseen_after: 6s, attribution: 30s }
    partials: { from: [events, session, feedback] }
  demand:
    heat: { size: 20s, slide: 2s }
    trend: { short_window: 6s, long_window: 20s, warmup: 12s, hold: 8s, half_life: 30s }
    popularity: { interval: 4s }
    covisit: { interval: 5s }
    learning: { interval: 6s }
    restock: { check: 2s, window: 40s, fast: 10s, surge_life: 20s }
    publisher: { shards: 4 }
`;

/** How long an act counts for a segment. */
export const SEGMENT_WITHIN_MS = 15_000;
export const SEGMENT_VIEWS = 3;
const SEGMENTS = `
version: 1
tz: Asia/Shanghai
let:
  premium_view: { event: product.viewed, where: { line: premium } }
segments:
  - id: keen
    when:
      count: { of: premium_view, within: ${SEGMENT_WITHIN_MS / 1000}s, at_least: ${SEGMENT_VIEWS} }
  - id: undecided
    when:
      all:
        - count: { of: { event: cart.added }, within: 10s, at_least: 2 }
        - none: { of: { event: order.paid }, within: 10s }
`;

export interface Groups {
  readonly shopper: number;
  readonly demand: number;
}

let config: Promise<Config> | undefined;

async function readConfig(): Promise<Config> {
  const { value, problems } = await loadConfig(configFolder(undefined), specs, {
    freshet: parseYaml("freshet.yaml", FRESHET),
    segments: parseYaml("segments.yaml", SEGMENTS),
  });
  if (value === undefined) throw new Error(problems.map(formatProblem).join("\n"));
  return value;
}

const { identify } = makeIdentifier({ key: "a-key-of-the-simulator-alone" });

/** Makes jobs, each with state of its own. Call it before time is simulated. */
export async function jobs(): Promise<(groups: Groups) => ShopJob> {
  config ??= readConfig();
  const files = await config;
  return (groups) => {
    const job = defineJob(files, identify, { groups });
    return { ...job, shopper: { ...job.shopper, nodes: [...job.shopper.nodes, ...probes] } };
  };
}
