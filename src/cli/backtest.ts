import { existsSync, statSync } from "node:fs";
import { Command, Option } from "commander";
import { Fault } from "../faults.ts";
import { namesOf } from "../nats/streams.ts";
import {
  type Account,
  type Backtest,
  backtest,
  type Past,
  type Sample,
} from "../replay/backtest.ts";
import { BrokerLog } from "../replay/broker-log.ts";
import { fileLines } from "../replay/file-lines.ts";
import { FORMATS } from "../replay/replay.ts";
import { replayed, type StoredMessage } from "../replay/stored-message.ts";
import { makeLog } from "../watch/log.ts";
import type { Environment } from "./environment.ts";
import { openBroker } from "./open-broker.ts";
import { type OpenJob, openJob, openScoring } from "./open-job.ts";
import { packOption, timeOption, wholeNumber } from "./option-values.ts";
import { Progress } from "./progress.ts";

interface Options {
  readonly config: string;
  readonly against?: string;
  readonly from: string;
  readonly format: string;
  readonly until?: string;
  readonly samples: string;
  readonly json?: boolean;
  readonly data?: string;
  readonly pack?: string;
}

/** `freshet backtest` */
export function backtestCommand(env: Environment): Command {
  return new Command("backtest")
    .description("What a draft configuration would have done with the past.")
    .requiredOption("--config <dir>", "the draft's configuration folder")
    .requiredOption(
      "--from <file|stream>",
      "a file of events or a dump, or `stream`: IN of the broker",
    )
    .option("--against <dir>", "the configuration to compare with")
    .addOption(
      new Option("--format <format>", "what the file holds")
        .choices(Object.keys(FORMATS))
        .default("events"),
    )
    .option("--until <time>", "bring every watermark to this time (ISO 8601) after the last event")
    .option("--samples <n>", "shown of each definition and outcome", "3")
    .option("--json", "print everything as one JSON object, day by day")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addOption(packOption())
    .addHelpText(
      "after",
      `
Examples:
  freshet backtest --config draft --against config --from october.dump.gz --format dump
  freshet backtest --config draft --from stream --json > draft.json

Nothing is published. The draft learns popularity, ranks and the like anew from what it replays. A file of events is replayed by the events' own times, a dump or stream by those of its broker.`,
    )
    .action((options: Options) => run(options, env));
}

async function run(options: Options, env: Environment): Promise<void> {
  const until = timeOption("--until", options.until);
  const samples = wholeNumber("--samples", options.samples, 0, 1000);
  const live = options.from === "stream";
  // What was stored has the times of its broker, a file of events has only its own.
  const trustRecv = !live && options.format !== "dump" ? { trustRecv: true } : {};
  // A draft is tried whatever the log says was in force.
  const how = { ...trustRecv, isPinned: true, quiet: true, pack: options.pack };
  const open = (dir: string) => openJob(dir, env, how);
  const draft = await open(options.config);
  const current = options.against === undefined ? undefined : await open(options.against);
  const runs = current === undefined ? 1 : 2;
  const scoring = openScoring(0);
  try {
    const result = await (live
      ? ofStream(options, env, draft, runs, (past) =>
          backtest({ ...trials(draft, current), past, scoring, until, samples }),
        )
      : backtest({
          ...trials(draft, current),
          past: ofFile(options, runs),
          scoring,
          until,
          samples,
        }));
    process.stdout.write(options.json === true ? `${JSON.stringify(result)}\n` : told(result));
  } finally {
    await scoring.close();
  }
}

function trials(draft: OpenJob, current: OpenJob | undefined) {
  const trial = ({ job, config }: OpenJob) => ({
    definition: job,
    timeZone: config.segments.timeZone,
  });
  return { draft: trial(draft), current: current && trial(current) };
}

function ofFile({ from, format }: Options, runs: number): Past<string> {
  if (!existsSync(from)) throw new Fault("FILE_UNREADABLE", `there is no file ${from}`, { from });
  const reader = FORMATS[format];
  if (reader === undefined) throw new Fault("USAGE", `there is no format ${format}`);
  // Of a compressed file nobody knows how long it is.
  const size = from.endsWith(".gz") ? undefined : statSync(from).size * runs;
  const progress = new Progress("bytes", size);
  return {
    format: reader,
    async *lines() {
      for await (const line of fileLines(from)) {
        progress.add(Buffer.byteLength(line) + 1);
        yield line;
      }
    },
  };
}

async function ofStream<T>(
  options: Options,
  env: Environment,
  { config }: OpenJob,
  runs: number,
  use: (past: Past<StoredMessage>) => Promise<T>,
): Promise<T> {
  const log = makeLog("warn");
  const { prefix } = config.job;
  const broker = await openBroker({ config, env, dataDir: options.data, log }, "freshet backtest");
  try {
    const stored = await BrokerLog.open(broker.nc, { stream: namesOf(prefix).in, prefix, log });
    const progress = new Progress("records", stored.messages * runs);
    return await use({
      format: replayed,
      async *lines() {
        for await (const message of stored.read()) {
          progress.add(1);
          yield message;
        }
      },
    });
  } finally {
    await broker.close();
  }
}

function told({ draft, current, difference }: Backtest): string {
  const rows = rowsOf(draft, current);
  const lines = [
    `${draft.records} records, ${Object.keys(draft.days).length} days`,
    ...table(current === undefined ? rows.map(([a, b, n, p]) => [a, b, n, p]) : rows),
  ];
  if (difference === undefined) {
    lines.push("", "for example", ...draft.samples.map(sampleText));
  } else {
    lines.push(
      "",
      `only the draft does ${difference.onlyDraft} things, only the current configuration ${difference.onlyCurrent}`,
      ...difference.samples.onlyDraft.map((one) => `+ ${sampleText(one)}`),
      ...difference.samples.onlyCurrent.map((one) => `- ${sampleText(one)}`),
    );
  }
  return `${lines.join("\n")}\n`;
}

type Row = [string, string, string, string, ...string[]];

function rowsOf(draft: Account, current: Account | undefined): Row[] {
  const both = new Map<string, Set<string>>();
  for (const account of current === undefined ? [draft] : [draft, current]) {
    for (const [definition, outcomes] of Object.entries(account.totals)) {
      const names = both.get(definition) ?? new Set();
      for (const outcome of Object.keys(outcomes)) names.add(outcome);
      both.set(definition, names);
    }
  }
  const head: Row = [
    "",
    "",
    "draft",
    "people",
    ...(current === undefined ? [] : ["current", "+/-"]),
  ];
  const rows = [...both]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([definition, outcomes]) =>
      [...outcomes].sort().map((outcome): Row => {
        const n = draft.totals[definition]?.[outcome] ?? 0;
        const people = draft.persons[definition]?.[outcome] ?? 0;
        const was = current?.totals[definition]?.[outcome] ?? 0;
        const compared = [String(was), n === was ? "" : `${n > was ? "+" : ""}${n - was}`];
        const cells = current === undefined ? [] : compared;
        return [definition, outcome, String(n), String(people), ...cells];
      }),
    );
  return [head, ...rows];
}

function table(rows: readonly Row[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

function sampleText({ definition, outcome, person, at, sku }: Sample): string {
  return [at, definition, outcome, person, ...(sku === undefined ? [] : [String(sku)])].join("  ");
}
