/** Whether FILE holds what `freshet demo --json` promises: one JSON object, with results in it. */
import { readFileSync } from "node:fs";

const COUNTS = [
  "events",
  "eventsPerSecond",
  "intents",
  "segmentChanges",
  "trends",
  "recommendations",
  "restocks",
  "deadLetters",
];
const AT_LEAST_ONE = ["events", "eventsPerSecond", "intents", "recommendations"];

const text = readFileSync(process.argv[2], "utf8");
const told = JSON.parse(text);
const problems = [
  ...COUNTS.filter((name) => !Number.isFinite(told[name])).map((name) => `${name} is no number`),
  ...AT_LEAST_ONE.filter((name) => !(told[name] > 0)).map((name) => `${name} is not above 0`),
  ...["p50", "p99"].flatMap((name) =>
    Number.isFinite(told.latencyMs?.[name]) ? [] : [`latencyMs.${name} is no number`],
  ),
];
process.stderr.write(`${text.trim()}\n`);
for (const problem of problems) process.stderr.write(`demo: ${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
