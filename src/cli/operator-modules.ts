import { realpath } from "node:fs/promises";
import { register } from "node:module";
import { join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import Type from "typebox";
import { specs as shipped } from "../../operators/all.ts";
import { FILES } from "../config/load.ts";
import { formatProblem, type Problem, type ProblemCode } from "../config/problem.ts";
import { readYamlFile, type YamlFile } from "../config/yaml-file.ts";
import { Fault } from "../faults.ts";
import type { OperatorSpec } from "../flow/spec.ts";

const FLOWS = ["shopper", "demand"] as const satisfies readonly OperatorSpec["flow"][];

/**
 * Lets a module of any folder import the engine's own files by the names that package.json exports:
 * `freshet/stream` is this engine, whether or not it is installed where the module lies.
 */
const OWN_NAMES = `export const resolve = (name, context, next) =>
  next(name, name.startsWith("freshet/") ? { ...context, parentURL: "${import.meta.url}" } : context);`;
let ownNames = false;

function resolveOwnNames(): void {
  if (ownNames) return;
  register(`data:text/javascript,${encodeURIComponent(OWN_NAMES)}`);
  ownNames = true;
}

/** Operators that a configuration may name, those it brings along among them, and what is wrong with them. */
export interface Modules {
  readonly specs: readonly OperatorSpec[];
  readonly problems: readonly Problem[];
}

/** A block with `module:` in `freshet.yaml`. */
interface Named {
  readonly file: YamlFile;
  readonly flow: OperatorSpec["flow"];
  readonly name: string;
  readonly module: unknown;
}

class Refusal extends Error {
  readonly code: ProblemCode;
  readonly remedy: string;

  constructor(code: ProblemCode, message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.remedy = remedy;
  }
}

/**
 * Loads the modules that operator blocks of the folder's `freshet.yaml` name. They are code and run
 * with all the rights of the engine; only files within the folder are taken. A file that cannot be
 * read as YAML is left to the reading of the configuration to complain of.
 */
export async function operatorModules(folder: string): Promise<Modules> {
  const { value: file } = await readYamlFile(join(folder, FILES.freshet));
  const specs: OperatorSpec[] = [];
  const problems: Problem[] = [];
  for (const named of file === undefined ? [] : blocksWithModule(file)) {
    try {
      specs.push(await load(folder, named));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, message, remedy } = error;
      const path = ["operators", named.flow, named.name, "module"];
      problems.push(named.file.problem(path, { code, message, remedy }));
    }
  }
  return { specs: [...shipped, ...specs], problems };
}

/** The operators that a configuration may name; throws a Fault that lists what is wrong with its own. */
export async function requireSpecs(folder: string): Promise<readonly OperatorSpec[]> {
  const { specs, problems } = await operatorModules(folder);
  if (problems.length === 0) return specs;
  const list = problems.map(formatProblem).join("\n");
  throw new Fault("CONFIG_INVALID", `operators of ${folder} cannot be used:\n${list}`, {
    problems,
  });
}

function blocksWithModule(file: YamlFile): Named[] {
  const operators = fieldOf(file.value, "operators");
  return FLOWS.flatMap((flow) =>
    Object.entries(fieldOf(operators, flow) ?? {}).flatMap(([name, block]) => {
      const module = fieldOf(block, "module");
      return module === undefined ? [] : [{ file, flow, name, module }];
    }),
  );
}

async function load(folder: string, { flow, name, module }: Named): Promise<OperatorSpec> {
  const path = await pathWithin(folder, module);
  resolveOwnNames();
  let exported: unknown;
  try {
    exported = await import(pathToFileURL(path).href);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Refusal(
      "VALUE_INVALID",
      `the module cannot be loaded: ${said}`,
      "Mend the module; it is a JavaScript file (ESM) that may import `freshet/stream` and its like, and what is found from its folder.",
      cause,
    );
  }
  const spec = specOf(exported, flow);
  if (spec === undefined) {
    throw new Refusal(
      "VALUE_INVALID",
      "the module exports neither an operator spec nor a stream",
      'Export `spec` (an OperatorSpec) or `stream`: `export const stream = stream<Event>("name")…publish(…)`.',
    );
  }
  if (spec.name !== name || spec.flow !== flow) {
    throw new Refusal(
      "VALUE_INVALID",
      `the module's operator is called \`${spec.name}\` and belongs to the ${spec.flow} flow`,
      `Put it under \`operators.${spec.flow}.${spec.name}\`, or rename what the module exports.`,
    );
  }
  return withModuleOption(spec);
}

async function pathWithin(folder: string, module: unknown): Promise<string> {
  if (typeof module !== "string" || !/^\.\/.+\.m?js$/.test(module)) {
    throw new Refusal(
      "VALUE_FORMAT",
      "not the path of a JavaScript file of this folder",
      "Write it relative to the configuration folder: `./my-operator.js`.",
    );
  }
  const root = await realpath(folder);
  let path: string;
  try {
    path = await realpath(resolve(root, module));
  } catch (cause) {
    throw new Refusal(
      "FILE_MISSING",
      `there is no file ${module} in the configuration folder`,
      "Create it, or correct the path; it is relative to the configuration folder.",
      cause,
    );
  }
  if (!path.startsWith(root + sep)) {
    throw new Refusal(
      "VALUE_INVALID",
      "the module lies outside the configuration folder",
      "Copy it into the folder: only code that lies there is run.",
    );
  }
  return path;
}

/** `spec`, or the spec of the stream that is exported as `stream`. */
function specOf(exported: unknown, flow: OperatorSpec["flow"]): OperatorSpec | undefined {
  const made = fieldOf(exported, "stream");
  const make = fieldOf(made, "spec");
  const spec: unknown =
    typeof make === "function" ? make.call(made, flow) : fieldOf(exported, "spec");
  return isSpec(spec) ? spec : undefined;
}

function isSpec(value: unknown): value is OperatorSpec {
  const from = fieldOf(value, "from");
  return (
    typeof fieldOf(value, "name") === "string" &&
    FLOWS.some((flow) => flow === fieldOf(value, "flow")) &&
    typeof fieldOf(value, "summary") === "string" &&
    typeof fieldOf(value, "make") === "function" &&
    fieldOf(fieldOf(value, "options"), "type") === "object" &&
    Array.isArray(from) &&
    from.every((feed) => typeof feed === "string")
  );
}

/** The spec whose block may name the module; `make` does not see it. */
function withModuleOption(spec: OperatorSpec): OperatorSpec {
  const properties = fieldOf(spec.options, "properties") ?? {};
  const module = Type.String({ description: "The file it comes from." });
  return {
    name: spec.name,
    flow: spec.flow,
    summary: spec.summary,
    from: spec.from,
    options: { ...spec.options, properties: { ...properties, module } },
    make(options, job) {
      const { module: _path, ...own } = options as Readonly<Record<string, unknown>>;
      return spec.make(own, job);
    },
  };
}

/** Also what a class gives: a stream's `spec` is a method. */
function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
