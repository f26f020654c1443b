import { Command } from "commander";
import { headers, type NatsConnection } from "nats";
import { Fault } from "../faults.ts";
import { namesOf } from "../nats/streams.ts";
import { BrokerLog } from "../replay/broker-log.ts";
import { isoTime } from "../time/event-time.ts";
import { makeLog } from "../watch/log.ts";
import { type Again, againOf, type NotAgain, recordOf } from "./deadletter/again.ts";
import { type DeadLetter, Letters, type SentAgain } from "./deadletter/letters.ts";
import type { Environment } from "./environment.ts";
import { openBroker } from "./open-broker.ts";
import { type OpenJob, openJob } from "./open-job.ts";
import { timeOption } from "./option-values.ts";

interface Options {
  readonly reason?: string;
  readonly from?: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly config?: string;
  readonly data?: string;
}

interface Work {
  readonly nc: NatsConnection;
  readonly letters: Letters;
  readonly config: OpenJob["config"];
}

/** `freshet deadletter list | show | replay` */
export function deadletterCommand(env: Environment): Command {
  const run = (options: Options, work: (work: Work) => Promise<void>) =>
    withLetters(options, env, work);
  return new Command("deadletter")
    .description("Look at what was refused or broke an operator, and send it again.")
    .addCommand(
      common(new Command("list"))
        .description("One line a dead letter: id, time, reason, what it is about.")
        .option("--reason <reason>", "only those with this reason, e.g. operator")
        .option("--from <time>", "only those stored at this time (ISO 8601) or later")
        .option("--json", "one JSON object a line")
        .action((options: Options) => run(options, (work) => list(work, options.json === true))),
    )
    .addCommand(
      common(new Command("show"))
        .description("One dead letter as a whole: remedy, stack, event.")
        .argument("<id>", "its id, or the beginning of it")
        .action((id: string, options: Options) => run(options, (work) => show(work, id))),
    )
    .addCommand(
      common(new Command("replay"))
        .description("Send the original to IN again, once, so that it takes its usual way.")
        .argument("[ids...]", "ids, or the beginnings of them")
        .option("--all", "every one that was not replayed yet")
        .option("--reason <reason>", "with --all: only those with this reason")
        .option("--from <time>", "with --all: only those stored at this time or later")
        .action((ids: string[], options: Options) => {
          if ((ids.length === 0) === (options.all !== true))
            throw new Fault("USAGE", "name the letters, or say --all");
          return run(options, (work) => replay(work, ids));
        }),
    )
    .addHelpText(
      "after",
      `
Examples:
  freshet deadletter list --reason operator
  freshet deadletter show 3f2a9c
  freshet deadletter replay --all --reason operator

Letters hold no identifiers of persons; the original is taken from IN, where it must still be.`,
    );
}

const common = (command: Command): Command =>
  command
    .option("--config <dir>", "configuration folder")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .exitOverride();

async function withLetters(
  options: Options,
  env: Environment,
  work: (work: Work) => Promise<void>,
): Promise<void> {
  const from = timeOption("--from", options.from);
  const { config } = await openJob(options.config, env, { quiet: true });
  const log = makeLog("warn");
  const broker = await openBroker(
    { config, env, dataDir: options.data, log },
    "freshet deadletter",
  );
  const { nc } = broker;
  const { prefix } = config.job;
  try {
    const letters = new Letters(nc, { prefix, from, reason: options.reason, log });
    await work({ nc, letters, config });
  } finally {
    await broker.close();
  }
}

async function list({ letters }: Work, json: boolean): Promise<void> {
  const again = await letters.sentAgain();
  for await (const letter of letters.read()) {
    const line = json
      ? JSON.stringify({ ...letter, time: isoTime(letter.time), replayed: again.get(letter.id) })
      : lineOf(letter, again.get(letter.id));
    process.stdout.write(`${line}\n`);
  }
}

function lineOf({ id, time, reason, data }: DeadLetter, again: SentAgain | undefined): string {
  const about =
    reason === "operator"
      ? `${data["operator"]} ${data["key"]}: ${data["error"]}`
      : `${data["subject"]} ${data["field"] ?? ""}`.trim();
  const done = again === undefined ? "" : `  (replayed as IN ${again.seq})`;
  return `${id.slice(0, SHORT)}  ${isoTime(time)}  ${reason}  ${about}${done}`;
}
const SHORT = 12;

async function show({ letters }: Work, id: string): Promise<void> {
  const [letter] = await find(letters, [id]);
  if (letter === undefined) return;
  const replayed = (await letters.sentAgain()).get(letter.id);
  const shown = { ...letter, time: isoTime(letter.time), ...(replayed && { replayed }) };
  process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
}

/** The letters whose ids begin as told; LETTER_UNKNOWN when one is missing or not the only one. */
async function find(letters: Letters, ids: readonly string[]): Promise<readonly DeadLetter[]> {
  const found = new Map<string, DeadLetter>();
  for await (const letter of letters.read()) {
    for (const id of ids) {
      if (!letter.id.startsWith(id)) continue;
      if (found.has(id)) throw new Fault("LETTER_UNKNOWN", `several dead letters begin with ${id}`);
      found.set(id, letter);
    }
  }
  return ids.map((id) => {
    const letter = found.get(id);
    if (letter === undefined) throw new Fault("LETTER_UNKNOWN", `there is no dead letter ${id}`);
    return letter;
  });
}

/** Exit code 1 when one of them cannot be sent again. */
async function replay(work: Work, ids: readonly string[]): Promise<void> {
  const { letters } = work;
  const again = await letters.sentAgain();
  const wanted = ids.length === 0 ? letters.read() : await find(letters, ids);
  for await (const letter of wanted) {
    const before = again.get(letter.id);
    // With --all, what is done is passed over in silence.
    if (before !== undefined && ids.length === 0) continue;
    const told =
      before === undefined
        ? await sendAgain(work, letter)
        : `was replayed as IN ${before.seq} at ${before.at}, not again`;
    process.stdout.write(`${letter.id.slice(0, SHORT)}  ${told}\n`);
  }
}

async function sendAgain(work: Work, letter: DeadLetter): Promise<string> {
  const again = await originalOf(work, letter);
  if (!again.ok) {
    process.exitCode = 1;
    return `cannot be replayed: ${again.why}`;
  }
  const { nc, letters, config } = work;
  const about = headers();
  about.set("freshet-replay-of", letter.id);
  if (again.contentType !== undefined) about.set("Content-Type", again.contentType);
  // Should the note below fail, the broker or collect recognises a second sending by its ids.
  const { seq } = await nc
    .jetstream()
    .publish(`${config.job.prefix}.${again.subject}`, again.data, {
      headers: about,
      msgID: `replay-${letter.id}`,
    });
  await letters.mark(letter, seq);
  return `replayed as IN ${seq}`;
}

async function originalOf({ nc, config }: Work, letter: DeadLetter): Promise<Again | NotAgain> {
  const { prefix, time } = config.job;
  const seq = recordOf(letter);
  if (typeof seq !== "number") return seq;
  const log = makeLog("warn");
  const intake = await BrokerLog.open(nc, { stream: namesOf(prefix).in, prefix, log });
  const { maxAge, trustRecv } = time;
  return againOf(letter, await intake.at(seq), { maxAge, trustRecv });
}
