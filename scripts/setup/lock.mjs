import { randomUUID } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onLeave, onRun, Problem, say } from "./run.mjs";

const POLL_MS = 200;
const PATIENCE_MS = 900_000;
const GRAVE_MS = 3_600_000;

/**
 * Lets one set-up at a time work on this checkout; others wait. The lock is a folder with its
 * owner's mark in it, moved into place whole. One whose owner is gone is moved to a grave named by
 * its token, which succeeds once: a slow rival cannot bury the lock that came after.
 */
export async function withLock(path, work) {
  const token = randomUUID();
  const prepared = `${path}.new-${token}`;
  const forgetPrepared = onLeave(() => rmSync(prepared, { recursive: true, force: true }));
  mkdirSync(prepared, { recursive: true });
  const owner = { token, runs: [markOf(process.pid)] };
  writeFileSync(join(prepared, "owner.json"), JSON.stringify(owner));
  await acquire(path, prepared);
  forgetPrepared();
  const release = () => {
    const leaving = `${path}.old-${token}`;
    if (ownerOf(path)?.token === token && moved(path, leaving)) {
      rmSync(leaving, { recursive: true, force: true });
    }
  };
  const forgetRelease = onLeave(release);
  // Should this process be killed outright, what it runs still works on the checkout.
  const forgetRuns = onRun((pid) => {
    owner.runs = [...owner.runs.filter(isRunning), markOf(pid)];
    writeFileSync(join(path, "owner.new"), JSON.stringify(owner));
    renameSync(join(path, "owner.new"), join(path, "owner.json"));
  });
  clearGraves(path);
  try {
    return await work();
  } finally {
    forgetRuns();
    forgetRelease();
    release();
  }
}

async function acquire(path, prepared) {
  const deadline = Date.now() + PATIENCE_MS;
  let waiting = false;
  while (!moved(prepared, path)) {
    const owner = ownerOf(path);
    if (owner === undefined) continue;
    const holder = owner.runs.find(isRunning);
    if (holder === undefined) {
      moved(path, `${path}.left-${owner.token}`);
      continue;
    }
    if (Date.now() > deadline) {
      throw new Problem(`another set-up (process ${holder.pid}) does not finish.`, [
        `End it, or remove ${path} if it is none.`,
      ]);
    }
    if (!waiting) say(`waiting for another set-up of this checkout (process ${holder.pid})`);
    waiting = true;
    await sleep(POLL_MS);
  }
}

/** Undefined when there is no lock; one that cannot be read belongs to nobody alive. */
function ownerOf(path) {
  const folder = statSync(path, { throwIfNoEntry: false });
  if (folder === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(join(path, "owner.json"), "utf8"));
  } catch {
    const still = statSync(path, { throwIfNoEntry: false })?.ino === folder.ino;
    return still ? { runs: [], token: `unreadable-${folder.ino}` } : undefined;
  }
}

function isRunning({ pid, started }) {
  if (process.platform === "linux") return startOf(pid) === started && started !== undefined;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

const markOf = (pid) => ({ pid, started: startOf(pid) });

/** Start time of a process in ticks since boot, so that a number given again is not mistaken. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

function moved(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes(error.code)) return false;
    throw new Problem(`cannot write to ${dirname(to)}: ${error.message}`);
  }
}

function clearGraves(path) {
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`)) continue;
    const grave = join(dirname(path), name);
    const changed = statSync(grave, { throwIfNoEntry: false })?.ctimeMs ?? Date.now();
    if (Date.now() - changed > GRAVE_MS) rmSync(grave, { recursive: true, force: true });
  }
}
