import { didYouMean } from "./did-you-mean.ts";
import {
  bounds,
  describeWanted,
  type Finding,
  missing,
  notAllowed,
  numberFindings,
  range,
  repeated,
  textFindings,
  unknownKey,
  unknownName,
  wrongType,
} from "./finding.ts";
import { type Data, hasType, isData, memberSchema, type SchemaNode } from "./schema-node.ts";
import type { Path } from "./yaml-file.ts";

/** Says in words where and how a value breaks a schema; empty for what it cannot put in words. */
export function explain(root: SchemaNode, value: unknown): Finding[] {
  return new Explainer(root).node(root, value, []);
}

/** An alternative, and what breaks it. */
interface Try {
  readonly branch: SchemaNode;
  readonly findings: Finding[];
}

class Explainer {
  readonly #root: SchemaNode;
  constructor(root: SchemaNode) {
    this.#root = root;
  }

  node(given: SchemaNode, value: unknown, path: Path): Finding[] {
    const schema = this.#resolve(given);
    if (schema.anyOf !== undefined) return this.#union(schema, schema.anyOf, value, path);
    const allowed = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
    if (allowed !== undefined)
      return allowed.includes(value) ? [] : [notAllowed(path, value, allowed)];
    if (schema.type !== undefined && !hasType(value, schema.type)) {
      return [wrongType(path, value, describeWanted(schema))];
    }
    if (isData(value)) return this.#object(schema, value, path);
    if (Array.isArray(value)) return this.#array(schema, value, path);
    return typeof value === "string"
      ? textFindings(schema, value, path)
      : numberFindings(schema, value, path);
  }

  #object(schema: SchemaNode, value: Data, path: Path): Finding[] {
    const findings: Finding[] = [];
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(value, name)) findings.push(missing(path, name, schema));
    }
    for (const [key, part] of Object.entries(value)) {
      const sub = memberSchema(schema, key);
      if (sub === undefined) findings.push(unknownKey([...path, key], key, schema));
      else if (sub !== true) findings.push(...this.node(sub, part, [...path, key]));
    }
    const size = Object.keys(value).length;
    if (size < (schema.minProperties ?? 0) || size > (schema.maxProperties ?? size)) {
      findings.push(
        range(path, `${size} entries`, bounds(schema.minProperties, schema.maxProperties)),
      );
    }
    return findings;
  }

  #array(schema: SchemaNode, value: readonly unknown[], path: Path): Finding[] {
    const findings: Finding[] = [];
    if (value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? value.length)) {
      findings.push(range(path, `${value.length} items`, bounds(schema.minItems, schema.maxItems)));
    }
    const { items } = schema;
    const seen = new Set<unknown>();
    value.forEach((item, i) => {
      if (items !== undefined) findings.push(...this.node(items, item, [...path, i]));
      if (schema.uniqueItems === true && seen.has(item))
        findings.push(repeated([...path, i], item));
      seen.add(item);
    });
    return findings;
  }

  /** Explains the branch that the author most likely meant. */
  #union(union: SchemaNode, given: readonly SchemaNode[], value: unknown, path: Path): Finding[] {
    const branches = given.map((branch) => this.#resolve(branch));
    // Each branch once: nested alternatives must not double the work with every level.
    const tries = branches.map((branch) => ({ branch, findings: this.node(branch, value, path) }));
    if (tries.some(({ findings }) => findings.length === 0)) return [];
    const literals = branches.flatMap(
      (branch) => branch.enum ?? (branch.const === undefined ? [] : [branch.const]),
    );
    const structured = tries.filter(({ branch }) => fits(branch, value));
    if (structured.length === 0) {
      const only =
        literals.length > 0 && branches.every((b) => b.const !== undefined || b.enum !== undefined);
      if (only || (typeof value === "string" && literals.length > 0))
        return [notAllowed(path, value, literals)];
      return [wrongType(path, value, describeWanted(union))];
    }
    if (isData(value)) return this.#objectUnion(structured, value, path);
    const best = structured.sort((a, b) => a.findings.length - b.findings.length)[0];
    return best?.findings ?? [];
  }

  #objectUnion(tries: readonly Try[], value: Data, path: Path): Finding[] {
    const keys = Object.keys(value);
    const rated = tries
      .map(({ branch, findings }) => ({
        known: keys.filter((key) => memberSchema(branch, key) !== undefined).length,
        findings,
      }))
      .sort((a, b) => b.known - a.known || a.findings.length - b.findings.length);
    const best = rated[0];
    if (best === undefined) return [];
    if (best.known > 0) return best.findings;
    const names = [...new Set(tries.flatMap(({ branch }) => Object.keys(branch.properties ?? {})))];
    const key = keys[0];
    if (key === undefined) {
      return [
        {
          path,
          complaint: {
            code: "KEY_MISSING",
            message: "an empty mapping says nothing here",
            remedy: didYouMean("", names),
          },
        },
      ];
    }
    return [unknownName([...path, key], key, names)];
  }

  #resolve(schema: SchemaNode): SchemaNode {
    const name = schema.$ref?.replace("#/$defs/", "");
    return (name === undefined ? undefined : this.#root.$defs?.[name]) ?? schema;
  }
}

const fits = (branch: SchemaNode, value: unknown): boolean =>
  branch.const === undefined &&
  branch.enum === undefined &&
  (branch.type === undefined || hasType(value, branch.type));
