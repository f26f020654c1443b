import { createHash, randomUUID } from "node:crypto";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault, isFault } from "../faults.ts";
import { freePort } from "./free-port.ts";
import { programsOnConfig } from "./process-mark.ts";
import { findServerBinary, type ServerBinary } from "./server-binary.ts";
import {
  configPathOf,
  forgetServer,
  keepRecord,
  lastWords,
  openFolder,
  pruneLogs,
  readRecord,
  replaceFile,
  type ServerRecord,
  startLog,
} from "./server-folder.ts";
import { greetingOf } from "./server-greeting.ts";
import { type ServerExit, ServerProcess } from "./server-process.ts";
import { storeKeyFor } from "./store-key.ts";
import { StoreLock } from "./store-lock.ts";

/** What is told of the broker's life; a pino logger fits. */
export interface ServerLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface EmbeddedServerOptions {
  /** The broker's own folder: lock, configuration, key and store. Made if missing. */
  readonly dataDir: string;
  /** On 127.0.0.1; left out, the port of the last run where it is free, else any free one. */
  readonly port?: number;
  /** Encrypts the store; left out, the key of the 0600 file `store.key` beside it. */
  readonly storeKey?: string;
  /** Asked of every client; left out, any program of this machine may connect. */
  readonly token?: string;
  /** Path of the nats-server to run instead of the one found. */
  readonly binary?: string;
  readonly log: ServerLog;
}

interface Setting {
  readonly folder: string;
  readonly options: EmbeddedServerOptions;
  readonly binary: ServerBinary;
  readonly key: string;
}

interface Launched {
  readonly process: ServerProcess;
  readonly port: number;
}

/** A store of many gigabytes is read before the broker answers. */
const READY_MS = 300_000;
const PORT_TRIES = 5;
const PRUNE_LOGS_MS = 600_000;

/**
 * Starts a nats-server on the folder, or adopts the one that an engine killed there has left.
 * Throws STORE_LOCKED when another engine owns the folder, BROKER_MISSING and BROKER_UNFIT for the
 * program, BROKER_UNREACHABLE when it does not come up.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const folder = openFolder(options.dataDir);
  const lock = await StoreLock.acquire(join(folder, "engine.lock"));
  try {
    const key = storeKeyFor(folder, join(folder, "store"), options.storeKey);
    const binary = await findServerBinary(options.binary);
    const setting = { folder, options, binary, key };
    const record = readRecord(folder);
    const orphan = await adoptOrStop(setting, record);
    if (orphan !== undefined) return new EmbeddedServer(setting, lock, orphan, true);
    const launched = await launchOnFreePort(setting, options.port, record?.port);
    return new EmbeddedServer(setting, lock, launched, false);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** A running broker that ends with this process at the latest. */
export class EmbeddedServer {
  readonly port: number;
  readonly url: string;
  /** Whether it was running before, left by an engine that was killed. */
  readonly adopted: boolean;
  readonly #setting: Setting;
  readonly #lock: StoreLock;
  readonly #atExit = (): void => this.#leave();
  readonly #pruning: NodeJS.Timeout;
  #process: ServerProcess;
  #stopping: Promise<void> | undefined;

  /** Use `startEmbeddedServer`. */
  constructor(setting: Setting, lock: StoreLock, launched: Launched, adopted: boolean) {
    this.#setting = setting;
    this.#lock = lock;
    this.#process = launched.process;
    this.port = launched.port;
    this.url = `nats://127.0.0.1:${launched.port}`;
    this.adopted = adopted;
    process.on("exit", this.#atExit);
    this.#pruning = setInterval(() => pruneLogs(setting.folder), PRUNE_LOGS_MS);
    this.#pruning.unref();
    const { pid, port } = this;
    const { version } = setting.binary;
    setting.options.log.info({ pid, port, version, adopted }, "embedded broker is up");
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Settles when the broker of this moment ends; after `restart` there is another. */
  get exited(): Promise<ServerExit> {
    return this.#process.exited;
  }

  /** Ends the broker, then frees the folder. Clients should be closed before. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Kills the broker outright if it still runs and starts it on the same port and store. */
  async restart(): Promise<void> {
    await this.#process.kill();
    this.#process = (await launch(this.#setting, this.port)).process;
  }

  async #stop(): Promise<void> {
    forgetServer(this.#setting.folder);
    await this.#process.stop();
    process.off("exit", this.#atExit);
    clearInterval(this.#pruning);
    this.#lock.release();
  }

  /** The engine exits without having stopped the broker: nothing can be awaited any more. */
  #leave(): void {
    forgetServer(this.#setting.folder);
    this.#process.signal("SIGTERM");
    this.#lock.release();
  }
}

/**
 * Looks for every broker on this folder, recorded or not. One that is as it should be is handed
 * back; any other is stopped, for two on one store would corrupt it without a word.
 */
async function adoptOrStop(
  setting: Setting,
  record: ServerRecord | undefined,
): Promise<Launched | undefined> {
  const { folder, binary, options } = setting;
  let adopted: Launched | undefined;
  for (const { pid, program } of programsOnConfig(configPathOf(folder))) {
    const name = basename(program);
    if (!name.startsWith("nats-server") && !program.startsWith(binary.path)) continue;
    const orphan = ServerProcess.of(pid);
    if (orphan === undefined) continue;
    if (adopted === undefined && record !== undefined && (await isFit(setting, record, orphan))) {
      adopted = { process: orphan, port: record.port };
      continue;
    }
    options.log.warn({ pid }, "stopping a broker that a former engine left on this store");
    await orphan.stop();
  }
  return adopted;
}

async function isFit(
  setting: Setting,
  record: ServerRecord,
  orphan: ServerProcess,
): Promise<boolean> {
  const { port, serverName } = record;
  if (record.pid !== orphan.pid || record.started !== orphan.mark.started) return false;
  if (setting.options.port !== undefined && setting.options.port !== port) return false;
  if (record.digest !== digestOf(configText(setting, port, serverName), setting)) return false;
  const greeting = await greetingOf(port);
  return greeting?.serverName === serverName && greeting.jetstream;
}

async function launchOnFreePort(
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

async function launch(setting: Setting, port: number): Promise<Launched> {
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
function configText(setting: Setting, port: number, serverName: string): string {
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

function digestOf(text: string, { options, binary }: Setting): string {
  const parts = [text, options.token ?? "", binary.path, binary.version];
  return createHash("sha256").update(parts.join("\0")).digest("hex");
}
