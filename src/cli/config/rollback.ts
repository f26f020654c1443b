import { Command } from "commander";
import type { NatsConnection } from "nats";
import { Fault } from "../../faults.ts";
import { makeLog } from "../../watch/log.ts";
import type { Environment } from "../environment.ts";
import { generationsOf } from "../log-generations.ts";
import { type OpenJob, requireLive } from "../open-job.ts";
import { durationOption, packOption, wholeNumber } from "../option-values.ts";
import { tell } from "./apply.ts";
import {
  askEngine,
  type ConfigOptions,
  changesBetween,
  publishGeneration,
  somebody,
  untilInForce,
  withBroker,
} from "./engine-config.ts";
import { lookingBack } from "./looks-back.ts";

interface Options extends ConfigOptions {
  readonly by?: string;
  readonly note: string;
  readonly wait: string;
}

/** `freshet config rollback [GENERATION]` */
export function rollbackCommand(env: Environment): Command {
  return new Command("rollback")
    .description("Bring an earlier generation into force again, as a new one.")
    .argument("[generation]", "which (default: the one before that in force)")
    .option("--by <name>", "who changes it (default: the user)")
    .option("--note <text>", "why", "")
    .option("--wait <time>", "until it is in force, at the most", "30s")
    .option("--json", "print what changes as one JSON object")
    .option("--config <dir>", "configuration folder: that of the engine")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addOption(packOption())
    .action((generation: string | undefined, options: Options) =>
      withBroker(options.config, options, env, (nc, open) => roll(generation, nc, open, options)),
    );
}

async function roll(
  named: string | undefined,
  nc: NatsConnection,
  open: OpenJob,
  options: Options,
): Promise<void> {
  const waitMs = durationOption("--wait", options.wait);
  const { prefix } = open.config.job;
  const engine = await askEngine(nc, prefix);
  const known = await generationsOf(nc, prefix, makeLog("warn"));
  const wanted =
    named === undefined
      ? known.filter(({ record }) => record.generation < engine.generation).at(-1)?.record
      : known.find(({ record }) => record.generation === numberOf(named))?.record;
  if (wanted === undefined) {
    const which = named === undefined ? "an earlier generation" : `generation ${named}`;
    throw new Fault("GENERATION_UNKNOWN", `the log does not hold ${which}`);
  }
  requireLive(open.config, wanted.texts);
  const changes = changesBetween(open, engine.texts, wanted.texts);
  const generation = engine.accepted + 1;
  await publishGeneration(nc, prefix, {
    generation,
    by: options.by ?? somebody(),
    note: options.note,
    digest: wanted.digest,
    at: null,
    restores: wanted.generation,
    texts: wanted.texts,
  });
  const stands = await untilInForce(nc, prefix, generation, waitMs);
  const looksBack = lookingBack(open, changes, wanted.texts);
  tell({ generation, ...stands, changes, looksBack, applied: true }, options);
}

const numberOf = (text: string): number =>
  wholeNumber("a generation", text, 0, Number.MAX_SAFE_INTEGER);
