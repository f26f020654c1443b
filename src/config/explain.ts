import { didYouMean } from "./did-you-mean.ts";
import type { Complaint, Path } from "./yaml-file.ts";

/** A JSON Schema as this file reads it: typebox's output, with `patternErrorMessage` added. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly patternErrorMessage?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, SchemaNode>>;
  readonly anyOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly items?: SchemaNode;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

export interface Finding {
  readonly path: Path;
  readonly complaint: Complaint;
}

type Data = Readonly<Record<string, unknown>>;

/** Says in words where and how a value breaks a schema; empty for what it cannot put in words. */
export function explain(root: SchemaNode, value: unknown): Finding[] {
  return new Explainer(root).node(root, value, []);
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
    const tries = branches.map((branch) => this.node(branch, value, path));
    if (tries.some((findings) => findings.length === 0)) return [];
    const literals = branches.flatMap(
      (branch) => branch.enum ?? (branch.const === undefined ? [] : [branch.const]),
    );
    const structured = branches.filter((branch) => fits(branch, value));
    if (structured.length === 0) {
      const only =
        literals.length > 0 && branches.every((b) => b.const !== undefined || b.enum !== undefined);
      if (only || (typeof value === "string" && literals.length > 0))
        return [notAllowed(path, value, literals)];
      return [wrongType(path, value, describeWanted(union))];
    }
    if (isData(value)) return this.#objectUnion(structured, value, path);
    const best = structured
      .map((branch) => this.node(branch, value, path))
      .sort((a, b) => a.length - b.length)[0];
    return best ?? [];
  }

  #objectUnion(branches: readonly SchemaNode[], value: Data, path: Path): Finding[] {
    const keys = Object.keys(value);
    const rated = branches
      .map((branch) => ({
        known: keys.filter((key) => memberSchema(branch, key) !== undefined).length,
        findings: this.node(branch, value, path),
      }))
      .sort((a, b) => b.known - a.known || a.findings.length - b.findings.length);
    const best = rated[0];
    if (best === undefined) return [];
    if (best.known > 0) return best.findings;
    const names = [...new Set(branches.flatMap((branch) => Object.keys(branch.properties ?? {})))];
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

/** The schema of a member; `true` when anything may stand there, undefined when the key may not. */
export function memberSchema(schema: SchemaNode, key: string): SchemaNode | true | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) {
    return schema.properties[key];
  }
  for (const [pattern, sub] of Object.entries(schema.patternProperties ?? {})) {
    if (new RegExp(pattern, "u").test(key)) return sub;
  }
  if (schema.additionalProperties === false) return undefined;
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : true;
}

const fits = (branch: SchemaNode, value: unknown): boolean =>
  branch.const === undefined &&
  branch.enum === undefined &&
  (branch.type === undefined || hasType(value, branch.type));

function textFindings(schema: SchemaNode, value: string, path: Path): Finding[] {
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) {
    const wanted =
      schema.patternErrorMessage ?? schema.description ?? `a text like ${schema.pattern}`;
    return [
      {
        path,
        complaint: {
          code: "VALUE_FORMAT",
          message: `${show(value)} is not ${lowerArticle(wanted)}`,
          remedy: `Write ${lowerArticle(wanted)}.`,
        },
      },
    ];
  }
  const length = [...value].length;
  if (length >= (schema.minLength ?? 0) && length <= (schema.maxLength ?? length)) return [];
  return [range(path, `${length} characters`, bounds(schema.minLength, schema.maxLength))];
}

function numberFindings(schema: SchemaNode, value: unknown, path: Path): Finding[] {
  if (typeof value !== "number") return [];
  const low = value < (schema.minimum ?? value) || value <= (schema.exclusiveMinimum ?? -Infinity);
  const high = value > (schema.maximum ?? value) || value >= (schema.exclusiveMaximum ?? Infinity);
  if (!low && !high) return [];
  const strict = [
    schema.exclusiveMinimum === undefined ? [] : [`more than ${schema.exclusiveMinimum}`],
    schema.exclusiveMaximum === undefined ? [] : [`less than ${schema.exclusiveMaximum}`],
  ].flat();
  const closed = bounds(schema.minimum, schema.maximum);
  return [
    range(path, String(value), [closed, ...strict].filter((part) => part !== "").join(" and ")),
  ];
}

function bounds(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max === undefined ? "" : `at most ${max}`;
}

const range = (path: Path, found: string, wanted: string): Finding => ({
  path,
  complaint: {
    code: "VALUE_RANGE",
    message: `${found} where ${wanted} is allowed`,
    remedy: `Keep to ${wanted}.`,
  },
});

const missing = (path: Path, name: string, schema: SchemaNode): Finding => {
  const about = schema.properties?.[name]?.description;
  return {
    path,
    complaint: {
      code: "KEY_MISSING",
      message: `\`${name}\` is missing`,
      remedy: `Add \`${name}:\`${about === undefined ? "" : `: ${about}`}${about?.endsWith(".") ? "" : "."}`,
      atKey: true,
    },
  };
};

function unknownKey(path: Path, key: string, schema: SchemaNode): Finding {
  const names = Object.keys(schema.properties ?? {});
  const patterns = Object.values(schema.patternProperties ?? {});
  if (names.length > 0 || patterns.length === 0) return unknownName(path, key, names);
  return {
    path,
    complaint: {
      code: "KEY_UNKNOWN",
      message: `${show(key)} cannot be a key here`,
      remedy: `Use a key that matches ${Object.keys(schema.patternProperties ?? {}).join(" or ")}.`,
      atKey: true,
    },
  };
}

const unknownName = (path: Path, key: string, names: readonly string[]): Finding => ({
  path,
  complaint: {
    code: "KEY_UNKNOWN",
    message: `unknown key ${show(key)}`,
    remedy: didYouMean(key, names),
    atKey: true,
  },
});

const notAllowed = (path: Path, value: unknown, allowed: readonly unknown[]): Finding => ({
  path,
  complaint: {
    code: "VALUE_UNKNOWN",
    message: `${show(value)} is not one of the values allowed here`,
    remedy: didYouMean(typeof value === "string" ? value : show(value), allowed.map(String)),
  },
});

const repeated = (path: Path, value: unknown): Finding => ({
  path,
  complaint: {
    code: "VALUE_INVALID",
    message: `${show(value)} stands twice in this list`,
    remedy: "Delete one of the two.",
  },
});

const wrongType = (path: Path, value: unknown, wanted: string): Finding => ({
  path,
  complaint: {
    code: "TYPE_WRONG",
    message: `${kindOf(value)} where ${wanted} is expected`,
    remedy: `Write ${wanted}.`,
  },
});

/** What a schema wants, with its article. */
export function describeWanted(schema: SchemaNode): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace("#/$defs/", "").toLowerCase();
    return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
  }
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map(describeWanted))].join(" or ");
  }
  if (schema.const !== undefined) return show(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(show).join(" or ");
  if (schema.patternErrorMessage !== undefined) return schema.patternErrorMessage;
  return KIND_NAMES[schema.type ?? ""] ?? "another value";
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  object: "a mapping",
  array: "a list",
  string: "a text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  null: "nothing",
};

function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  return show(value);
}

function hasType(value: unknown, type: string): boolean {
  if (type === "object") return isData(value);
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "number") return Number.isFinite(value);
  return type === "null" ? value === null : typeof value === type;
}

export const isData = (value: unknown): value is Data =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A value short enough for a message. */
export function show(value: unknown): string {
  const text = typeof value === "string" ? `\`${value}\`` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

const lowerArticle = (text: string): string =>
  text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
