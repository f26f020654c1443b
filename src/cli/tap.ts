import { decode } from "@msgpack/msgpack";
import { Command } from "commander";
import type { Msg, NatsConnection } from "nats";
import { decodeFrame } from "../codec/frame.ts";
import { Fault } from "../faults.ts";
import { closeConnection, connectBroker } from "../nats/connect.ts";
import type { Environment } from "./environment.ts";
import { connectRunning } from "./open-broker.ts";
import { openJob } from "./open-job.ts";
import { wholeNumber } from "./option-values.ts";

interface Options {
  readonly url?: string;
  readonly count?: string;
  readonly config?: string;
  readonly data?: string;
}

/** `freshet tap SUBJECT` */
export function tapCommand(env: Environment): Command {
  return new Command("tap")
    .description("Show messages as they pass, decoded, one JSON line each.")
    .argument("[subject]", "NATS subject, wildcards allowed", "freshet.recommendation.>")
    .option("--url <url>", "the broker (default: NATS_URL, else that of the engine)")
    .option("--count <n>", "end after so many messages")
    .option("--config <dir>", "configuration folder: that of the engine")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addHelpText(
      "after",
      "\nExamples:\n  freshet tap 'freshet.segment.>'\n  freshet tap --data .freshet/demo\n  freshet tap 'freshet.hop.>' --count 3 --url nats://127.0.0.1:4222",
    )
    .action((subject: string, options: Options) => tap(subject, options, env));
}

async function tap(subject: string, options: Options, env: Environment): Promise<void> {
  const { count } = options;
  if (!SUBJECT.test(subject))
    throw new Fault("USAGE", `${subject} is no subject such as freshet.segment.>`);
  const max = count === undefined ? undefined : wholeNumber("--count", count, 1, MOST);
  const nc = await connected(options, env);
  const subscription = nc.subscribe(subject, max === undefined ? {} : { max });
  process.once("SIGINT", () => subscription.unsubscribe());
  for await (const message of subscription)
    process.stdout.write(`${JSON.stringify(shown(message))}\n`);
  await closeConnection(nc);
}

/** Parts that are not empty and hold no space, `>` only as the last. */
const SUBJECT = /^(?:[^\s.>]+\.)*(?:[^\s.>]+|>)$/;
const MOST = Number.MAX_SAFE_INTEGER;

async function connected(
  { url, config: folder, data }: Options,
  env: Environment,
): Promise<NatsConnection> {
  const named = url ?? env["NATS_URL"];
  if (named !== undefined) return connectBroker({ url: named }, "freshet tap");
  const { config } = await openJob(folder, env, { quiet: true });
  return connectRunning({ config, env, dataDir: data }, "freshet tap");
}

function shown(message: Msg): unknown {
  const headers: Record<string, string> = {};
  for (const name of message.headers?.keys() ?? [])
    headers[name] = message.headers?.get(name) ?? "";
  return { subject: message.subject, headers, data: bodyOf(message) };
}

function bodyOf(message: Msg): unknown {
  if (message.data.length === 0) return null;
  try {
    if (message.subject.includes(".hop.")) return decodeFrame(message.data);
    const first = message.data[0] ?? 0;
    return first >= 0x80 ? decode(message.data) : message.json();
  } catch {
    return { bytes: Buffer.from(message.data).toString("base64") };
  }
}
