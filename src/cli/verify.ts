import { Command } from "commander";
import { namesOf } from "../nats/streams.ts";
import { BrokerLog } from "../replay/broker-log.ts";
import { DumpFile } from "../replay/dump.ts";
import { joinLogs } from "../replay/joined-log.ts";
import type { StoredLog } from "../replay/stored-message.ts";
import { type Example, type Verdict, verify } from "../replay/verify.ts";
import { type EventTime, earliest, minus } from "../time/event-time.ts";
import { makeLog } from "../watch/log.ts";
import type { Environment } from "./environment.ts";
import { beginningOf } from "./log-generations.ts";
import { type OpenBroker, openBroker } from "./open-broker.ts";
import { type OpenJob, openJob, openScoring } from "./open-job.ts";
import { durationOption, packOption, timeOption, wholeNumber } from "./option-values.ts";

interface Options {
  readonly in?: readonly string[];
  readonly out?: string;
  readonly until?: string;
  readonly settle: string;
  readonly examples: string;
  readonly json?: boolean;
  readonly config?: string;
  readonly pack?: string;
  readonly data?: string;
}

/** `freshet verify` */
export function verifyCommand(env: Environment): Command {
  return new Command("verify")
    .description("Replay the stored input in memory and compare with what was published.")
    .option("--in <files...>", "dumps of IN, oldest first (default: IN of the broker)")
    .option("--out <file>", "a dump of OUT (default: OUT of the broker)")
    .option("--until <time>", "an output caused later (ISO 8601) may be missing")
    .option("--settle <time>", "so may one caused as lately as this before OUT was read", "10s")
    .option("--examples <n>", "of each kind of difference, at the most", "10")
    .option("--json", "print the verdict as JSON")
    .option("--config <dir>", "configuration folder: that of the engine")
    .addOption(packOption())
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addHelpText(
      "after",
      `
Examples:
  freshet verify
  freshet verify --in in.dump.gz --out out.dump.gz --json
  freshet verify --in october.dump.gz november.dump.gz

Exit code 0 when the outputs are the same set of {subject, id, time, data}, 1 when they are not.
Needs the input log from its very beginning, and the build and configuration that decided.`,
    )
    .action((options: Options) => run(options, env));
}

async function run(options: Options, env: Environment): Promise<void> {
  const until = timeOption("--until", options.until);
  const settle = durationOption("--settle", options.settle);
  const examples = wholeNumber("--examples", options.examples, 0, 10_000);
  const open = await openJob(options.config, env, { quiet: true, pack: options.pack });
  const logs = await openLogs(options, env, open);
  const scoring = openScoring(0);
  const settledIn = (log: StoredLog): EventTime => {
    const settled = minus(log.until, settle);
    return until === undefined ? settled : earliest(settled, until);
  };
  try {
    const { intake, out } = logs;
    const settled = { IN: settledIn(intake), OUT: settledIn(out) };
    const begun = await beginningOf(intake);
    const definition =
      begun === undefined ? open.job : open.beginningWith(begun.texts, begun.digest);
    const verdict = await verify({
      definition,
      scoring,
      intake,
      out,
      settled,
      examples,
      erased: (message) => definition.intake.erasedNames(message),
    });
    const text = options.json === true ? JSON.stringify(verdict) : told(verdict);
    process.stdout.write(`${text}\n`);
    process.exitCode = verdict.equal ? 0 : 1;
  } finally {
    await scoring.close();
    await logs.close();
  }
}

interface OpenLogs {
  readonly intake: StoredLog;
  readonly out: StoredLog;
  close(): Promise<void>;
}

/** Dumps where they are named, the broker for what is not. */
async function openLogs(options: Options, env: Environment, open: OpenJob): Promise<OpenLogs> {
  const { config } = open;
  const { prefix } = config.job;
  const names = namesOf(prefix);
  const log = makeLog("warn");
  const live = options.in === undefined || options.out === undefined;
  let broker: OpenBroker | undefined;
  // Messages may be missing between the others: people are erased.
  const ofBroker = (stream: string, filter: string): Promise<StoredLog> => {
    if (broker === undefined) throw new Error("no broker was opened");
    return BrokerLog.open(broker.nc, { stream, prefix, filter, log });
  };
  try {
    if (live)
      broker = await openBroker({ config, env, dataDir: options.data, log }, "freshet verify");
    // OUT first: whatever stands there then has its cause in what is read of IN.
    const out = await (options.out === undefined
      ? ofBroker(names.out, ">")
      : DumpFile.open(options.out, "OUT"));
    const [first, ...more] = options.in ?? [];
    const intake = await (first === undefined
      ? ofBroker(names.in, "in.>")
      : openDumps([first, ...more]));
    return { intake, out, close: async () => broker?.close() };
  } catch (error) {
    await broker?.close();
    throw error;
  }
}

async function openDumps(paths: readonly [string, ...string[]]): Promise<StoredLog> {
  const [first, ...more] = paths;
  const rest: StoredLog[] = [];
  const begin = await DumpFile.open(first, "IN");
  for (const path of more) rest.push(await DumpFile.open(path, "IN"));
  return joinLogs([begin, ...rest]);
}

function told(verdict: Verdict): string {
  const { records, expected, same, missing, extra, different, twice } = verdict;
  const { inFlight, agedOut, beyond, reached } = verdict;
  const lines = [
    `${records} records of IN make ${expected} outputs; ${same} were published just so`,
    `missing ${missing} · extra ${extra} · different ${different} · twice ${twice}`,
  ];
  if (inFlight > 0) lines.push(`${inFlight} were caused so lately that they may be on their way`);
  const { erased, unsettled } = verdict;
  if (erased > 0)
    lines.push(
      `${erased} records of IN are gone with people who were erased; ${unsettled} outputs that counted or caused them cannot be judged`,
    );
  if (agedOut > 0) lines.push(`${agedOut} are older than what is kept of OUT`);
  if (beyond > 0) lines.push(`${beyond} were published behind the end of what was read of IN`);
  for (const example of verdict.examples) lines.push(toldOf(example));
  const behind = verdict.examples.some(
    ({ kind, cause }) => kind === "missing" && (cause?.seq ?? 0) > reached,
  );
  if (behind)
    lines.push(`no output of a record behind ${reached} was found: has the engine got there?`);
  lines.push(verdict.equal ? "equal" : "NOT EQUAL");
  return lines.join("\n");
}

function toldOf({ kind, subject, id, at, cause, differences, data }: Example): string {
  const where = at === undefined ? "" : ` at ${at.log} ${at.seq}`;
  const why = cause === undefined ? "" : `, caused by IN ${cause.seq} or just before`;
  const what = data === undefined ? [] : [JSON.stringify(data)];
  const details = [...(differences ?? []), ...what].map((line) => `\n    ${line}`);
  return `  ${kind} ${subject} ${id}${where}${why}${details.join("")}`;
}
