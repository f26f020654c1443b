import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Fault } from "../faults.ts";

/** The broker of the last run, as its folder remembers it. */
export interface ServerRecord {
  /** 0 when it was told to end: such a broker is never adopted. */
  readonly pid: number;
  readonly started: string;
  readonly port: number;
  /** Random, in the broker's greeting: who answers with it on `port` is that broker. */
  readonly serverName: string;
  /** Of the configuration and the token it was started with. */
  readonly digest: string;
}

const LOG = "nats-server.log";
/** The log in use, the one of the last start, and this many that the broker has turned over. */
const OLD_LOGS_KEPT = 2;

export function openFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return realpathSync(path);
  } catch (cause) {
    throw new Fault("FILE_UNWRITABLE", `cannot make the data folder ${path}`, { path }, cause);
  }
}

export const configPathOf = (folder: string): string => join(folder, "nats-server.conf");
const recordPathOf = (folder: string): string => join(folder, "nats-server.json");

/** Whole or not at all, and for nobody else to read. */
export function replaceFile(path: string, text: string): void {
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text, { mode: 0o600, flag: "wx" });
  renameSync(fresh, path);
}

export function readRecord(folder: string): ServerRecord | undefined {
  try {
    const told = JSON.parse(readFileSync(recordPathOf(folder), "utf8")) as ServerRecord;
    return typeof told?.port === "number" ? told : undefined;
  } catch {
    return undefined;
  }
}

export function keepRecord(folder: string, record: ServerRecord): void {
  replaceFile(recordPathOf(folder), JSON.stringify(record));
}

/** The broker is told to end: nobody shall adopt it. Its port is remembered. */
export function forgetServer(folder: string): void {
  const record = readRecord(folder);
  if (record !== undefined && existsSync(folder)) keepRecord(folder, { ...record, pid: 0 });
}

/** Sets the log of the last start aside, so that what is read from it now is of this one. */
export function startLog(folder: string): void {
  if (existsSync(join(folder, LOG))) {
    renameSync(join(folder, LOG), join(folder, "nats-server.before.log"));
  }
  pruneLogs(folder);
}

/** Removes what the broker has turned over but the newest. */
export function pruneLogs(folder: string): void {
  const old = readdirSync(folder).filter((name) => name.startsWith(`${LOG}.`));
  for (const name of old.sort().slice(0, -OLD_LOGS_KEPT)) {
    rmSync(join(folder, name), { force: true });
  }
}

/** The end of what the broker wrote since its start, on one line. */
export function lastWords(folder: string): string {
  const said = ["nats-server.out", LOG].flatMap((name) => {
    try {
      return readFileSync(join(folder, name), "utf8").trim().split("\n").slice(-2);
    } catch {
      return [];
    }
  });
  return said.join(" / ").slice(0, 1_000);
}

/** The port of the broker that runs on a folder, as far as its engine told; for programs beside it. */
export function portInUse(folder: string): number | undefined {
  const record = readRecord(folder);
  return record === undefined || record.pid === 0 ? undefined : record.port;
}
