import { Worker } from "node:worker_threads";
import type { SeedResult } from "./seed-run.ts";

/** A young generation that a whole run fits into: half the collector's work is saved. */
const YOUNG_MB = 96;

/** Runs seeds on worker threads; a result is told as it comes, in no particular order. */
export async function runSeeds(
  seeds: Iterator<number>,
  workers: number,
  tell: (result: SeedResult) => void,
): Promise<void> {
  const entry = new URL("./seed-worker.js", import.meta.url);
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(entry, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
      const next = () => {
        const { value, done } = seeds.next();
        worker.postMessage(done === true ? undefined : value);
      };
      worker.on("message", (result: SeedResult) => {
        tell(result);
        next();
      });
      worker.once("error", reject);
      worker.once("exit", () => resolve());
      next();
    });
  await Promise.all(Array.from({ length: workers }, one));
}
