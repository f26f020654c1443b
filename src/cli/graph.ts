import { Command } from "commander";
import { requireConfig } from "../config/lint.ts";
import type { OperatorConfig } from "../config/operator-blocks.ts";
import type { Environment } from "./environment.ts";
import { configFolder } from "./open-job.ts";
import { requireSpecs } from "./operator-modules.ts";
import { packOption } from "./option-values.ts";

/** `freshet graph` */
export function graphCommand(_env: Environment): Command {
  return new Command("graph")
    .description("Print the dataflow graph that the configuration makes.")
    .option("--config <dir>", "configuration folder")
    .addOption(packOption())
    .option("--mermaid", "as a Mermaid flowchart")
    .addHelpText("after", "\nExamples:\n  freshet graph\n  freshet graph --mermaid > graph.mmd")
    .action(async (options: { config?: string; pack?: string; mermaid?: boolean }) => {
      const dir = configFolder(options.config);
      const { config } = await requireConfig(dir, await requireSpecs(dir), options.pack);
      const { shopper, demand } = config.job.operators;
      const text = options.mermaid === true ? mermaid(shopper, demand) : outline(shopper, demand);
      process.stdout.write(`${text}\n`);
    });
}

function outline(shopper: readonly OperatorConfig[], demand: readonly OperatorConfig[]): string {
  const lines = [
    "collect   IN → EVENTS: guard, decode, validate, correct clocks, de-duplicate, identify",
  ];
  for (const [flow, reads, operators] of [
    ["shopper", "EVENTS", shopper],
    ["demand", "DEMAND", demand],
  ] as const) {
    lines.push("", `${flow}   reads ${reads}`);
    for (const { name, from, spec } of operators) {
      lines.push(`  ${from.join(", ").padEnd(28)} → ${name.padEnd(12)} ${spec.summary}`);
    }
  }
  return lines.join("\n");
}

function mermaid(shopper: readonly OperatorConfig[], demand: readonly OperatorConfig[]): string {
  const lines = ["flowchart LR", "  in[(IN)] --> collect --> events[(EVENTS)]"];
  const flow = (name: string, stream: string, operators: readonly OperatorConfig[]) => {
    lines.push(`  subgraph ${name}`);
    for (const operator of operators) {
      for (const from of operator.from) {
        lines.push(
          `    ${from === "events" ? stream : `${name}_${from}`} --> ${name}_${operator.name}[${operator.name}]`,
        );
      }
    }
    lines.push("  end");
  };
  flow("shopper", "events", shopper);
  lines.push("  shopper_partials --> demand_log[(DEMAND)]");
  flow("demand", "demand_log", demand);
  lines.push("  shopper --> out[(OUT)]", "  demand --> out", "  demand -- knowledge --> in");
  return lines.join("\n");
}
