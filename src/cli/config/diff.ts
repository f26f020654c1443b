import { Command } from "commander";
import type { NatsConnection } from "nats";
import { LIVE, type LiveTexts } from "../../config/live.ts";
import { Fault } from "../../faults.ts";
import { makeLog } from "../../watch/log.ts";
import type { Environment } from "../environment.ts";
import { generationsOf, type StoredGeneration } from "../log-generations.ts";
import { type OpenJob, openJob } from "../open-job.ts";
import { packOption } from "../option-values.ts";
import { type ConfigOptions, changesBetween, toldChanges, withBroker } from "./engine-config.ts";
import { lineDifferences } from "./line-differences.ts";

/** `freshet config diff A B` */
export function diffCommand(env: Environment): Command {
  return new Command("diff")
    .description("How one generation differs from another, or from a folder.")
    .argument("[from]", "a generation, or a folder (default: the last generation)")
    .argument("[to]", "a generation, or a folder (default: the engine's folder)")
    .option("--json", "print the definitions that differ as one JSON object")
    .option("--config <dir>", "configuration folder: that of the engine")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addOption(packOption())
    .action((from: string | undefined, to: string | undefined, options: ConfigOptions) =>
      withBroker(options.config, options, env, (nc, open) =>
        diff(from, to, nc, open, options, env),
      ),
    );
}

async function diff(
  from: string | undefined,
  to: string | undefined,
  nc: NatsConnection,
  open: OpenJob,
  options: ConfigOptions,
  env: Environment,
): Promise<void> {
  const known = await generationsOf(nc, open.config.job.prefix, makeLog("warn"));
  const last = known.at(-1)?.record.texts;
  if (from === undefined && last === undefined)
    throw new Fault("GENERATION_UNKNOWN", "the log holds no generation");
  const before =
    from === undefined ? (last as LiveTexts) : await textsOf(from, known, env, options.pack);
  const after =
    to === undefined ? open.config.live.texts : await textsOf(to, known, env, options.pack);
  const changes = changesBetween(open, before, after);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(changes)}\n`);
    return;
  }
  const lines = LIVE.flatMap((name) => {
    const found = lineDifferences(before[name], after[name]);
    return found.length === 0 ? [] : ["", `${name}.yaml`, ...found];
  });
  process.stdout.write(`${[...toldChanges(changes), ...lines].join("\n")}\n`);
}

/** A generation by its number, or a folder. */
async function textsOf(
  named: string,
  known: readonly StoredGeneration[],
  env: Environment,
  pack: string | undefined,
): Promise<LiveTexts> {
  if (!/^\d+$/.test(named))
    return (await openJob(named, env, { quiet: true, pack })).config.live.texts;
  const found = known.find(({ record }) => record.generation === Number(named));
  if (found !== undefined) return found.record.texts;
  throw new Fault("GENERATION_UNKNOWN", `the log does not hold generation ${named}`);
}
