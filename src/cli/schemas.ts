import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { specs } from "../../operators/all.ts";
import { schemaFiles } from "../config/schema-files.ts";
import type { Environment } from "./environment.ts";
import { configFolder } from "./open-job.ts";

/** `freshet schemas` */
export function schemasCommand(_env: Environment): Command {
  return new Command("schemas")
    .description("Write the JSON Schemas of the configuration files into <config>/schemas.")
    .option("--config <dir>", "configuration folder")
    .addHelpText("after", "\nExample:\n  freshet schemas")
    .action(async (options: { config?: string }) => {
      const folder = join(configFolder(options.config), "schemas");
      for (const [name, text] of Object.entries(schemaFiles(specs))) {
        await writeFile(join(folder, name), text);
        process.stdout.write(`${join(folder, name)}\n`);
      }
    });
}
