import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineJob, type JobOverrides, type ShopJob } from "../../operators/job.ts";
import { scoringFunctions } from "../../operators/scoring.ts";
import { hash128 } from "../codec/hash.ts";
import { makeIdentifier } from "../codec/identifier.ts";
import { requireConfig } from "../config/lint.ts";
import type { Config } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { Fault } from "../faults.ts";
import { InlineScoring } from "../score/inline.ts";
import { PooledScoring } from "../score/pool.ts";
import type { Scoring } from "../score/seam.ts";
import type { Environment } from "./environment.ts";
import { requireSpecs } from "./operator-modules.ts";

export interface OpenJob {
  readonly config: Config;
  readonly job: ShopJob;
}

/** The folder this package was installed into, from sources and from the build. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const above = dirname(folder);
    if (above === folder) throw new Error("no package.json above this file");
    folder = above;
  }
  return folder;
}

/** Of this build. */
export function packageVersion(): string {
  const file = readFileSync(join(packageRoot(), "package.json"), "utf8");
  return (JSON.parse(file) as { readonly version: string }).version;
}

/** Of what decides: this build, the Node it runs on, and the configuration. */
export function versionOf(config: Config): string {
  return hash128(`${packageVersion()} ${process.versions.node.split(".", 1)[0]} ${config.hash}`);
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
  options: JobOverrides & { readonly quiet?: boolean } = {},
): Promise<OpenJob> {
  const dir = configFolder(folder);
  const { config, warnings } = await requireConfig(dir, await requireSpecs(dir));
  if (options.quiet !== true)
    for (const warning of warnings) process.stderr.write(`${formatProblem(warning)}\n`);
  const before = secretOf(config.job.collect.previousKeyEnv, env);
  const keys = {
    key: makeIdentifier({ key: tenantKey(config, env) }),
    previousKey: before === undefined ? undefined : makeIdentifier({ key: before }),
  };
  const job = defineJob(config, keys, options);
  return { config, job };
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

/** Threads for scoring: on two cores a thread would replace the broker's core, not add one. */
export function openScoring(workers: number | "auto", cores: number): Scoring {
  const threads = workers === "auto" ? (cores < 3 ? 0 : Math.min(4, cores - 2)) : workers;
  if (threads === 0) return new InlineScoring(scoringFunctions);
  return new PooledScoring(workerEntry(), threads);
}

/** The built entry, also when the caller runs from sources. */
function workerEntry(): URL {
  return new URL("dist/src/score/worker.js", `file://${packageRoot()}/`);
}
