import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Fault } from "../faults.ts";

export interface ServerBinary {
  /** The file itself, links followed. */
  readonly path: string;
  /** As in `2.9.10`. */
  readonly version: string;
}

/** The oldest broker that was measured to keep what the engine relies on. */
const OLDEST = [2, 9, 10] as const;

/** Where a package manager puts it though an ordinary user's PATH may leave the folder out. */
const USUAL_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/**
 * The nats-server to start: the one named, else the first on PATH, in the usual folders, or where
 * the set-up put one. Throws BROKER_MISSING, or BROKER_UNFIT when it is too old.
 */
export async function findServerBinary(named?: string): Promise<ServerBinary> {
  const path = named === undefined ? search() : executable(named);
  if (path === undefined) {
    throw named === undefined
      ? new Fault("BROKER_MISSING", "no nats-server was found")
      : new Fault("BROKER_MISSING", `${named} is not a program that may be run`, { named });
  }
  const version = await versionOf(path);
  if (isOlder(version)) {
    throw new Fault(
      "BROKER_UNFIT",
      `${path} is version ${version}; at least ${OLDEST.join(".")} is needed`,
      { path, version },
    );
  }
  return { path, version };
}

function search(): string | undefined {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of [...onPath, ...USUAL_FOLDERS, fetchedFolder()]) {
    const found = executable(join(folder, "nats-server"));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where the set-up step unpacks a broker that it may not install. */
function fetchedFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && folder !== dirname(folder)) {
    folder = dirname(folder);
  }
  return join(folder, "node_modules", ".freshet", "bin");
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? realpathSync(path) : undefined;
  } catch {
    return undefined;
  }
}

async function versionOf(path: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 10_000 });
    const [, version] = /\bv?(\d+\.\d+\.\d+)/.exec(stdout) ?? [];
    if (version !== undefined) return version;
  } catch (cause) {
    throw new Fault("BROKER_MISSING", `${path} --version failed`, { path }, cause);
  }
  throw new Fault("BROKER_MISSING", `${path} does not tell a version: no nats-server?`, { path });
}

function isOlder(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [place, least] of OLDEST.entries()) {
    const part = parts[place] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}
