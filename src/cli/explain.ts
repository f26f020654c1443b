import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { erasedBy } from "../../operators/erased-by.ts";
import type { ShopJob } from "../../operators/job.ts";
import type { GenerationRecord } from "../config/generation-record.ts";
import { Fault } from "../faults.ts";
import { namesOf } from "../nats/streams.ts";
import { BrokerLog } from "../replay/broker-log.ts";
import { DumpFile } from "../replay/dump.ts";
import {
  type Asked,
  type ExplainOptions,
  type Explanation,
  explainPast,
} from "../replay/explain.ts";
import { fileLines } from "../replay/file-lines.ts";
import { FORMATS } from "../replay/replay.ts";
import { replayed, type StoredMessage } from "../replay/stored-message.ts";
import { isoTime } from "../time/event-time.ts";
import { makeLog } from "../watch/log.ts";
import { onlyOf, personOfRec } from "./ask-explain.ts";
import { askedOf, requestOf } from "./asking.ts";
import type { Environment } from "./environment.ts";
import { ExplainText } from "./explain-text.ts";
import { beginningOf } from "./log-generations.ts";
import { type OpenBroker, openBroker } from "./open-broker.ts";
import { type OpenJob, openJob, openScoring } from "./open-job.ts";
import { timeOption, wholeNumber } from "./option-values.ts";

interface Options {
  readonly at?: string;
  readonly from?: string;
  readonly format: string;
  readonly out?: string;
  readonly of?: string;
  readonly decisions: string;
  readonly json?: boolean;
  readonly config?: string;
  readonly data?: string;
}

/** `freshet explain WHO` */
export function explainCommand(env: Environment): Command {
  return new Command("explain")
    .description("Why things are as they are for a person, or why a recommendation was made.")
    .argument("<who>", "a pseudonym (p_…), an identifier as kind=value, or a recommendation (r_…)")
    .option("--at <time>", "as of this time (ISO 8601): the log is replayed up to it")
    .option("--from <file|stream>", "what is replayed: a file, or `stream`: IN of the broker")
    .addOption(
      new Option("--format <format>", "what the file holds")
        .choices(Object.keys(FORMATS))
        .default("events"),
    )
    .option("--out <file>", "a dump of OUT to compare with (default: OUT of the broker)")
    .option("--of <id>", "only this segment, tag or rule")
    .option("--decisions <n>", "made again from the log, the last of them", "10")
    .option("--json", "print the document as config/schemas/explain.schema.json describes it")
    .option("--config <dir>", "configuration folder: that of the engine")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addHelpText(
      "after",
      `
Examples:
  freshet explain unionid=o6_bmjrPTlm6_2sgVt7hMZOPfL2M --of high_value_interest
  freshet explain p_6f1d0c9a54e27b38 --at 2026-11-22T18:00:00+08:00
  freshet explain r_6f1d0c9a54e27b38_0123456789ab
  freshet explain p_6f1d0c9a54e27b38 --from in.dump.gz --format dump --out out.dump.gz

A person as of now is asked of the running engine. A moment of the past and a recommendation are made again from the log, and each decision is compared with what was published. Exit code 1 when nobody, or no such decision, is known, or when a decision comes out otherwise.`,
    )
    .action((who: string, options: Options) => run(who, options, env));
}

async function run(who: string, options: Options, env: Environment): Promise<void> {
  const at = timeOption("--at", options.at);
  const most = wholeNumber("--decisions", options.decisions, 0, 1000);
  const open = await openJob(options.config, env, { quiet: true });
  const asked = askedBy(who);
  const isNow = at === undefined && options.from === undefined && !("rec" in asked);
  const whole = isNow
    ? await ofEngine(asked, options, env, open)
    : await ofPast({ asked, at, most }, options, env, open);
  const document = options.of === undefined ? whole : withRetold(onlyOf(whole, options.of), whole);
  const text = new ExplainText(open.config.segments.timeZone);
  process.stdout.write(
    options.json === true ? `${JSON.stringify(document)}\n` : `${text.of(document).join("\n")}\n`,
  );
  const differs = whole.retold?.some(({ reproduced }) => reproduced === false) ?? false;
  if (whole.person === null || differs) process.exitCode = 1;
}

function askedBy(who: string): Asked {
  const person = personOfRec(who);
  return person === undefined ? requestOf(who) : { rec: who, person };
}

/** What was made again stays, of the definition asked for alone. */
function withRetold(document: Readonly<Record<string, unknown>>, { person, retold }: Explanation) {
  return { ...document, person, ...(retold === undefined ? {} : { retold }) };
}

async function ofEngine(asked: Asked, options: Options, env: Environment, { config }: OpenJob) {
  const log = makeLog("warn");
  const broker = await openBroker({ config, env, dataDir: options.data, log }, "freshet explain");
  try {
    const whom = options.of === undefined ? asked : { ...asked, of: options.of };
    return (await askedOf(broker.nc, `${config.job.prefix}.ask.explain`, whom)) as Explanation;
  } finally {
    await broker.close();
  }
}

type Past = Pick<ExplainOptions<never>, "asked" | "at" | "most">;

async function ofPast(
  past: Past,
  options: Options,
  env: Environment,
  open: OpenJob,
): Promise<Explanation> {
  const { from = "stream", format } = options;
  const isFile = from !== "stream";
  // What was stored has the times of its broker, a file of events has only its own.
  const ownTimes = isFile && format !== "dump";
  const defining = async (begun: GenerationRecord | undefined) => {
    const opened = await openJob(options.config, env, {
      ...(ownTimes ? { trustRecv: true } : {}),
      quiet: true,
    });
    return begun === undefined ? opened.job : opened.beginningWith(begun.texts, begun.digest);
  };
  const scoring = openScoring(0);
  const common = { ...past, scoring, erasedBy, trusts: ownTimes || open.job.trustsEvents };
  try {
    if (!isFile) return await ofStream({ ...common, defining }, options, env, open);
    if (!existsSync(from)) throw new Fault("FILE_UNREADABLE", `there is no file ${from}`, { from });
    const reader = FORMATS[format];
    if (reader === undefined) throw new Fault("USAGE", `there is no format ${format}`);
    const out = options.out === undefined ? undefined : await DumpFile.open(options.out, "OUT");
    const isDump = format === "dump";
    const begun = isDump ? await beginningOf(await DumpFile.open(from, "IN")) : undefined;
    const define = () => defining(begun);
    const lines = () => fileLines(from);
    const loop = !isDump;
    return await explainPast({ ...common, define, lines, format: reader, loop, out });
  } finally {
    await scoring.close();
  }
}

async function ofStream(
  {
    defining,
    ...common
  }: Past &
    Pick<ExplainOptions<never>, "scoring" | "erasedBy" | "trusts"> & {
      /** The job as the log began with it. */
      defining(begun: GenerationRecord | undefined): Promise<ShopJob>;
    },
  options: Options,
  env: Environment,
  { config }: OpenJob,
): Promise<Explanation> {
  const log = makeLog("warn");
  const { prefix } = config.job;
  const names = namesOf(prefix);
  const broker = await openBroker({ config, env, dataDir: options.data, log }, "freshet explain");
  try {
    const intake = await BrokerLog.open(broker.nc, { stream: names.in, prefix, log });
    if (intake.from !== undefined) {
      const begins = isoTime(intake.from);
      throw new Fault("LOG_INCOMPLETE", `what was stored on IN before ${begins} is not there`);
    }
    const out = await outOf(broker, options, { stream: names.out, prefix, log });
    const lines = (): AsyncIterable<StoredMessage> => intake.read();
    const begun = await beginningOf(intake);
    const define = () => defining(begun);
    return await explainPast({ ...common, define, lines, format: replayed, loop: false, out });
  } finally {
    await broker.close();
  }
}

const outOf = ({ nc }: OpenBroker, { out }: Options, of: Parameters<typeof BrokerLog.open>[1]) =>
  out === undefined ? BrokerLog.open(nc, of) : DumpFile.open(out, "OUT");
