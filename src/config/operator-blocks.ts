import Type, { type TSchema } from "typebox";
import type { OperatorSpec } from "../flow/spec.ts";
import { parseDuration } from "../time/event-time.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Problem } from "./problem.ts";
import { schemaCheck, withDefaults } from "./schema-check.ts";
import type { SchemaNode } from "./schema-node.ts";
import { durationText } from "./texts.ts";
import type { Complaint, Path, YamlFile } from "./yaml-file.ts";

/** The name by which operators take the flow's input. */
const INPUT = "events";

/** One operator of a flow as the job configures it. */
export interface OperatorConfig {
  readonly name: string;
  readonly spec: OperatorSpec;
  readonly from: readonly string[];
  /** For `spec.make`: checked against `spec.options`, defaults filled in. */
  readonly options: unknown;
}

type Block = Readonly<Record<string, unknown>>;
/** Operator → its options, or nothing. */
export type Blocks = Readonly<Record<string, Block | null>>;

const From = Type.Optional(
  Type.Array(Type.String(), {
    minItems: 1,
    maxItems: 32,
    uniqueItems: true,
    description: `What feeds it: operators of the same flow, or \`${INPUT}\`.`,
  }),
);

/** The schema of a block for an operator that the configuration brings along; its options are its own. */
export const ModuleBlock = Type.Object(
  {
    from: From,
    module: Type.String({
      pattern: "^\\./.+\\.m?js$",
      description: "A JavaScript file of this folder that exports the operator.",
    }),
  },
  { description: "An operator of one's own, with whatever options it has." },
);

type Option = SchemaNode & { readonly default?: unknown };

/** The schema of an operator's block: its own options, and `from`. */
export function blockSchema(spec: OperatorSpec): TSchema {
  const options = eased(spec.options as Option);
  return {
    ...options,
    type: "object",
    description: spec.summary,
    properties: { from: { ...From, default: [...spec.from] }, ...options.properties },
    additionalProperties: false,
  } as TSchema;
}

/**
 * Options as a writer sees them: what has a default may be left out, at any depth, and a text whose
 * default is a length of time is one, whether its schema says so or not.
 */
function eased(option: Option): Option {
  if (option.properties === undefined) return asDuration(option);
  const properties = Object.entries(option.properties).map(([name, sub]) => [name, eased(sub)]);
  const required = (option.required ?? []).filter((name) => {
    const sub = option.properties?.[name];
    return sub === undefined || !("default" in sub);
  });
  return { ...option, properties: Object.fromEntries(properties), required };
}

function asDuration(option: Option): Option {
  const { type, pattern, enum: values, default: byDefault } = option;
  const plain = type === "string" && pattern === undefined && values === undefined;
  if (!plain || typeof byDefault !== "string" || parseDuration(byDefault) === undefined) {
    return option;
  }
  return { ...durationText(), ...option } as Option;
}

/** Reads the operators of one flow, in an order in which each comes after what feeds it. */
export class BlocksReader {
  readonly problems: Problem[] = [];
  readonly #file: YamlFile;
  readonly #flow: OperatorSpec["flow"];
  readonly #specs: readonly OperatorSpec[];

  constructor(file: YamlFile, flow: OperatorSpec["flow"], specs: readonly OperatorSpec[]) {
    this.#file = file;
    this.#flow = flow;
    this.#specs = specs;
  }

  read(blocks: Blocks): OperatorConfig[] {
    const configs: OperatorConfig[] = [];
    for (const [name, block] of Object.entries(blocks)) {
      const spec = this.#specs.find((s) => s.name === name && s.flow === this.#flow);
      if (spec === undefined) this.#unknownOperator(name);
      else configs.push(this.#config(spec, block ?? {}, blocks));
    }
    return this.#ordered(configs);
  }

  #complain(path: Path, complaint: Complaint): void {
    this.problems.push(this.#file.problem(["operators", this.#flow, ...path], complaint));
  }

  #unknownOperator(name: string): void {
    const elsewhere = this.#specs.find((spec) => spec.name === name);
    const known = this.#specs.filter((spec) => spec.flow === this.#flow).map((spec) => spec.name);
    this.#complain([name], {
      code: "OPERATOR_UNKNOWN",
      message:
        elsewhere === undefined
          ? `no operator is called \`${name}\``
          : `\`${name}\` is an operator of the ${elsewhere.flow} flow`,
      remedy:
        elsewhere === undefined
          ? didYouMean(name, known)
          : `Move it under \`operators.${elsewhere.flow}\`.`,
      atKey: true,
    });
  }

  #config(spec: OperatorSpec, block: Block, blocks: Blocks): OperatorConfig {
    const { name } = spec;
    const schema = blockSchema(spec);
    const filled = withDefaults(schema, block) as Block;
    // What defaults supply cannot be wrong; what is missing shows as missing.
    const problems = schemaCheck(schema)(this.#file, filled, ["operators", this.#flow, name]);
    this.problems.push(...problems);
    const { from, ...options } = filled;
    const named = Array.isArray(from) ? from.filter((feed) => typeof feed === "string") : [];
    const also = block["from"] === undefined ? (spec.alsoFrom ?? []) : [];
    const feeds = [...named, ...also.filter((feed) => Object.hasOwn(blocks, feed))];
    const known = [INPUT, ...Object.keys(blocks).filter((other) => other !== name)];
    feeds.forEach((feed, i) => {
      if (known.includes(feed)) return;
      const path = block["from"] === undefined ? [name] : [name, "from", i];
      this.#complain(path, {
        code: feed === name ? "GRAPH_CYCLE" : "NAME_UNKNOWN",
        message:
          feed === name
            ? `\`${name}\` feeds itself`
            : `\`${name}\` is fed by \`${feed}\`, which this flow does not run`,
        remedy:
          feed === name
            ? "Name what feeds it in `from`."
            : `Add \`${feed}:\` to the flow, or correct \`from\`. ${didYouMean(feed, known)}`,
        atKey: path.length === 1,
      });
    });
    return { name, spec, from: feeds, options };
  }

  #ordered(configs: readonly OperatorConfig[]): OperatorConfig[] {
    const names = new Set(configs.map((config) => config.name));
    const placed = new Set<string>();
    const ordered: OperatorConfig[] = [];
    for (;;) {
      const next = configs.find(
        ({ name, from }) =>
          !placed.has(name) &&
          from.every((feed) => !names.has(feed) || feed === name || placed.has(feed)),
      );
      if (next === undefined) break;
      placed.add(next.name);
      ordered.push(next);
    }
    const first = cycleIn(configs.filter(({ name }) => !placed.has(name)));
    if (first.length > 0) {
      this.#complain([first[0] ?? "", "from"], {
        code: "GRAPH_CYCLE",
        message: `operators feed each other in a circle: ${[...first, first[0]].join(" ← ")}`,
        remedy: "Remove one of these edges (`from`).",
      });
    }
    return ordered;
  }
}

/** Names of one circle among operators that all wait for another, from the earliest in the file. */
function cycleIn(waiting: readonly OperatorConfig[]): string[] {
  const byName = new Map(waiting.map((config) => [config.name, config]));
  const path: string[] = [];
  let at = waiting[0]?.name;
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    at = byName.get(at)?.from.find((feed) => byName.has(feed));
  }
  const circle = at === undefined ? path : path.slice(path.indexOf(at));
  const start = waiting.findIndex(({ name }) => circle.includes(name));
  const lead = circle.indexOf(waiting[start]?.name ?? "");
  return lead <= 0 ? circle : [...circle.slice(lead), ...circle.slice(0, lead)];
}
