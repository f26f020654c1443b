import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Acknowledged, readLedger } from "./ledger.ts";

/** The process that publishes, and writes down what was acknowledged to it. */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #ledger: string;

  constructor(url: string, seed: number, folder: string) {
    this.#ledger = join(folder, "acknowledged.jsonl");
    writeFileSync(this.#ledger, "");
    const program = fileURLToPath(new URL("./load.js", import.meta.url));
    this.#child = spawn(process.execPath, [program, url, String(seed), this.#ledger], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    process.once("exit", () => this.#child.kill("SIGKILL"));
    this.#ended = once(this.#child, "exit");
  }

  /** It says no more, waits until all it has said is acknowledged, and ends; returns the ledger. */
  async stop(): Promise<Acknowledged[]> {
    this.#child.kill("SIGTERM");
    const [code] = (await this.#ended) as [number | null];
    if (code !== 0) throw new Error(`the load process ended with ${code}`);
    return readLedger(this.#ledger);
  }
}
