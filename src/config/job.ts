import type { OperatorSpec } from "../flow/spec.ts";
import type { Millis } from "../time/event-time.ts";
import { contentHash } from "./content-hash.ts";
import { JobSchema, type JobSource } from "./job-schema.ts";
import { type Blocks, BlocksReader, type OperatorConfig } from "./operator-blocks.ts";
import { isError, type Problem, type Reading } from "./problem.ts";
import { schemaCheck, withDefaults } from "./schema-check.ts";
import { durationOf } from "./texts.ts";
import { timeZoneProblem } from "./time-zone.ts";
import type { YamlFile } from "./yaml-file.ts";

/** `config/freshet.yaml` after reading: defaults in, lengths of time in milliseconds. */
export interface JobConfig {
  readonly prefix: string;
  readonly groups: number;
  readonly demandGroups: number;
  readonly threads: "auto" | number;
  readonly seed: number;
  readonly timeZone: string;
  readonly time: {
    readonly disorder: Millis;
    readonly maxAge: Millis;
    readonly trustRecv: boolean;
  };
  readonly broker: {
    readonly url: string | undefined;
    readonly credentials: string | undefined;
    readonly tokenEnv: string | undefined;
    readonly dataDir: string;
    readonly port: number | undefined;
    readonly replicas: number;
    readonly duplicateWindow: Millis;
    readonly keepIn: Millis;
    readonly keepOut: Millis;
    readonly maxBytes: number | undefined;
  };
  readonly http: { readonly host: string; readonly port: number };
  readonly collect: {
    /** Exactly one of the two is there. */
    readonly tenantKey: string | undefined;
    readonly tenantKeyEnv: string | undefined;
    readonly previousKeyEnv: string | undefined;
    readonly keepRaw: Millis;
    readonly consent: "granted" | "denied";
    readonly dedupe: { readonly window: Millis; readonly entries: number };
    readonly identities: number;
    readonly rights: number;
    readonly personIds: Filled<JobSource>["collect"]["person_ids"];
    readonly limits: {
      readonly maxBody: number;
      readonly maxBatch: number;
      readonly depth: number;
      readonly maxFact: number;
    };
  };
  readonly scoring: { readonly workers: "auto" | number };
  readonly state: {
    readonly hotRows: number;
    readonly checkpointEvery: Millis;
    readonly checkpointRecords: number;
  };
  readonly frames: { readonly records: number };
  readonly log: { readonly level: string };
  /** Each after what feeds it. */
  readonly operators: {
    readonly shopper: readonly OperatorConfig[];
    readonly demand: readonly OperatorConfig[];
  };
  /** 32 hex digits of all that can change a decision; broker, http, threads, scoring and the key are not in it. */
  readonly hash: string;
}

/** The key of the shipped configuration, which everybody knows. */
const DEMO_KEY = "freshet-demo-key-known-to-everybody";

const check = schemaCheck(JobSchema);

export function readJob(file: YamlFile, specs: readonly OperatorSpec[]): Reading<JobConfig> {
  const broken = check(file, file.value, []);
  if (broken.length > 0) return { value: undefined, problems: broken };
  const source = withDefaults(JobSchema, file.value) as Filled<JobSource>;
  const problems = settingProblems(file, source);
  const read = (flow: OperatorSpec["flow"]): OperatorConfig[] => {
    const reader = new BlocksReader(file, flow, specs);
    const configs = reader.read((file.value as JobSource).operators[flow] as Blocks);
    problems.push(...reader.problems);
    return configs;
  };
  const operators = { shopper: read("shopper"), demand: read("demand") };
  const value = problems.some(isError) ? undefined : jobOf(source, operators);
  return { value, problems };
}

/** Defaults make every section be there; `undefined` stays only where a setting has none. */
type Filled<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]-?: Filled<Exclude<T[K], undefined>> | MaybeMissing<K> }
    : T;
type MaybeMissing<K> = K extends
  | "url"
  | "credentials"
  | "token_env"
  | "port"
  | "max_bytes"
  | "tenant_key"
  | "tenant_key_env"
  ? undefined
  : never;

function settingProblems(file: YamlFile, job: Filled<JobSource>): Problem[] {
  const problems = timeZoneProblem(file, ["time_zone"], job.time_zone);
  const { tenant_key, tenant_key_env } = job.collect;
  if ((tenant_key === undefined) === (tenant_key_env === undefined)) {
    problems.push(
      file.problem(["collect", ...(tenant_key === undefined ? [] : ["tenant_key"])], {
        code: tenant_key === undefined ? "KEY_MISSING" : "KEY_UNKNOWN",
        message:
          tenant_key === undefined
            ? "no key is given under which identifiers become pseudonyms"
            : "`tenant_key` and `tenant_key_env` exclude each other",
        remedy:
          "Name an environment variable with `tenant_key_env` and put a secret of your own there.",
        atKey: true,
      }),
    );
  } else if (tenant_key === DEMO_KEY) {
    problems.push(
      file.problem(["collect", "tenant_key"], {
        severity: "warning",
        code: "DEMO_KEY",
        message: "pseudonyms made with the demo key can be undone by anybody",
        remedy: "Before real events come in, name your own secret with `tenant_key_env`.",
      }),
    );
  }
  return problems;
}

function jobOf(job: Filled<JobSource>, operators: JobConfig["operators"]): JobConfig {
  const { broker, collect, time } = job;
  const { limits, dedupe } = collect;
  return {
    prefix: job.prefix,
    groups: job.groups,
    demandGroups: job.demand_groups,
    threads: job.threads,
    seed: job.seed,
    timeZone: job.time_zone,
    time: {
      disorder: durationOf(time.disorder),
      maxAge: durationOf(time.max_age),
      trustRecv: time.trust_recv,
    },
    broker: {
      url: broker.url,
      credentials: broker.credentials,
      tokenEnv: broker.token_env,
      dataDir: broker.data_dir,
      port: broker.port,
      replicas: broker.replicas,
      duplicateWindow: durationOf(broker.duplicate_window),
      keepIn: durationOf(broker.keep_in),
      keepOut: durationOf(broker.keep_out),
      maxBytes: broker.max_bytes,
    },
    http: { host: job.http.host, port: job.http.port ?? 0 },
    collect: {
      tenantKey: collect.tenant_key,
      tenantKeyEnv: collect.tenant_key_env,
      previousKeyEnv: collect.previous_key_env,
      keepRaw: durationOf(collect.keep_raw),
      consent: collect.consent,
      dedupe: { window: durationOf(dedupe.window), entries: dedupe.entries },
      identities: collect.identities,
      rights: collect.rights,
      personIds: collect.person_ids,
      limits: {
        maxBody: limits.max_body,
        maxBatch: limits.max_batch,
        depth: limits.depth,
        maxFact: limits.max_fact,
      },
    },
    scoring: { workers: job.scoring.workers },
    state: {
      hotRows: job.state.hot_rows,
      checkpointEvery: durationOf(job.state.checkpoint_every),
      checkpointRecords: job.state.checkpoint_records,
    },
    frames: { records: job.frames.records },
    log: { level: job.log.level },
    operators,
    hash: decisionHash(job, operators),
  };
}

function decisionHash(job: Filled<JobSource>, operators: JobConfig["operators"]): string {
  const { consent, dedupe, identities, rights, limits, person_ids } = job.collect;
  const flow = (configs: readonly OperatorConfig[]) =>
    configs.map(({ name, from, options }) => [name, from, options]);
  return contentHash([
    [job.prefix, job.groups, job.demand_groups, job.seed, job.time_zone, job.time],
    [consent, dedupe, identities, rights, limits, person_ids],
    flow(operators.shopper),
    flow(operators.demand),
  ]);
}
