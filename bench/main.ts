import { parseArgs } from "node:util";
import { checkRatios, writeBaseline } from "./baseline.ts";
import { codec } from "./codec.ts";
import { asText, type BenchOptions, type Report } from "./harness.ts";
import { intent } from "./intent.ts";
import { job } from "./job.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { patterns } from "./patterns.ts";
import { recovery } from "./recovery.ts";
import { serveResident } from "./resident.ts";
import { rules } from "./rules.ts";
import { score } from "./score.ts";
import { state } from "./state.ts";
import { whole } from "./whole.ts";
import { serveLoad } from "./whole-load.ts";
import { windows } from "./windows.ts";

type Bench = (options: BenchOptions) => Promise<Report>;

const BENCHES: Readonly<Record<string, Bench>> = {
  whole,
  latency,
  windows,
  patterns,
  recovery,
  rules,
  score,
  codec,
  memory,
  job,
  intent,
  state,
};
const USAGE = `usage: bench [${Object.keys(BENCHES).join("|")}] [--short] [--json] [--check | --write-baseline]`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      short: { type: "boolean" },
      check: { type: "boolean" },
      "write-baseline": { type: "boolean" },
    },
  });
  const options: BenchOptions = { json: values.json ?? false, short: values.short ?? false };
  // Not for people: the process that publishes, and the one whose memory is measured.
  if (positionals[0] === "load") return serveLoad();
  if (positionals[0] === "resident") return serveResident();
  const chosen = positionals.length > 0 ? positionals : Object.keys(BENCHES);
  if (!chosen.every((name) => name in BENCHES)) {
    console.error(USAGE);
    return 2;
  }
  const reports: Record<string, Report> = {};
  const run = async (name: string): Promise<Report> => {
    const report = await (BENCHES[name] as Bench)(options);
    reports[name] = report;
    if (!options.json) console.log(asText(report));
    return report;
  };
  if (values.check === true) return checkRatios(chosen, run);
  if (values["write-baseline"] === true) return writeBaseline(chosen, run);
  for (const name of chosen) await run(name);
  if (options.json) console.log(JSON.stringify(reports, null, 2));
  return 0;
}

process.exitCode = await main();
