import { existsSync } from "node:fs";
import { join } from "node:path";
import { defineJob, type JobOverrides, type ShopJob } from "../../operators/job.ts";
import { scoringFunctions } from "../../operators/scoring.ts";
import { makeIdentifier } from "../codec/identifier.ts";
import { calendarWarnings, requireConfig } from "../config/lint.ts";
import { type LiveFiles, type LiveTexts, readLiveTexts } from "../config/live.ts";
import type { Config } from "../config/load.ts";
import { formatProblem, isError } from "../config/problem.ts";
import { Fault } from "../faults.ts";
import { InlineScoring } from "../score/inline.ts";
import { PooledScoring } from "../score/pool.ts";
import type { Scoring } from "../score/seam.ts";
import type { Environment } from "./environment.ts";
import { requireSpecs } from "./operator-modules.ts";
import { packageRoot, versionOf } from "./version.ts";

export interface OpenJob {
  readonly config: Config;
  readonly job: ShopJob;
  /** Of what decides: see `versionOf`. */
  readonly version: string;
  /** Name of the tenant key where there is one before it: the log is to say that it is in force. */
  readonly newKey: string | undefined;
  /** What it was opened by: another thread can open the same. */
  readonly opening: JobOpening;
  /** The same job on a log that began with these live files instead of the folder's. */
  beginningWith(texts: LiveTexts, digest: string): ShopJob;
}

/** Where a job is read, and how it differs from what stands there; plain data. */
export interface JobOpening {
  readonly folder: string;
  readonly options: JobOverrides & { readonly pack?: string | undefined };
}

/** `--config`, else ./config, else the configuration that was shipped. */
export function configFolder(named: string | undefined): string {
  if (named !== undefined) return named;
  return existsSync(join("config", "freshet.yaml")) ? "config" : join(packageRoot(), "config");
}

/** Reads a configuration folder and builds its job; warnings go to stderr unless `quiet`. */
export async function openJob(
  folder: string | undefined,
  env: Environment,
  { quiet, ...options }: JobOpening["options"] & { readonly quiet?: boolean } = {},
): Promise<OpenJob> {
  const dir = configFolder(folder);
  const { config, warnings } = await requireConfig(dir, await requireSpecs(dir), options.pack);
  if (quiet !== true)
    for (const warning of [...warnings, ...(await calendarWarnings(dir, Date.now()))])
      process.stderr.write(`${formatProblem(warning)}\n`);
  const before = secretOf(config.job.collect.previousKeyEnv, env);
  const keys = {
    key: makeIdentifier({ key: tenantKey(config, env) }),
    previousKey: before === undefined ? undefined : makeIdentifier({ key: before }),
  };
  const job = defineJob(config, keys, options);
  const keyIds = [
    keys.key.keyId,
    ...(keys.previousKey === undefined ? [] : [keys.previousKey.keyId]),
  ];
  const version = versionOf({ config, program: packageRoot(), folder: dir, keyIds });
  const newKey = keys.previousKey === undefined ? undefined : keys.key.keyId;
  const beginningWith = (texts: LiveTexts, digest: string): ShopJob =>
    defineJob({ ...config, ...requireLive(config, texts), live: { digest } }, keys, options);
  const opening = { folder: dir, options };
  return { config, job, version, newKey, opening, beginningWith };
}

/** Reads live files of the log; throws CONFIG_INVALID where the rest of the folder does not go with them. */
export function requireLive(config: Config, texts: LiveTexts): LiveFiles {
  const { plan, intents, job, pack } = config;
  const context = { plan, timeZone: job.timeZone, intents: intents.names, pack };
  const { value, problems } = readLiveTexts(texts, context);
  if (value !== undefined) return value;
  const errors = problems.filter(isError);
  const list = errors.map(formatProblem).join("\n");
  throw new Fault("CONFIG_INVALID", `what the log has in force cannot be read:\n${list}`);
}

function tenantKey(config: Config, env: Environment): string {
  const { tenantKey: key, tenantKeyEnv: name } = config.job.collect;
  if (key !== undefined) return key;
  const secret = secretOf(name, env);
  if (secret !== undefined) return secret;
  throw new Fault("CONFIG_INVALID", `${name} is to hold the tenant key and is not there`);
}

/** A secret of the environment: undefined where none is named, or it is not there. */
function secretOf(name: string | undefined, env: Environment): string | undefined {
  const secret = name === undefined ? undefined : env[name];
  if (secret === undefined || secret.length >= 16) return secret;
  throw new Fault(
    "CONFIG_INVALID",
    `${name} is to hold a tenant key, at least 16 characters, and does not`,
  );
}

/**
 * Threads for scoring. `auto` is none on any number of cores: to hand a shortlist to another thread takes
 * the engine's own thread several times as long as to score it (`npm run bench -- score`).
 */
export function openScoring(workers: number | "auto"): Scoring {
  const threads = workers === "auto" ? 0 : workers;
  if (threads === 0) return new InlineScoring(scoringFunctions);
  return new PooledScoring(workerEntry(), threads);
}

/** The built entry, also when the caller runs from sources. */
function workerEntry(): URL {
  return new URL("dist/src/score/worker.js", `file://${packageRoot()}/`);
}
