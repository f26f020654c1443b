import { Piscina } from "piscina";
import { Fault } from "../faults.ts";
import type { ScoreAnswer, ScoreTask, Scoring } from "./seam.ts";

/** Below this a call to another thread costs more than it carries. */
const TASKS_A_CALL = 64;

/** Scores on worker threads. `worker` names a built `.js` file: Node 20 loads no `.ts` there. */
export class PooledScoring implements Scoring {
  readonly #pool: Piscina<readonly ScoreTask[], readonly ScoreAnswer[]>;
  readonly #threads: number;
  #crash: Error | undefined;

  constructor(worker: URL, threads: number) {
    this.#threads = threads;
    this.#pool = new Piscina({
      filename: worker.href,
      minThreads: threads,
      maxThreads: threads,
      // Each key group asks for one thing at a time: their number bounds the queue.
      maxQueue: Number.POSITIVE_INFINITY,
    });
    // Without a listener, one worker that fails to load ends the whole process.
    this.#pool.on("error", (error) => {
      this.#crash = error instanceof Error ? error : new Error(String(error));
    });
  }

  async score(tasks: readonly ScoreTask[]): Promise<readonly ScoreAnswer[]> {
    if (this.#crash !== undefined) {
      throw new Fault("SCORER_FAILED", `a scoring worker failed: ${this.#crash.message}`);
    }
    const share = Math.max(TASKS_A_CALL, Math.ceil(tasks.length / this.#threads));
    const calls: Promise<readonly ScoreAnswer[]>[] = [];
    for (let i = 0; i < tasks.length; i += share)
      calls.push(this.#pool.run(tasks.slice(i, i + share)));
    return (await Promise.all(calls)).flat();
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
