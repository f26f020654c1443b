import { once } from "node:events";
import { createWriteStream, existsSync } from "node:fs";
import { finished } from "node:stream/promises";
import { Command, Option } from "commander";
import { Fault } from "../faults.ts";
import { readTime } from "../replay/formats.ts";
import { FORMATS, fileLines, type OutputLine, replay } from "../replay/replay.ts";
import type { Environment } from "./environment.ts";
import { openJob, openScoring } from "./open-job.ts";

interface Options {
  readonly config?: string;
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
    .addHelpText(
      "after",
      `
Examples:
  freshet replay events.jsonl --out outputs.jsonl --until 2026-12-05T00:00:00Z
  freshet replay UserBehavior.csv --format taobao --trace heat --out heat.jsonl

An event's recv, else its ts, stands for the broker's time. A summary goes to stdout as JSON.`,
    )
    .action((file: string, options: Options) => replayFile(file, options, env));
}

async function replayFile(file: string, options: Options, env: Environment): Promise<void> {
  if (!existsSync(file)) throw new Fault("FILE_UNREADABLE", `there is no file ${file}`, { file });
  const until = options.until === undefined ? undefined : readTime(options.until);
  if (options.until !== undefined && until === undefined) {
    throw new Fault("USAGE", `--until ${options.until} is no time such as 2026-12-05T00:00:00Z`);
  }
  const traced = options.trace === undefined ? {} : { trace: options.trace };
  const { job } = await openJob(options.config, env, { trustRecv: true, ...traced });
  const scoring = openScoring(wholeNumber("--workers", options.workers, 0, 64), 1);
  const out = options.out === undefined ? undefined : new LineFile(options.out);
  const format = FORMATS[options.format];
  if (format === undefined) throw new Fault("USAGE", `there is no format ${options.format}`);
  try {
    const summary = await replay({
      lines: out === undefined ? fileLines(file) : out.paced(fileLines(file)),
      format,
      definition: job,
      scoring,
      frameSize: wholeNumber("--frames", options.frames, 1, 1024),
      until,
      reveal: options.reveal === true ? job.intake : undefined,
      trace: options.trace,
      onLine: (line) => out?.write(line),
      onBadLine: (number, why) => process.stderr.write(`${file}:${number}: bad line: ${why}\n`),
    });
    await out?.end();
    const counts = Object.fromEntries(Object.entries(job.intake.counts));
    process.stdout.write(`${JSON.stringify({ file, ...summary, collect: counts })}\n`);
  } finally {
    await scoring.close();
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < least || n > most) {
    throw new Fault(
      "USAGE",
      `${option} takes a whole number from ${least} to ${most}, not ${text}`,
    );
  }
  return n;
}

/** A file of JSON lines; the reading waits while the disk is behind, so nothing piles up. */
class LineFile {
  readonly #path: string;
  readonly #stream;
  #failure: Error | undefined;
  #full = false;

  constructor(path: string) {
    this.#path = path;
    this.#stream = createWriteStream(path);
    this.#stream.on("error", (error) => {
      this.#failure = error;
    });
  }
  write(line: OutputLine): void {
    this.#full = !this.#stream.write(`${JSON.stringify(line)}\n`);
  }
  async *paced(lines: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const line of lines) {
      if (this.#failure !== undefined) this.#fail(this.#failure);
      if (this.#full && this.#stream.writableNeedDrain)
        await once(this.#stream, "drain").catch(() => undefined);
      yield line;
    }
  }
  async end(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream).catch((error: Error) => this.#fail(error));
  }
  #fail(error: Error): never {
    throw new Fault("FILE_UNWRITABLE", `cannot write ${this.#path}: ${error.message}`, {}, error);
  }
}
