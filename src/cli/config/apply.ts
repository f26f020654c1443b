import { Command } from "commander";
import type { NatsConnection } from "nats";
import { isSame } from "../../config/generation.ts";
import { FILES, type FileName } from "../../config/load.ts";
import { Fault } from "../../faults.ts";
import { isoTime } from "../../time/event-time.ts";
import type { ConfigAnswer } from "../ask-config.ts";
import type { Environment } from "../environment.ts";
import type { OpenJob } from "../open-job.ts";
import { durationOption, packOption, timeOption } from "../option-values.ts";
import {
  askEngine,
  type Changes,
  type ConfigOptions,
  changesBetween,
  publishGeneration,
  somebody,
  toldChanges,
  untilInForce,
  withBroker,
} from "./engine-config.ts";
import { type LooksBack, lookingBack, toldLooksBack } from "./looks-back.ts";

interface Options extends ConfigOptions {
  readonly by?: string;
  readonly note: string;
  readonly at?: string;
  readonly wait: string;
  readonly dryRun?: boolean;
}

/** `freshet config apply DIR` */
export function applyCommand(env: Environment): Command {
  return new Command("apply")
    .description("Bring segments, rules and tags of a folder into force, without stopping.")
    .argument("<dir>", "configuration folder")
    .option("--by <name>", "who changes it (default: the user)")
    .option("--note <text>", "why", "")
    .option("--at <time>", "not before this time (ISO 8601)")
    .option("--wait <time>", "until it is in force, at the most", "30s")
    .option("--dry-run", "only say what would change")
    .option("--json", "print what changes as one JSON object")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addOption(packOption())
    .addHelpText(
      "after",
      `
Definitions that stay the same keep their state; others begin at the second that is told. Everything
else in the folder must be as the engine runs it: it holds until the engine is started anew.`,
    )
    .action((dir: string, options: Options) =>
      withBroker(dir, options, env, (nc, open) => apply(nc, open, options)),
    );
}

async function apply(nc: NatsConnection, open: OpenJob, options: Options): Promise<void> {
  const at = timeOption("--at", options.at);
  const waitMs = durationOption("--wait", options.wait);
  const { prefix } = open.config.job;
  const engine = await askEngine(nc, prefix);
  requireFixed(open, engine);
  const { texts, digest } = open.config.live;
  const changes = changesBetween(open, engine.texts, texts);
  const looksBack = lookingBack(open, changes, texts);
  const nothing = engine.digest === digest && engine.waits === null;
  if (nothing || options.dryRun === true) {
    tell({ ...result(engine, changes), looksBack, applied: false }, options);
    return;
  }
  const generation = engine.accepted + 1;
  await publishGeneration(nc, prefix, {
    generation,
    by: options.by ?? somebody(),
    note: options.note,
    digest,
    at: at === undefined ? null : isoTime(at),
    restores: null,
    texts,
  });
  const stands = await untilInForce(nc, prefix, generation, waitMs);
  tell({ generation, ...stands, changes, looksBack, applied: true }, options);
}

const result = ({ generation, at }: ConfigAnswer, changes: Changes) => ({
  generation,
  at: at ?? "the beginning",
  inForce: true,
  changes,
});

export interface Applied {
  readonly generation: number;
  /** When it comes into force, or since when it is. */
  readonly at: string;
  readonly inForce: boolean;
  readonly changes: Changes;
  /** What starts anew and is not whole before its window has passed. */
  readonly looksBack: readonly LooksBack[];
  readonly applied: boolean;
}

export function tell(told: Applied, { json }: ConfigOptions): void {
  const { generation, at, inForce, changes, looksBack, applied } = told;
  const since = inForce ? `is in force since ${at}` : `comes into force at ${at}`;
  const last = applied || isSame(changes) ? [] : ["nothing was applied"];
  const lines = [
    ...toldChanges(changes),
    ...toldLooksBack(looksBack),
    ...last,
    `generation ${generation} ${since}`,
  ];
  process.stdout.write(json === true ? `${JSON.stringify(told)}\n` : `${lines.join("\n")}\n`);
}

/** What may not be changed under an engine that runs. */
function requireFixed({ config, version }: OpenJob, engine: ConfigAnswer): void {
  const names = Object.keys(config.fixed) as (keyof typeof config.fixed)[];
  const differ = names.filter((name) => config.fixed[name] !== engine.fixed[name]);
  if (differ.length > 0) {
    const files = differ.map((name) => FILES[name satisfies FileName]).join(", ");
    throw new Fault("CONFIG_FIXED", `${files}: not as the engine runs it`, { files });
  }
  if (version !== engine.version) {
    throw new Fault(
      "CONFIG_FIXED",
      "the engine is another build, or has another tenant key or other operators of its own",
    );
  }
}
