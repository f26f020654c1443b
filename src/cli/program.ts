import { Command, CommanderError } from "commander";
import { isFault } from "../faults.ts";
import { backtestCommand } from "./backtest.ts";
import { configCommand } from "./config.ts";
import { deadletterCommand } from "./deadletter.ts";
import { demoCommand } from "./demo.ts";
import { dumpCommand } from "./dump.ts";
import type { Environment } from "./environment.ts";
import { explainCommand } from "./explain.ts";
import { graphCommand } from "./graph.ts";
import { lintCommand } from "./lint.ts";
import { profileCommand } from "./profile.ts";
import { recoverCommand } from "./recover.ts";
import { replayCommand } from "./replay.ts";
import { schemasCommand } from "./schemas.ts";
import { startCommand } from "./start.ts";
import { tapCommand } from "./tap.ts";
import { testRulesCommand } from "./test-rules.ts";
import { verifyCommand } from "./verify.ts";
import { packageVersion } from "./version.ts";

const OK = 0;
const FAILED = 1;
const USAGE = 2;

/** Runs one command; resolves to the exit code. A failure goes to stderr with its code and remedy. */
export async function run(args: readonly string[], env: Environment): Promise<number> {
  const program = new Command("freshet")
    .description("Shopper behaviour in; intent, segments, recommendations and supply signals out.")
    .showHelpAfterError("(freshet --help shows the commands)")
    .helpCommand(false)
    .version(packageVersion())
    .exitOverride();
  for (const command of [
    startCommand(env),
    demoCommand(env),
    replayCommand(env),
    lintCommand(env),
    testRulesCommand(env),
    backtestCommand(env),
    graphCommand(env),
    configCommand(env),
    tapCommand(env),
    dumpCommand(env),
    verifyCommand(env),
    profileCommand(env),
    explainCommand(env),
    deadletterCommand(env),
    recoverCommand(env),
    schemasCommand(env),
  ]) {
    program.addCommand(command.exitOverride());
  }
  program.addHelpText(
    "after",
    "\nExit codes: 0 done, 1 failed (code, fact and remedy on stderr), 2 wrong usage.",
  );
  try {
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? OK);
  } catch (error) {
    return told(error);
  }
}

function told(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return OK;
    return USAGE;
  }
  if (isFault(error)) {
    process.stderr.write(`${error.code}: ${error.message}\n  ${error.remedy}\n`);
    return error.code === "USAGE" ? USAGE : FAILED;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(
    `INTERNAL: ${stack}\n  This is a mistake in freshet itself; please report it.\n`,
  );
  return FAILED;
}
