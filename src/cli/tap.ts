import { decode } from "@msgpack/msgpack";
import { Command } from "commander";
import type { Msg } from "nats";
import { decodeFrame } from "../codec/frame.ts";
import { closeConnection, connectBroker } from "../nats/connect.ts";
import type { Environment } from "./environment.ts";

/** `freshet tap SUBJECT` */
export function tapCommand(env: Environment): Command {
  return new Command("tap")
    .description("Show messages as they pass, decoded, one JSON line each.")
    .argument("[subject]", "NATS subject, wildcards allowed", "freshet.recommendation.>")
    .option("--url <url>", "the broker (default: NATS_URL)")
    .option("--count <n>", "end after so many messages")
    .addHelpText(
      "after",
      "\nExamples:\n  freshet tap 'freshet.segment.>'\n  freshet tap 'freshet.hop.>' --count 3 --url nats://127.0.0.1:4222",
    )
    .action(async (subject: string, options: { url?: string; count?: string }) => {
      const url = options.url ?? env["NATS_URL"] ?? "nats://127.0.0.1:4222";
      const nc = await connectBroker({ url }, "freshet tap");
      const subscription = nc.subscribe(
        subject,
        options.count === undefined ? {} : { max: Number(options.count) },
      );
      process.once("SIGINT", () => subscription.unsubscribe());
      for await (const message of subscription)
        process.stdout.write(`${JSON.stringify(shown(message))}\n`);
      await closeConnection(nc);
    });
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
