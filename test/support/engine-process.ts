import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { BUILT_MAIN, ROOT } from "./job.ts";

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** The built command line as a process of its own. It ends with the test that started it. */
export class Cli {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  /** Settles when the process has ended and all it said was read. */
  readonly finished: Promise<Finished>;
  readonly #atExit = (): void => {
    this.child.kill("SIGKILL");
  };

  constructor(args: readonly string[], options: CliOptions = {}) {
    const { NATS_URL: _url, ...inherited } = process.env;
    this.child = spawn(process.execPath, [BUILT_MAIN, ...args], {
      cwd: options.cwd ?? ROOT,
      env: { ...inherited, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    process.on("exit", this.#atExit);
    this.finished = once(this.child, "close").then(([code, signal]) => {
      process.off("exit", this.#atExit);
      return { code, signal, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** The first line of stderr that `wanted` matches; rejects when the process ends without it. */
  async said(wanted: RegExp): Promise<string> {
    for (;;) {
      const complete = this.stderr.split("\n").slice(0, -1);
      const said = complete.find((line) => wanted.test(line));
      if (said !== undefined) return said;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`the process ended without saying ${wanted}:\n${this.stderr}`);
      }
      await sleep(20);
    }
  }

  /** Once the engine that `start` began runs: the addresses of its broker and of its metrics. */
  async runs(): Promise<{ readonly broker: string; readonly metrics: string }> {
    return JSON.parse(await this.said(/"freshet runs"/));
  }

  /** Sends a signal, unless it has ended already, and waits for its end. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<Finished> {
    this.child.kill(signal);
    return this.finished;
  }
}

/** Runs a command to its end. */
export const runCli = (args: readonly string[], options: CliOptions = {}): Promise<Finished> =>
  new Cli(args, options).finished;
