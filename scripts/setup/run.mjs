import { spawn, spawnSync } from "node:child_process";

/** What a person can mend, with the ways to do it. */
export class Problem extends Error {
  constructor(message, ways = []) {
    super(message);
    this.ways = ways;
  }
}

export function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

const children = new Set();
const undoing = new Set();
const watching = new Set();
const NUMBER = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
/** npm takes its time to end, and works on the same files until it has. */
const PATIENCE_MS = 15_000;
let leaving = false;

/** What must be undone however this process ends; the returned function forgets it again. */
export function onLeave(undo) {
  undoing.add(undo);
  return () => undoing.delete(undo);
}

/** Told the process number of every program that is run; the returned function forgets it. */
export function onRun(watch) {
  watching.add(watch);
  return () => watching.delete(watch);
}

/** A signal to the set-up reaches what it runs; that over, it ends as that signal ends a process. */
export function passSignals() {
  for (const [signal, number] of Object.entries(NUMBER)) {
    process.on(signal, () => void leave(signal, 128 + number));
  }
}

async function leave(signal, code) {
  leaving = true;
  const ends = [...children].map((child) => new Promise((done) => child.once("exit", done)));
  for (const child of children) child.kill(signal);
  setTimeout(() => {
    for (const child of children) child.kill("SIGKILL");
  }, PATIENCE_MS);
  await Promise.all(ends);
  for (const undo of undoing) undo();
  process.exit(code);
}

/**
 * Runs a program with all it says on stderr, or nowhere when `silent`; resolves to its exit code,
 * 127 when it cannot be started, 124 after `timeoutMs`.
 */
export function run(program, words, { cwd, env = {}, silent = false, timeoutMs = 600_000 } = {}) {
  return new Promise((resolve) => {
    const output = silent ? "ignore" : 2;
    const child = spawn(program, words, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", output, output],
    });
    children.add(child);
    if (child.pid !== undefined) for (const watch of watching) watch(child.pid);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGTERM");
    }, timeoutMs);
    const settle = (code) => {
      clearTimeout(timer);
      children.delete(child);
      // On a signal nothing further is begun.
      if (!leaving) resolve(late ? 124 : code);
    };
    child.once("error", () => settle(127));
    child.once("exit", (code, signal) => settle(code ?? 128 + (NUMBER[signal] ?? 9)));
  });
}

/** What a short program prints; undefined when it fails. */
export function told(program, words) {
  const { status, stdout } = spawnSync(program, words, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 20_000,
  });
  return status === 0 ? stdout : undefined;
}
