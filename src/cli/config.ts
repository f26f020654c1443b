import { Command } from "commander";
import { applyCommand } from "./config/apply.ts";
import { diffCommand } from "./config/diff.ts";
import { historyCommand } from "./config/history.ts";
import { rollbackCommand } from "./config/rollback.ts";
import type { Environment } from "./environment.ts";

/** `freshet config apply|history|diff|rollback` */
export function configCommand(env: Environment): Command {
  const command = new Command("config").description(
    "Change segments, rules and tags of a running engine; see who changed what; take it back.",
  );
  for (const part of [
    applyCommand(env),
    historyCommand(env),
    diffCommand(env),
    rollbackCommand(env),
  ])
    command.addCommand(part.exitOverride());
  return command.addHelpText(
    "after",
    `
Examples:
  freshet config apply draft --by lin --note "two looks are enough"
  freshet config history
  freshet config diff 3 draft
  freshet config rollback`,
  );
}
