import fc from "fast-check";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { describe, expect, test } from "vitest";
import { explain } from "../../src/config/explain.ts";
import { FILES, type FileName } from "../../src/config/load.ts";
import { publishedSchemas } from "../../src/config/schema-files.ts";
import type { SchemaNode } from "../../src/config/schema-node.ts";
import { shippedText, yaml } from "./shipped.ts";
import { SOME_SPECS } from "./some-specs.ts";

const schemas = publishedSchemas(SOME_SPECS);

/** The same data with one part replaced, dropped or added somewhere. */
function mutate(value: unknown, choose: (n: number) => number, put: unknown): unknown {
  if (typeof value !== "object" || value === null || choose(4) === 0) return put;
  if (Array.isArray(value)) {
    if (value.length === 0) return [put];
    const at = choose(value.length);
    return value.map((item, i) => (i === at ? mutate(item, choose, put) : item));
  }
  const entries = Object.entries(value);
  const at = choose(entries.length + 1);
  const [key] = entries[at] ?? [];
  if (key === undefined) return { ...value, added: put };
  if (choose(6) === 0) return Object.fromEntries(entries.filter(([k]) => k !== key));
  return Object.fromEntries(entries.map(([k, v]) => [k, k === key ? mutate(v, choose, put) : v]));
}

describe("law: a value is explained exactly when the compiled schema refuses it", () => {
  test.each(Object.keys(FILES) as FileName[])("%s", (name) => {
    const schema: TSchema = schemas[name];
    const compiled = Compile(schema);
    const base = yaml(shippedText(name)).value;
    const put = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(
        "30m",
        "auto",
        0,
        1,
        -1,
        1.5,
        {},
        [],
        null,
        { all: [] },
        { event: "x" },
        { terms: ["a"], weight: 1 },
      ),
    );
    fc.assert(
      fc.property(put, fc.infiniteStream(fc.nat()), (part, stream) => {
        const choose = (n: number): number => (stream.next().value ?? 0) % n;
        const mutant = mutate(base, choose, part);
        expect(explain(schema as SchemaNode, mutant).length === 0).toBe(compiled.Check(mutant));
      }),
      { numRuns: 400 },
    );
  });
});
