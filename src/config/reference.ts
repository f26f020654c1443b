import { describeWanted } from "./finding.ts";
import type { SchemaNode } from "./schema-node.ts";

type Node = SchemaNode & { readonly title?: string; readonly default?: unknown };

/** Every key of every file as Markdown tables, out of the schemas' own words. */
export function reference(files: Readonly<Record<string, Node>>): string {
  const parts = Object.entries(files).map(([name, schema]) => {
    const rows = rowsOf(schema, "", schema);
    const head = "| key | what it is | default | meaning |\n| --- | --- | --- | --- |";
    const about = schema.description === undefined ? "" : `${schema.description}\n\n`;
    return `## ${name}.yaml\n\n${about}${head}\n${rows.join("\n")}\n`;
  });
  const note =
    "Every key of the configuration files. Made from the schemas beside this file by `npm run schemas`.";
  return `# Configuration reference\n\n${note} A key in bold must be there.\n\n${parts.join("\n")}`;
}

/** Recursion stops at `$ref`, which points at a definition shown once. */
function rowsOf(schema: Node, at: string, root: Node): string[] {
  const rows: string[] = [];
  for (const [key, member] of membersOf(schema)) {
    const path = at === "" ? key : `${at}.${key}`;
    rows.push(
      row(path, member, schema.required?.includes(key) === true),
      ...inner(member, path, root),
    );
  }
  for (const [name, definition] of at === "" ? Object.entries(root.$defs ?? {}) : []) {
    rows.push(...inner(definition, `‹${name.toLowerCase()}›`, root));
  }
  return rows;
}

function membersOf(schema: Node): [string, Node][] {
  const named = Object.entries(schema.properties ?? {});
  const { additionalProperties: others } = schema;
  const free = [
    ...Object.values(schema.patternProperties ?? {}),
    ...(typeof others === "object" ? [others] : []),
  ];
  return [...named, ...free.map((sub): [string, Node] => ["‹name›", sub])];
}

function inner(schema: Node, path: string, root: Node): string[] {
  const own = rowsOf(schema, path, root);
  const items = schema.items === undefined ? [] : inner(schema.items, `${path}[]`, root);
  const branches = (schema.anyOf ?? []).flatMap((branch) => inner(branch, path, root));
  // A field that several alternatives share is told once.
  return [...new Set([...own, ...items, ...branches])];
}

function row(path: string, schema: Node, required: boolean): string {
  const byDefault = schema.default;
  const shown =
    byDefault === undefined || JSON.stringify(byDefault) === "{}" ? "" : code(asText(byDefault));
  const cells = [
    required ? `**${code(path)}**` : code(path),
    kind(schema),
    shown,
    schema.description ?? "",
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

function kind(schema: Node): string {
  const { minimum: min, maximum: max } = schema;
  const range =
    min !== undefined && max !== undefined
      ? `, ${min} to ${max}`
      : min === undefined
        ? ""
        : `, at least ${min}`;
  return `${describeWanted(schema)}${range}`;
}

const code = (text: string): string => `\`${text}\``;
const asText = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);
