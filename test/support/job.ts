import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { defineJob, type ShopJob } from "../../operators/job.ts";
import { type OpenJob, openJob } from "../../src/cli/open-job.ts";
import { makeIdentifier } from "../../src/codec/identifier.ts";

/** The package root, from the build as well as from the sources. */
export const ROOT = packageRoot(dirname(fileURLToPath(import.meta.url)));
export const CONFIG_DIR = join(ROOT, "config");
/** What `npm test` has built: the command line, and the entry of scoring threads. */
export const BUILT_MAIN = join(ROOT, "dist", "src", "main.js");

function packageRoot(folder: string): string {
  return existsSync(join(folder, "package.json")) ? folder : packageRoot(dirname(folder));
}

/** Settings of `freshet.yaml` by path: `{"broker.duplicate_window": "1s"}`. */
export type Settings = Readonly<Record<string, unknown>>;

export interface TestConfig {
  readonly folder: string;
  remove(): void;
}

/** A copy of the shipped configuration with other settings and files, in a temporary folder. */
export function configWith(
  settings: Settings,
  files: Readonly<Record<string, string>> = {},
): TestConfig {
  const folder = mkdtempSync(join(tmpdir(), "freshet-config-"));
  cpSync(CONFIG_DIR, folder, { recursive: true });
  const path = join(folder, "freshet.yaml");
  const document = parseDocument(readFileSync(path, "utf8"));
  for (const [name, value] of Object.entries(settings)) document.setIn(name.split("."), value);
  writeFileSync(path, document.toString());
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The shipped job, read through the configuration as the command line reads it. */
export async function openShipped(
  options: {
    readonly trustRecv?: boolean;
    readonly settings?: Settings | undefined;
    /** Files of the configuration by name, in place of the shipped ones. */
    readonly files?: Readonly<Record<string, string>> | undefined;
    readonly pack?: string | undefined;
  } = {},
): Promise<OpenJob> {
  const { trustRecv, settings, files, pack } = options;
  const isShipped = settings === undefined && files === undefined;
  const config = isShipped ? undefined : configWith(settings ?? {}, files);
  try {
    return await openJob(
      config?.folder ?? CONFIG_DIR,
      {},
      { quiet: true, pack, ...(trustRecv === undefined ? {} : { trustRecv }) },
    );
  } finally {
    config?.remove();
  }
}

/** The shipped job for a replay: time comes from the events. A job has state: one for each run. */
export const replayJob = async (
  settings?: Settings,
  files?: Readonly<Record<string, string>>,
  pack?: string,
): Promise<ShopJob> => (await openShipped({ trustRecv: true, settings, files, pack })).job;

/**
 * The same for many runs: the configuration is read once, which takes far longer than to build a job of
 * it. Each call gives a job of its own, which knows of nothing.
 */
export async function replayJobs(settings?: Settings): Promise<() => ShopJob> {
  const { config } = await openShipped({ settings });
  const { tenantKey } = config.job.collect;
  if (tenantKey === undefined) throw new Error("the shipped configuration names no tenant key");
  const key = makeIdentifier({ key: tenantKey });
  return () => defineJob(config, { key }, { trustRecv: true });
}
