import { parentPort } from "node:worker_threads";
import { runSeed } from "./seed-run.ts";

parentPort?.on("message", (seed: number | undefined) => {
  if (seed === undefined) parentPort?.close();
  else void runSeed(seed).then((result) => parentPort?.postMessage(result));
});
