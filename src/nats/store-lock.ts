import { randomUUID } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../faults.ts";
import { isOfThisRealm, isRunning, ownMark, type ProcessMark } from "./process-mark.ts";

/** How often a holder touches its lock, for engines of another machine or container to see. */
const HEARTBEAT_MS = 2_000;
/** How long a lock of another realm must lie untouched before it counts as left behind. */
const PATIENCE_MS = 20_000;
/** Taken-over locks are kept this long: a slow rival must still find them in its way. */
const GRAVE_MS = 3_600_000;

interface Owner extends ProcessMark {
  /** Names this one holding, so that nobody ever buries another than the one it looked at. */
  readonly token: string;
}

/**
 * One engine per data folder. The lock is a folder with the owner's mark in it, made beside and
 * moved into place, which succeeds for exactly one. A lock whose owner is gone is moved to a grave
 * named by its token: a second burial of the same lock fails, so no rival can bury a new one.
 */
export class StoreLock {
  readonly #path: string;
  readonly #token: string;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(path: string, token: string) {
    this.#path = path;
    this.#token = token;
    this.#heartbeat = setInterval(() => this.#touch(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /** Throws STORE_LOCKED while another engine holds it. `patienceMs` is for tests. */
  static async acquire(path: string, patienceMs = PATIENCE_MS): Promise<StoreLock> {
    const owner: Owner = { ...ownMark(), token: randomUUID() };
    const prepared = `${path}.new-${owner.token}`;
    mkdirSync(prepared, { mode: 0o700 });
    writeFileSync(join(prepared, "owner.json"), JSON.stringify(owner), { mode: 0o600 });
    try {
      while (!moved(prepared, path, false)) {
        const holder = readOwner(path);
        if (holder === undefined) continue;
        if (await isHeld(path, holder, patienceMs)) throw lockedBy(holder, path);
        moved(path, gravePath(path, holder.token), true);
      }
    } finally {
      rmSync(prepared, { recursive: true, force: true });
    }
    clearGraves(path);
    return new StoreLock(path, owner.token);
  }

  release(): void {
    clearInterval(this.#heartbeat);
    if (readOwner(this.#path)?.token !== this.#token) return;
    const leaving = `${this.#path}.old-${this.#token}`;
    if (moved(this.#path, leaving, true)) rmSync(leaving, { recursive: true, force: true });
  }

  #touch(): void {
    const now = new Date();
    try {
      utimesSync(join(this.#path, "owner.json"), now, now);
    } catch {
      // A data folder that was taken away needs no heartbeat.
    }
  }
}

async function isHeld(path: string, holder: Owner, patienceMs: number): Promise<boolean> {
  if (holder.pid === 0) return false;
  if (isOfThisRealm(holder)) return isRunning(holder);
  const first = touchedAt(path);
  while (Date.now() - first < patienceMs) {
    await sleep(Math.min(500, patienceMs));
    const last = touchedAt(path);
    if (last !== first) return last !== 0;
  }
  return false;
}

/** Milliseconds since the epoch; 0 when the lock is gone. */
function touchedAt(path: string): number {
  return statSync(join(path, "owner.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Undefined when there is no lock. A lock that cannot be read has no living owner: pid 0. */
function readOwner(path: string): Owner | undefined {
  const folder = statSync(path, { throwIfNoEntry: false });
  if (folder === undefined) return undefined;
  try {
    const told: unknown = JSON.parse(readFileSync(join(path, "owner.json"), "utf8"));
    if (isOwner(told)) return told;
  } catch {
    if (statSync(path, { throwIfNoEntry: false })?.ino !== folder.ino) return undefined;
  }
  return { pid: 0, started: "", realm: "", token: `unreadable-${folder.ino}` };
}

function isOwner(told: unknown): told is Owner {
  if (typeof told !== "object" || told === null) return false;
  const { pid, started, realm, token } = told as Record<string, unknown>;
  return (
    typeof pid === "number" &&
    typeof started === "string" &&
    typeof realm === "string" &&
    typeof token === "string" &&
    /^[\w-]+$/.test(token)
  );
}

function lockedBy(holder: Owner, path: string): Fault {
  const where = isOfThisRealm(holder) ? "" : " on another machine or in another container";
  const folder = dirname(path);
  return new Fault("STORE_LOCKED", `process ${holder.pid}${where} runs an engine on ${folder}`, {
    pid: holder.pid,
    folder,
  });
}

function gravePath(path: string, token: string): string {
  return `${path}.left-${token}`;
}

/** Rename; false when the target stands in the way or the source, where it may, is gone. */
function moved(from: string, to: string, mayBeGone: boolean): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    if (code === "ENOENT" && mayBeGone) return false;
    throw new Fault("FILE_UNWRITABLE", `cannot lock the data folder at ${to}`, { to }, error);
  }
}

function clearGraves(path: string): void {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix)) continue;
    const grave = join(folder, name);
    const changed = statSync(grave, { throwIfNoEntry: false })?.ctimeMs ?? Date.now();
    if (Date.now() - changed > GRAVE_MS) rmSync(grave, { recursive: true, force: true });
  }
}
