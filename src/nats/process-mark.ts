import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * One process, told apart from a later one that was given the same number: `started` is its start
 * time as the system writes it, together with the boot it belongs to. `realm` names the machine and
 * the process-number space; numbers of another realm mean nothing here.
 */
export interface ProcessMark {
  readonly pid: number;
  readonly started: string;
  readonly realm: string;
}

const hasProc = process.platform === "linux";

/** The mark of a running process; undefined when there is none, or only its corpse. */
export function markOf(pid: number): ProcessMark | undefined {
  const started = hasProc ? startFromProc(pid) : startFromPs(pid);
  return started === undefined ? undefined : { pid, started, realm: realm() };
}

/** The mark of this very process. */
export function ownMark(): ProcessMark {
  return markOf(process.pid) ?? { pid: process.pid, started: "unknown", realm: realm() };
}

/** Whether the marked process still runs. Only to be asked of a mark of this realm. */
export function isRunning(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.started === mark.started;
}

export function isOfThisRealm(mark: ProcessMark): boolean {
  return mark.realm === realm();
}

/** A running process and the words it was started with. */
export interface RunningProgram {
  readonly pid: number;
  /** Path of the program itself, where the system tells. */
  readonly program: string;
}

/** Every process started as `<program> -c <configPath>`, exactly so. */
export function programsOnConfig(configPath: string): RunningProgram[] {
  return hasProc ? fromProc(configPath) : fromPs(configPath);
}

function fromProc(configPath: string): RunningProgram[] {
  const found: RunningProgram[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const words = attempt(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"));
    if (words === undefined || words[1] !== "-c" || words[2] !== configPath) continue;
    const program = attempt(() => readlinkSync(`/proc/${pid}/exe`)) ?? words[0] ?? "";
    if (markOf(pid) !== undefined) found.push({ pid, program });
  }
  return found;
}

function fromPs(configPath: string): RunningProgram[] {
  const listing = spawnSync("ps", ["-axww", "-o", "pid=,command="], { encoding: "utf8" }).stdout;
  const tail = ` -c ${configPath}`;
  return (listing ?? "").split("\n").flatMap((line) => {
    const [, pid, program] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || program === undefined || !program.endsWith(tail)) return [];
    return [{ pid: Number(pid), program: program.slice(0, -tail.length) }];
  });
}

/** Field 22 of /proc/<pid>/stat: ticks since boot. The name in field 2 may hold anything. */
function startFromProc(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  if (stat === undefined) return undefined;
  const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : rest[18];
}

function startFromPs(pid: number): string | undefined {
  const line = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" });
  const told = (line.stdout ?? "").trim();
  return told === "" || told.startsWith("Z") ? undefined : told.replace(/^\S+\s+/, "");
}

let knownRealm: string | undefined;

function realm(): string {
  knownRealm ??= [
    hostname(),
    attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()) ?? "",
    attempt(() => readlinkSync("/proc/self/ns/pid")) ?? "",
  ].join("|");
  return knownRealm;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
