import { existsSync } from "node:fs";
import type { NatsConnection } from "nats";
import { Fault, isFault } from "../faults.ts";
import { closeConnection, connectBroker } from "../nats/connect.ts";
import { startEmbeddedServer } from "../nats/embedded-server.ts";
import { portInUse } from "../nats/server-folder.ts";
import type { Log } from "../watch/log.ts";
import type { Environment } from "./environment.ts";
import type { OpenJob } from "./open-job.ts";

export interface BrokerOptions {
  readonly config: OpenJob["config"];
  readonly env: Environment;
  /** Of the engine's own broker. */
  readonly dataDir: string | undefined;
  readonly log: Log;
}

export interface OpenBroker {
  readonly nc: NatsConnection;
  close(): Promise<void>;
}

/**
 * The broker that a job's engine is on at this moment: the one that is named, else that of the engine
 * that runs on the data folder. Throws ENGINE_SILENT where none does.
 */
export function connectRunning(
  { config, env, dataDir }: Omit<BrokerOptions, "log">,
  name: string,
): Promise<NatsConnection> {
  const { broker } = config.job;
  const folder = dataDir ?? broker.dataDir;
  const port = portInUse(folder);
  const own = port === undefined ? undefined : `nats://127.0.0.1:${port}`;
  const url = env["NATS_URL"] ?? broker.url ?? own;
  if (url === undefined)
    throw new Fault("ENGINE_SILENT", `no engine runs on the data folder ${folder}`, { folder });
  return connectBroker({ url, ...loginOf(broker, env) }, name);
}

/**
 * The broker that a job's engine uses, for a command beside it: the one that is named; else that of
 * the engine that runs on the data folder; else one started on the folder for as long as it is open.
 */
export async function openBroker(options: BrokerOptions, name: string): Promise<OpenBroker> {
  const { config, env } = options;
  const { broker } = config.job;
  const named = env["NATS_URL"] ?? broker.url;
  const server = named === undefined ? await ownServer(options) : undefined;
  const url = named ?? server?.url ?? "";
  try {
    const nc = await connectBroker({ url, ...loginOf(broker, env) }, name);
    return {
      nc,
      close: async () => {
        await closeConnection(nc);
        await server?.stop();
      },
    };
  } catch (error) {
    await server?.stop();
    throw error;
  }
}

function loginOf(
  { tokenEnv, credentials }: BrokerOptions["config"]["job"]["broker"],
  env: Environment,
) {
  return { token: tokenEnv === undefined ? undefined : env[tokenEnv], credentials };
}

interface OwnServer {
  readonly url: string;
  stop(): Promise<void>;
}

async function ownServer({ config, env, dataDir, log }: BrokerOptions): Promise<OwnServer> {
  const { broker } = config.job;
  const folder = dataDir ?? broker.dataDir;
  if (!existsSync(folder))
    throw new Fault("LOG_MISSING", `there is no data folder ${folder}`, { folder });
  const storeKey = env["FRESHET_STORE_KEY"];
  const binary = env["NATS_SERVER_BIN"];
  try {
    return await startEmbeddedServer({
      dataDir: folder,
      log,
      ...(broker.port === undefined ? {} : { port: broker.port }),
      ...(storeKey === undefined ? {} : { storeKey }),
      ...(binary === undefined ? {} : { binary }),
    });
  } catch (error) {
    const port = isFault(error, "STORE_LOCKED") ? portInUse(folder) : undefined;
    if (port === undefined) throw error;
    return { url: `nats://127.0.0.1:${port}`, stop: async () => undefined };
  }
}
