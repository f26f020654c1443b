import { Command } from "commander";
import { makeLog } from "../watch/log.ts";
import { askedOf, requestOf } from "./asking.ts";
import type { Environment } from "./environment.ts";
import { openBroker } from "./open-broker.ts";
import { openJob } from "./open-job.ts";

interface Options {
  readonly json?: boolean;
  readonly config?: string;
  readonly data?: string;
}

/** `freshet profile PERSON` */
export function profileCommand(env: Environment): Command {
  return new Command("profile")
    .description("Show all that a running engine knows of a person.")
    .argument("<person>", "a pseudonym (p_…), or an identifier as kind=value")
    .option("--json", "print the document as it is answered")
    .option("--config <dir>", "configuration folder: that of the engine")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addHelpText(
      "after",
      "\nExamples:\n  freshet profile p_6f1d0c9a54e27b38\n  freshet profile unionid=o6_bmjrPTlm6_2sgVt7hMZOPfL2M --json",
    )
    .action((person: string, options: Options) => run(person, options, env));
}

async function run(person: string, options: Options, env: Environment): Promise<void> {
  const { config } = await openJob(options.config, env, { quiet: true });
  const log = makeLog("warn");
  const broker = await openBroker({ config, env, dataDir: options.data, log }, "freshet profile");
  try {
    const subject = `${config.job.prefix}.ask.profile`;
    const document = await askedOf(broker.nc, subject, requestOf(person));
    const text = options.json === true ? JSON.stringify(document) : told(document).join("\n");
    process.stdout.write(`${text}\n`);
    if (document["person"] === null) process.exitCode = 1;
  } finally {
    await broker.close();
  }
}

/** A section a block: lists one entry a line, fields side by side. */
function told({
  person,
  at,
  group,
  seq,
  watermark,
  ...sections
}: Record<string, unknown>): string[] {
  if (person === null) return ["nobody is known by that"];
  const lines = [`${person}  as of ${at}  (${group} at ${seq}, watermark ${watermark})`];
  for (const [name, section] of Object.entries(sections)) {
    const entries = entriesOf(section);
    if (entries.length === 0) lines.push(`${name}  –`);
    else if (entries.length === 1 && !isObject(section)) lines.push(`${name}  ${entries[0]}`);
    else lines.push(name, ...entries.map((entry) => `  ${entry}`));
  }
  return lines;
}

const isObject = (value: unknown): value is Record<string, unknown> | readonly unknown[] =>
  typeof value === "object" && value !== null;

function entriesOf(section: unknown): string[] {
  if (Array.isArray(section)) return section.map(inline);
  if (!isObject(section)) return section === null ? [] : [inline(section)];
  return Object.entries(section).map(([name, value]) => `${name}  ${inline(value)}`);
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "–" : value.map(inline).join(", ");
  if (!isObject(value)) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${isObject(inner) ? `(${inline(inner)})` : inline(inner)}`)
    .join(" · ");
}
