import { Command } from "commander";
import type { DefinitionTest } from "../config/definition-test.ts";
import { Fault } from "../faults.ts";
import { runDefinitionTest, type TestResult } from "../replay/definition-test.ts";
import type { Environment } from "./environment.ts";
import { openJob, openScoring } from "./open-job.ts";
import { packOption } from "./option-values.ts";

/** Key groups of a test's job: a handful of people needs no more. */
const GROUPS = { shopper: 1, demand: 1 };

interface Options {
  readonly only?: string;
  readonly json?: boolean;
  readonly pack?: string;
}

/** `freshet test-rules [DIR]` */
export function testRulesCommand(env: Environment): Command {
  return new Command("test-rules")
    .description(
      "Run the tests that stand beside segments and rules: what must come out, and when.",
    )
    .argument("[dir]", "configuration folder (default: ./config, else the shipped one)")
    .option("--only <id>", "the tests of this segment or rule")
    .option("--json", "print one JSON object a test")
    .addOption(packOption())
    .addHelpText(
      "after",
      "\nExamples:\n  freshet test-rules\n  freshet test-rules my-config --only cart_24h_coupon\n\nExit code 1 when a test fails. A test runs through the whole configuration in virtual time; config/README.md says how to write one.",
    )
    .action((dir: string | undefined, options: Options) => testRules(dir, options, env));
}

async function testRules(
  dir: string | undefined,
  options: Options,
  env: Environment,
): Promise<void> {
  const { pack } = options;
  const open = () => openJob(dir, env, { trustRecv: true, groups: GROUPS, quiet: true, pack });
  const { config } = await open();
  const tests = chosen(config.tests, options.only);
  const scoring = openScoring(0);
  let failed = 0;
  for (const test of tests) {
    // A job has state: one for each test.
    const result = await runDefinitionTest(test, (await open()).job, scoring);
    if (!passed(result)) failed += 1;
    process.stdout.write(options.json === true ? jsonLine(result) : textOf(result));
  }
  await scoring.close();
  const untested = [...config.segments.segments, ...config.rules.rules]
    .map(({ id }) => id)
    .filter((id) => !config.tests.some((test) => test.id === id));
  if (options.json !== true) {
    if (options.only === undefined && untested.length > 0) {
      process.stdout.write(`without a test: ${untested.join(", ")}\n`);
    }
    process.stdout.write(`${tests.length - failed} passed, ${failed} failed\n`);
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

function chosen(tests: readonly DefinitionTest[], only: string | undefined) {
  const found = only === undefined ? tests : tests.filter(({ id }) => id === only);
  if (found.length === 0) {
    throw new Fault(
      "USAGE",
      only === undefined
        ? "no segment and no rule has a test"
        : `no segment or rule called ${only} has a test`,
    );
  }
  return found;
}

const passed = ({ missing, unexpected }: TestResult): boolean =>
  missing.length === 0 && unexpected.length === 0;

function textOf(result: TestResult): string {
  const { test, missing, unexpected } = result;
  const head = `${passed(result) ? "ok    " : "FAILED"} ${test.id}: ${test.name}\n`;
  if (passed(result)) return head;
  return [
    head,
    `       ${test.file}:${test.line}\n`,
    ...missing.map((text) => `       missing     ${text}\n`),
    ...unexpected.map((text) => `       unexpected  ${text}\n`),
  ].join("");
}

function jsonLine(result: TestResult): string {
  const { test, missing, unexpected } = result;
  const { of, id, name, file, line } = test;
  return `${JSON.stringify({ [of]: id, name, passed: passed(result), file, line, missing, unexpected })}\n`;
}
