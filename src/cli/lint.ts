import { Command, Option } from "commander";
import { calendarWarnings, lint } from "../config/lint.ts";
import { formatProblem, isError, orderProblems, type Problem } from "../config/problem.ts";
import type { Environment } from "./environment.ts";
import { configFolder } from "./open-job.ts";
import { operatorModules } from "./operator-modules.ts";
import { packOption } from "./option-values.ts";
import { sarifOf } from "./sarif.ts";
import { packageVersion } from "./version.ts";

/** `freshet lint [DIR]` */
export function lintCommand(_env: Environment): Command {
  return new Command("lint")
    .description(
      "Check a configuration folder and its packs; every mistake with line, column and remedy.",
    )
    .argument("[dir]", "configuration folder (default: ./config, else the shipped one)")
    .addOption(new Option("--json", "print the problems as one JSON array").conflicts("sarif"))
    .option(
      "--against <plan>",
      "an earlier tracking plan, or its folder: what breaks with it is refused",
    )
    .addOption(packOption())
    .option("--sarif", "print a SARIF 2.1.0 log, for editors and CI")
    .option("--strict", "warnings fail, too")
    .addHelpText(
      "after",
      "\nExamples:\n  freshet lint\n  freshet lint my-config --sarif > lint.sarif\n  freshet lint --against live-config\n\nExit code 1 when there is an error; warnings alone give 0 without --strict.",
    )
    .action(async (dir: string | undefined, options: Options) => {
      const folder = configFolder(dir);
      const own = await operatorModules(folder);
      // Without its own operators little can be said of the rest.
      const problems =
        own.problems.length > 0
          ? own.problems
          : orderProblems([
              ...(await lint(folder, own.specs, options.against, options.pack)),
              ...(await calendarWarnings(folder, Date.now())),
            ]);
      process.stdout.write(told(problems, options));
      const failing = options.strict === true ? problems : problems.filter(isError);
      process.exitCode = failing.length === 0 ? 0 : 1;
    });
}

interface Options {
  readonly against?: string;
  readonly pack?: string;
  readonly json?: boolean;
  readonly sarif?: boolean;
  readonly strict?: boolean;
}

function told(problems: readonly Problem[], { json, sarif }: Options): string {
  if (json === true) return `${JSON.stringify(problems, null, 2)}\n`;
  if (sarif === true) return `${JSON.stringify(sarifOf(problems, packageVersion()), null, 2)}\n`;
  const errors = problems.filter(isError).length;
  const warnings = counted(problems.length - errors, "warning");
  const sum = errors === 0 ? `no errors, ${warnings}` : `${counted(errors, "error")}, ${warnings}`;
  return [...problems.map(formatProblem), sum].map((line) => `${line}\n`).join("");
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
