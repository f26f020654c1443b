import { parseArgs } from "node:util";
import { isClean, type Outcome, runChaos } from "./run.ts";

const USAGE = `npm run -s chaos -- [--seed N] [--for 60s]

Engines, broker and load as real processes; engines and broker are killed, put to sleep, cut off and
filled up in the order the seed gives. Ends with one line of JSON; exit code 0 when nothing was lost,
nothing doubled and nothing wrong.`;

const report = ({ complaints: _complaints, examples: _examples, ...columns }: Outcome): string =>
  JSON.stringify(columns);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
      for: { type: "string", default: "60s" },
    },
  });
  const seed = Number(values.seed);
  const lasts = /^(\d+)s$/.exec(values.for);
  if (!Number.isSafeInteger(seed) || lasts === null) throw new TypeError(USAGE);
  const began = performance.now();
  const say = (what: string): void => {
    const at = ((performance.now() - began) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${at} s  ${what}\n`);
  };
  say(`seed ${seed}: npm run -s chaos -- --seed ${seed} --for ${values.for}`);
  const outcome = await runChaos({ seed, forMs: Number(lasts[1]) * 1000, say });
  for (const line of [...outcome.examples, ...outcome.complaints])
    process.stderr.write(`${line}\n`);
  process.stdout.write(`${report(outcome)}\n`);
  return isClean(outcome) ? 0 : 1;
}

// So that what runs when a process exits, and ends those it started, runs.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof TypeError ? error.message : (error as Error).stack}\n`);
  return 2;
});
