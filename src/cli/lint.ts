import { Command } from "commander";
import { lint } from "../config/lint.ts";
import { formatProblem, isError } from "../config/problem.ts";
import type { Environment } from "./environment.ts";
import { configFolder } from "./open-job.ts";
import { operatorModules } from "./operator-modules.ts";

/** `freshet lint [DIR]` */
export function lintCommand(_env: Environment): Command {
  return new Command("lint")
    .description("Check a configuration folder; every mistake with line, column and remedy.")
    .argument("[dir]", "configuration folder (default: ./config, else the shipped one)")
    .option("--json", "print the problems as one JSON array")
    .addHelpText(
      "after",
      "\nExamples:\n  freshet lint\n  freshet lint my-config --json\n\nExit code 1 when there is an error; warnings alone give 0.",
    )
    .action(async (dir: string | undefined, options: { json?: boolean }) => {
      const folder = configFolder(dir);
      const own = await operatorModules(folder);
      // Without its own operators little can be said of the rest.
      const problems = own.problems.length > 0 ? own.problems : await lint(folder, own.specs);
      if (options.json === true) process.stdout.write(`${JSON.stringify(problems, null, 2)}\n`);
      else for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`);
      const errors = problems.filter(isError).length;
      if (options.json !== true) {
        process.stdout.write(
          errors === 0 ? `no errors, ${problems.length} warnings\n` : `${errors} errors\n`,
        );
      }
      process.exitCode = errors === 0 ? 0 : 1;
    });
}
