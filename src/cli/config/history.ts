import { Command } from "commander";
import type { NatsConnection } from "nats";
import { namesOf } from "../../nats/streams.ts";
import { BrokerLog } from "../../replay/broker-log.ts";
import { isoTime } from "../../time/event-time.ts";
import { makeLog } from "../../watch/log.ts";
import type { Environment } from "../environment.ts";
import { generationsOf } from "../log-generations.ts";
import type { OpenJob } from "../open-job.ts";
import { packOption } from "../option-values.ts";
import { type ConfigOptions, withBroker } from "./engine-config.ts";

/** One generation, as people look back on it. */
interface Entry {
  readonly generation: number;
  readonly by: string;
  readonly note: string;
  readonly digest: string;
  readonly restores: number | null;
  /** When it entered the log. */
  readonly entered: string;
  /** When it came into force; null: it has not, or `OUT` has forgotten. */
  readonly at: string | null;
  readonly state: "accepted" | "applied" | "superseded" | "unknown";
}

/** `freshet config history` */
export function historyCommand(env: Environment): Command {
  return new Command("history")
    .description("Who changed what and when: the generations that the log still holds.")
    .option("--json", "print them as a JSON array")
    .option("--config <dir>", "configuration folder: that of the engine")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addOption(packOption())
    .action((options: ConfigOptions) =>
      withBroker(options.config, options, env, async (nc, open) => {
        const entries = await entriesOf(nc, open);
        const text = options.json === true ? JSON.stringify(entries) : entries.map(line).join("\n");
        process.stdout.write(`${text}\n`);
      }),
    );
}

async function entriesOf(nc: NatsConnection, { config }: OpenJob): Promise<Entry[]> {
  const { prefix } = config.job;
  const log = makeLog("warn");
  const known = await generationsOf(nc, prefix, log);
  const stream = namesOf(prefix).out;
  const stands = new Map<number, Pick<Entry, "at" | "state">>();
  const audits = await BrokerLog.open(nc, { stream, prefix, filter: "audit.config.>", log });
  for await (const { subject, data } of audits.read()) {
    const state = subject.slice("audit.config.".length) as Entry["state"];
    const { generation, at } = JSON.parse(Buffer.from(data).toString("utf8")) as {
      generation: number;
      at: string;
    };
    stands.set(generation, { at: state === "superseded" ? null : at, state });
  }
  return known.map(({ record, time }) => {
    const { generation, by, note, digest, restores } = record;
    // What a log began with was never applied.
    const begun = generation === 0 ? ({ at: null, state: "applied" } as const) : undefined;
    const stood = stands.get(generation) ?? begun ?? ({ at: null, state: "unknown" } as const);
    return { generation, by, note, digest, restores, entered: isoTime(time), ...stood };
  });
}

function line({ generation, by, note, digest, restores, entered, at, state }: Entry): string {
  const when = at === null ? state : `${state} ${at}`;
  const again = restores === null ? "" : `  (${restores} again)`;
  const why = note === "" ? "" : `  ${note}`;
  return `${generation}  ${entered}  ${by}  ${digest.slice(0, 8)}  ${when}${again}${why}`;
}
