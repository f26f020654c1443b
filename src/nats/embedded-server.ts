import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../faults.ts";
import { programsOnConfig } from "./process-mark.ts";
import { findServerBinary } from "./server-binary.ts";
import {
  configPathOf,
  forgetServer,
  openFolder,
  pruneLogs,
  readRecord,
  type ServerRecord,
} from "./server-folder.ts";
import { greetingOf } from "./server-greeting.ts";
import {
  configText,
  digestOf,
  type EmbeddedServerOptions,
  type Launched,
  launch,
  launchOnFreePort,
  type Setting,
} from "./server-launch.ts";
import { type ServerExit, ServerProcess } from "./server-process.ts";
import { storeKeyFor } from "./store-key.ts";
import { StoreLock } from "./store-lock.ts";

const PRUNE_LOGS_MS = 600_000;
/** A broker that ends unasked this often within the time is not started again. */
const CRASHES = { most: 5, withinMs: 60_000 };

/**
 * Starts a nats-server on the folder, or adopts the one that an engine killed there has left.
 * Throws STORE_LOCKED when another engine owns the folder, BROKER_MISSING and BROKER_UNFIT for the
 * program, BROKER_UNREACHABLE when it does not come up, FILE_UNWRITABLE for a folder that takes no files.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  try {
    return await startOn(openFolder(options.dataDir), options);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!UNWRITABLE.has(code)) throw error;
    const { dataDir } = options;
    const fact = `cannot write in the data folder ${dataDir}: ${(error as Error).message}`;
    throw new Fault("FILE_UNWRITABLE", fact, { dataDir }, error);
  }
}

/** A disk that takes nothing (more), or nothing from this user. */
const UNWRITABLE: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT"]);

async function startOn(folder: string, options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const lock = await StoreLock.acquire(join(folder, "engine.lock"));
  try {
    const key = storeKeyFor(folder, join(folder, "store"), options.storeKey);
    const binary = await findServerBinary(options.binary);
    const setting = { folder, options, binary, key };
    const record = readRecord(folder);
    const orphan = await adoptOrStop(setting, record);
    if (orphan !== undefined) return new EmbeddedServer(setting, lock, orphan, true);
    const former = record?.port ?? options.firstPort;
    const launched = await launchOnFreePort(setting, options.port, former);
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
  #restarting: Promise<void> | undefined;

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
    const { pid: brokerPid, port } = this;
    const { version } = setting.binary;
    setting.options.log.info({ brokerPid, port, version, adopted }, "embedded broker is up");
    if (setting.options.respawn !== false) void this.#guard();
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
  restart(): Promise<void> {
    this.#restarting ??= this.#restart().finally(() => {
      this.#restarting = undefined;
    });
    return this.#restarting;
  }

  async #restart(): Promise<void> {
    await this.#process.kill();
    if (this.#stopping === undefined) {
      this.#process = (await launch(this.#setting, this.port)).process;
    }
  }

  async #stop(): Promise<void> {
    await this.#restarting?.catch(() => undefined);
    forgetServer(this.#setting.folder);
    await this.#process.stop();
    process.off("exit", this.#atExit);
    clearInterval(this.#pruning);
    this.#lock.release();
  }

  /** Starts a broker that ended unasked again; clients find it where it was. */
  async #guard(): Promise<void> {
    const { log } = this.#setting.options;
    const crashes: number[] = [];
    while (this.#stopping === undefined) {
      const watched = this.#process;
      const { asked, code, signal } = await watched.exited;
      if (this.#stopping !== undefined) return;
      if (watched !== this.#process) continue;
      if (!asked) {
        log.warn({ code, signal }, "the embedded broker has ended: starting it again");
        crashes.push(Date.now());
      }
      if (crashes.filter((at) => at > Date.now() - CRASHES.withinMs).length > CRASHES.most) break;
      await this.restart().catch((error: unknown) => {
        log.warn({ err: error }, "the embedded broker does not start");
        crashes.push(Date.now());
        return sleep(1_000, undefined, { ref: false });
      });
    }
    log.warn({}, "the embedded broker ends again and again: it stays down");
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
    options.log.warn(
      { brokerPid: pid },
      "stopping a broker that a former engine left on this store",
    );
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
