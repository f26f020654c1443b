import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault, isFault } from "../faults.ts";
import { freePort } from "./free-port.ts";
import type { ServerBinary } from "./server-binary.ts";
import {
  configPathOf,
  forgetServer,
  keepRecord,
  lastWords,
  replaceFile,
  type ServerRecord,
  startLog,
} from "./server-folder.ts";
import { greetingOf } from "./server-greeting.ts";
import { ServerProcess } from "./server-process.ts";

/** What is told of the broker's life; a pino logger fits. */
interface ServerLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface EmbeddedServerOptions {
  /** The broker's own folder: lock, configuration, key and store. Made if missing. */
  readonly dataDir: string;
  /** On 127.0.0.1; left out, the port of the last run where it is free, else any free one. */
  readonly port?: number;
  /** What a folder's first run has for the port of the last. */
  readonly firstPort?: number;
  /** Encrypts the store; left out, the key of the 0600 file `store.key` beside it. */
  readonly storeKey?: string;
  /** Asked of every client; left out, any program of this machine may connect. */
  readonly token?: string;
  /** Path of the nats-server to run instead of the one found. */
  readonly binary?: string;
  /** Start it again when it ends unasked; true when left out. */
  readonly respawn?: boolean;
  readonly log: ServerLog;
}

/** What a broker is started with, for as long as its engine runs. */
export interface Setting {
  readonly folder: string;
  readonly options: EmbeddedServerOptions;
  readonly binary: ServerBinary;
  readonly key: string;
}

export interface Launched {
  readonly process: ServerProcess;
  readonly port: number;
}

/** A store of many gigabytes is read before the broker answers. */
const READY_MS = 300_000;
const PORT_TRIES = 5;

export async function launchOnFreePort(
  setting: Setting,
  wanted: number | undefined,
  former: number | undefined,
): Promise<Launched> {
  if (wanted !== undefined) return launch(setting, wanted);
  for (let attempt = 0; ; attempt += 1) {
    const port = attempt === 0 && former !== undefined ? former : await freePort();
    try {
      return await launch(setting, port);
    } catch (error) {
      const taken = isFault(error) && error.details["taken"] === true;
      if (!taken || attempt + 1 >= PORT_TRIES) throw error;
    }
  }
}

export async function launch(setting: Setting, port: number): Promise<Launched> {
  const { folder, binary, key, options } = setting;
  if ((await greetingOf(port)) !== undefined) throw portTaken(port);
  const serverName = `freshet-${randomUUID()}`;
  const text = configText(setting, port, serverName);
  startLog(folder);
  replaceFile(configPathOf(folder), text);
  const secrets: Record<string, string> = { FRESHET_STORE_KEY: quoted(key) };
  if (options.token !== undefined) secrets["FRESHET_BROKER_TOKEN"] = quoted(options.token);
  const output = join(folder, "nats-server.out");
  const server = await ServerProcess.launch(binary.path, configPathOf(folder), secrets, output);
  const { pid, started } = server.mark;
  const digest = digestOf(text, setting);
  const record: ServerRecord = { pid, started, port, serverName, digest };
  keepRecord(folder, record);
  await untilReady(setting, server, port, serverName);
  return { process: server, port };
}

async function untilReady(
  setting: Setting,
  server: ServerProcess,
  port: number,
  serverName: string,
): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    const greeting = await greetingOf(port);
    if (greeting?.serverName === serverName) {
      if (greeting.jetstream) return;
      await server.stop();
      throw new Fault("BROKER_UNFIT", "the embedded broker came up without JetStream");
    }
    if (!server.isRunning()) {
      forgetServer(setting.folder);
      const said = lastWords(setting.folder);
      if (/address already in use/.test(said)) throw portTaken(port);
      throw new Fault("BROKER_UNREACHABLE", `the embedded broker ended as it started: ${said}`);
    }
    await sleep(25);
  }
  await server.stop();
  throw new Fault("BROKER_UNREACHABLE", `the embedded broker did not answer on port ${port}`);
}

function portTaken(port: number): Fault {
  return new Fault(
    "BROKER_UNREACHABLE",
    `port ${port} of 127.0.0.1, meant for the embedded broker, is taken: give it another one`,
    { port, taken: true },
  );
}

/**
 * ping_interval x (ping_max + 1) stays below half the duplicate window: what a paused process had
 * sent dies with its connection. Keys come through the environment, so no file but the key file
 * holds them. The log goes to a file, for a pipe would break when the engine is killed.
 */
export function configText(setting: Setting, port: number, serverName: string): string {
  const { folder, options } = setting;
  const lines = [
    `server_name: ${serverName}`,
    "host: 127.0.0.1",
    `port: ${port}`,
    "max_payload: 8MB",
    'ping_interval: "10s"',
    "ping_max: 2",
    `log_file: ${quoted(join(folder, "nats-server.log"))}`,
    "logfile_size_limit: 1MB",
    "jetstream {",
    `  store_dir: ${quoted(join(folder, "store"))}`,
    "  cipher: chacha",
    "  key: $FRESHET_STORE_KEY",
    "}",
  ];
  if (options.token !== undefined) lines.push("authorization { token: $FRESHET_BROKER_TOKEN }");
  return `${lines.join("\n")}\n`;
}

const quoted = (text: string): string =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

export function digestOf(text: string, { options, binary }: Setting): string {
  const parts = [text, options.token ?? "", binary.path, binary.version];
  return createHash("sha256").update(parts.join("\0")).digest("hex");
}
