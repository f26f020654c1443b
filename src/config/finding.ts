import { didYouMean } from "./did-you-mean.ts";
import type { SchemaNode } from "./schema-node.ts";
import type { Complaint, Path } from "./yaml-file.ts";

export interface Finding {
  readonly path: Path;
  readonly complaint: Complaint;
}

export function textFindings(schema: SchemaNode, value: string, path: Path): Finding[] {
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

export function numberFindings(schema: SchemaNode, value: unknown, path: Path): Finding[] {
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

export function bounds(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max === undefined ? "" : `at most ${max}`;
}

export const range = (path: Path, found: string, wanted: string): Finding => ({
  path,
  complaint: {
    code: "VALUE_RANGE",
    message: `${found} where ${wanted} is allowed`,
    remedy: `Keep to ${wanted}.`,
  },
});

export const missing = (path: Path, name: string, schema: SchemaNode): Finding => {
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

export function unknownKey(path: Path, key: string, schema: SchemaNode): Finding {
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

export const unknownName = (path: Path, key: string, names: readonly string[]): Finding => ({
  path,
  complaint: {
    code: "KEY_UNKNOWN",
    message: `unknown key ${show(key)}`,
    remedy: runOn(key, names) ?? didYouMean(key, names),
    atKey: true,
  },
});

/** A key with its value in it: no space after the colon, or a full-width one. */
function runOn(key: string, names: readonly string[]): string | undefined {
  const [, name = "", value = ""] = /^([^:：]+)[:：]\s*(.*)$/u.exec(key) ?? [];
  if (!names.includes(name)) return undefined;
  return `Write \`${name}: ${value}\`, with a half-width colon and a space after it.`;
}

export const notAllowed = (path: Path, value: unknown, allowed: readonly unknown[]): Finding => ({
  path,
  complaint: {
    code: "VALUE_UNKNOWN",
    message: `${show(value)} is not one of the values allowed here`,
    remedy: didYouMean(typeof value === "string" ? value : show(value), allowed.map(String)),
  },
});

export const repeated = (path: Path, value: unknown): Finding => ({
  path,
  complaint: {
    code: "VALUE_INVALID",
    message: `${show(value)} stands twice in this list`,
    remedy: "Delete one of the two.",
  },
});

export const wrongType = (path: Path, value: unknown, wanted: string): Finding => ({
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

/** A value short enough for a message. */
export function show(value: unknown): string {
  const text = typeof value === "string" ? `\`${value}\`` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

const lowerArticle = (text: string): string =>
  text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
