import { Command } from "commander";
import { namesOf } from "../nats/streams.ts";
import { BrokerLog } from "../replay/broker-log.ts";
import { type DumpHead, endLine, headLine, messageLine } from "../replay/dump.ts";
import type { StoredLog } from "../replay/stored-message.ts";
import { makeLog } from "../watch/log.ts";
import type { Environment } from "./environment.ts";
import { LineFile } from "./line-file.ts";
import { openBroker } from "./open-broker.ts";
import { openJob } from "./open-job.ts";
import { timeOption } from "./option-values.ts";

interface Options {
  readonly to?: string;
  readonly out?: string;
  readonly from?: string;
  readonly until?: string;
  readonly config?: string;
  readonly data?: string;
}

/** `freshet dump` */
export function dumpCommand(env: Environment): Command {
  return new Command("dump")
    .description("Write the stored input log to a file that replay and verify read.")
    .option("--to <file>", "the file, gzipped when it ends in .gz (default: stdout)")
    .option("--out <file>", "write what stands on OUT too, to this file")
    .option("--from <time>", "only what was stored at this time (ISO 8601) or later")
    .option("--until <time>", "only what was stored at this time or earlier")
    .option("--config <dir>", "configuration folder")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addHelpText(
      "after",
      `
Examples:
  freshet dump --to in.dump.gz --out out.dump.gz
  NATS_URL=nats://broker:4222 freshet dump --from 2026-11-11T00:00:00Z | gzip > day.dump.gz

An engine may run meanwhile. The file holds identifiers of persons, as they were sent: guard it.`,
    )
    .action((options: Options) => dump(options, env));
}

async function dump(options: Options, env: Environment): Promise<void> {
  const from = timeOption("--from", options.from);
  const until = timeOption("--until", options.until);
  const { config } = await openJob(options.config, env, { quiet: true });
  const log = makeLog("warn");
  const { prefix } = config.job;
  const names = namesOf(prefix);
  const broker = await openBroker({ config, env, dataDir: options.data, log }, "freshet dump");
  const open = (stream: string) => BrokerLog.open(broker.nc, { stream, prefix, from, until, log });
  try {
    // OUT first: whatever stands there then has its cause in what is read of IN.
    const out = options.out === undefined ? undefined : await open(names.out);
    const intake = await open(names.in);
    const dumped = [];
    if (out !== undefined) dumped.push(await write(out, "OUT", options.out));
    dumped.push(await write(intake, "IN", options.to));
    for (const line of dumped) process.stderr.write(`${line}\n`);
  } finally {
    await broker.close();
  }
}

/** Returns what to say about it. */
async function write(
  source: StoredLog,
  log: DumpHead["log"],
  path: string | undefined,
): Promise<string> {
  // Identifiers are for nobody else.
  const file = new LineFile(path, 0o600);
  const { from, until } = source;
  file.write(headLine({ log, from, until }));
  let last = 0;
  let messages = 0;
  for await (const message of source.read()) {
    file.write(messageLine(message));
    await file.room();
    last = message.seq;
    messages += 1;
  }
  file.write(endLine(last, messages));
  await file.end();
  return `${log}: ${messages} messages up to sequence ${last} → ${path ?? "stdout"}`;
}
