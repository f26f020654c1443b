import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { Fault } from "../faults.ts";
import { fileLines } from "../replay/file-lines.ts";
import { FORMATS, replay } from "../replay/replay.ts";
import type { Environment } from "./environment.ts";
import { LineFile } from "./line-file.ts";
import { openJob, openScoring } from "./open-job.ts";
import { packOption, timeOption, wholeNumber } from "./option-values.ts";

interface Options {
  readonly config?: string;
  readonly pack?: string;
  readonly format: string;
  readonly out?: string;
  readonly until?: string;
  readonly reveal?: boolean;
  readonly trace?: string;
  readonly workers: string;
  readonly frames: string;
}

/** `freshet replay FILE` */
export function replayCommand(env: Environment): Command {
  return new Command("replay")
    .description("Run a file through the flows in virtual time: no broker, no clock.")
    .argument("<file>", "the events")
    .addOption(
      new Option("--format <format>", "what the file holds")
        .choices(Object.keys(FORMATS))
        .default("events"),
    )
    .option("--out <file>", "write every output as a JSON line {subject, id, time, data}")
    .option("--until <time>", "bring every watermark to this time (ISO 8601) after the last event")
    .option("--reveal", "add the person's identifiers, as they stand in the file, to each line")
    .option(
      "--trace <operator>",
      "also write what this operator emits, e.g. heat: the window counts",
    )
    .option("--workers <n>", "scoring threads; the outputs are the same bytes", "0")
    .option("--frames <n>", "records a frame; the outputs are the same bytes", "128")
    .option("--config <dir>", "configuration folder")
    .addOption(packOption())
    .addHelpText(
      "after",
      `
Examples:
  freshet replay events.jsonl --out outputs.jsonl --until 2026-12-05T00:00:00Z
  freshet replay UserBehavior.csv --format taobao --trace heat --out heat.jsonl
  freshet replay in.dump.gz --format dump --out outputs.jsonl

A dump is replayed as its broker stored it. Anywhere else an event's recv, else its ts, stands for the broker's time. A summary goes to stdout as JSON.`,
    )
    .action((file: string, options: Options) => replayFile(file, options, env));
}

async function replayFile(file: string, options: Options, env: Environment): Promise<void> {
  if (!existsSync(file)) throw new Fault("FILE_UNREADABLE", `there is no file ${file}`, { file });
  const until = timeOption("--until", options.until);
  // A dump has the times of its broker, a file of events has only its own.
  const isDump = options.format === "dump";
  const traced = options.trace === undefined ? {} : { trace: options.trace };
  const { job } = await openJob(options.config, env, {
    ...(isDump ? {} : { trustRecv: true }),
    ...traced,
    pack: options.pack,
  });
  const scoring = openScoring(wholeNumber("--workers", options.workers, 0, 64));
  const out = options.out === undefined ? undefined : new LineFile(options.out);
  const format = FORMATS[options.format];
  if (format === undefined) throw new Fault("USAGE", `there is no format ${options.format}`);
  try {
    const summary = await replay({
      lines: out === undefined ? fileLines(file) : paced(fileLines(file), out),
      format,
      loop: !isDump,
      definition: job,
      scoring,
      frameSize: wholeNumber("--frames", options.frames, 1, 1024),
      until,
      reveal: options.reveal === true ? job.intake : undefined,
      trace: options.trace,
      onLine: (line) => out?.write(JSON.stringify(line)),
      onBadLine: (number, why) => process.stderr.write(`${file}:${number}: bad line: ${why}\n`),
    });
    await out?.end();
    const counts = Object.fromEntries(Object.entries(job.intake.counts));
    process.stdout.write(`${JSON.stringify({ file, ...summary, collect: counts })}\n`);
  } finally {
    await scoring.close();
  }
}

/** Reads no further while the output's disk is behind. */
async function* paced(lines: AsyncIterable<string>, out: LineFile): AsyncGenerator<string> {
  for await (const line of lines) {
    await out.room();
    yield line;
  }
}
