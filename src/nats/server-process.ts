import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, markOf, ownMark, type ProcessMark } from "./process-mark.ts";

/** How a broker ended. `asked` is false when nobody here told it to. */
export interface ServerExit {
  readonly asked: boolean;
  /** Null where it is not known: an adopted broker is no child of this process. */
  readonly code: number | null;
  readonly signal: string | null;
}

/** How long a broker may take to end by itself before it is killed. */
const GRACE_MS = 5_000;
const POLL_MS = 50;

/** One running nats-server, started here or by an engine that is gone. */
export class ServerProcess {
  readonly mark: ProcessMark;
  readonly exited: Promise<ServerExit>;
  #asked = false;

  private constructor(mark: ProcessMark, ended: Promise<Omit<ServerExit, "asked">>) {
    this.mark = mark;
    this.exited = ended.then((how) => ({ ...how, asked: this.#asked }));
  }

  get pid(): number {
    return this.mark.pid;
  }

  /**
   * Starts it in a process group of its own, so that a terminal's Ctrl-C reaches the engine alone
   * and the broker is there until the engine has finished. Nothing here keeps the engine alive.
   */
  static async launch(
    program: string,
    configPath: string,
    environment: Readonly<Record<string, string>>,
    outputPath: string,
  ): Promise<ServerProcess> {
    const output = openSync(outputPath, "w", 0o600);
    let child: ChildProcess;
    try {
      child = spawn(program, ["-c", configPath], {
        detached: true,
        stdio: ["ignore", output, output],
        env: { ...process.env, ...environment },
        cwd: "/",
      });
    } finally {
      closeSync(output);
    }
    const ended = new Promise<Omit<ServerExit, "asked">>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", () => resolve({ code: null, signal: null }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.unref();
    const pid = child.pid ?? 0;
    return new ServerProcess(markOf(pid) ?? { ...ownMark(), pid, started: "gone" }, ended);
  }

  /** Takes over one that already runs; undefined when it has just ended. */
  static of(pid: number): ServerProcess | undefined {
    const mark = markOf(pid);
    return mark === undefined ? undefined : new ServerProcess(mark, endOf(mark));
  }

  isRunning(): boolean {
    return isRunning(this.mark);
  }

  /** SIGTERM, and SIGKILL for one that has not ended after `graceMs`. */
  async stop(graceMs = GRACE_MS): Promise<void> {
    this.signal("SIGTERM");
    const deadline = Date.now() + graceMs;
    while (this.isRunning() && Date.now() < deadline) await sleep(POLL_MS);
    await this.kill();
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#gone();
  }

  /** Sends the signal if the process still is the one it was. Usable while this process exits. */
  signal(signal: "SIGTERM" | "SIGKILL"): void {
    this.#asked = true;
    if (!this.isRunning()) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It ended between the look and the signal.
    }
  }

  /** Waits with timers of its own: the child itself keeps no event loop alive. */
  async #gone(): Promise<void> {
    while (this.isRunning()) await sleep(POLL_MS);
  }
}

async function endOf(mark: ProcessMark): Promise<Omit<ServerExit, "asked">> {
  while (isRunning(mark)) await sleep(POLL_MS * 4, undefined, { ref: false });
  return { code: null, signal: null };
}
