import { runSeed } from "./seed-run.ts";

const from = Number(process.argv[2] ?? 1);
const to = Number(process.argv[3] ?? from);
for (let seed = from; seed <= to; seed += 1) {
  const began = performance.now();
  const trace =
    process.env["TRACE"] === undefined
      ? undefined
      : (line: string) => process.stdout.write(`${line}\n`);
  const result = await runSeed(seed, {}, trace);
  process.stdout.write(`${JSON.stringify(result)} ${Math.round(performance.now() - began)} ms\n`);
}
