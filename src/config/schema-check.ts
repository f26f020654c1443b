import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { explain } from "./explain.ts";
import type { Problem, Reading } from "./problem.ts";
import { isData, memberSchema, type SchemaNode } from "./schema-node.ts";
import { MOST_PROBLEMS, type Path, type YamlFile } from "./yaml-file.ts";

/** Problems at places of one file, and whether any was found. */
export type Check = (file: YamlFile, value: unknown, at: Path) => Problem[];

/** Compiles a schema once; the check tells every breach in words, at its line and column. */
export function schemaCheck(schema: TSchema): Check {
  const compiled = Compile(schema);
  return (file, value, at) => {
    if (compiled.Check(value)) return [];
    const findings = explain(schema as SchemaNode, value).slice(0, MOST_PROBLEMS);
    if (findings.length > 0) {
      return findings.map(({ path, complaint }) => file.problem([...at, ...path], complaint));
    }
    // A keyword that `explain` has no words for.
    return compiled
      .Errors(value)
      .slice(0, MOST_PROBLEMS)
      .map((error) =>
        file.problem([...at, ...pointerPath(error.instancePath)], {
          code: "VALUE_INVALID",
          message: error.message,
          remedy: "Compare with the schema of this file in config/schemas.",
        }),
      );
  };
}

/** Checks a whole file and gives its value as the schema types it, defaults filled in. */
export function schemaReader<S extends TSchema>(schema: S): (file: YamlFile) => Reading<Static<S>> {
  const check = schemaCheck(schema);
  return (file) => {
    const problems = check(file, file.value, []);
    if (problems.length > 0) return { value: undefined, problems };
    return { value: withDefaults(schema, file.value) as Static<S>, problems };
  };
}

/**
 * A copy of a value with the defaults of a schema where something was left out: in mappings and
 * lists at any depth, not inside alternatives. Works on schemas made by hand, too.
 */
export function withDefaults(schema: TSchema, value: unknown): unknown {
  return filled(schema as Defaulting, value);
}

type Defaulting = SchemaNode & { readonly default?: unknown };

function filled(schema: Defaulting, given: unknown): unknown {
  const value = given === undefined ? structuredClone(schema.default) : given;
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => filled(items, item));
  }
  if (!isData(value)) return value;
  const entries = Object.entries(value).map(([key, part]): [string, unknown] => {
    const member = memberSchema(schema, key);
    return [key, typeof member === "object" ? filled(member, part) : part];
  });
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    if (Object.hasOwn(value, key)) continue;
    const byDefault = filled(member, undefined);
    if (byDefault !== undefined) entries.push([key, byDefault]);
  }
  return Object.fromEntries(entries);
}

function pointerPath(pointer: string): Path {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
