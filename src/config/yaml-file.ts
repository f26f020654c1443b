import { readFile } from "node:fs/promises";
import { isMap, isScalar, isSeq, type Node, type Pair, parseDocument } from "yaml";
import { excerptOf, type Problem, type ProblemCode, type Reading } from "./problem.ts";
import { MAX_FILE_BYTES, refusal } from "./yaml-guard.ts";
import { syntaxComplaints } from "./yaml-syntax.ts";

/** Keys and indexes from the root to a value. */
export type Path = readonly (string | number)[];

export interface Complaint {
  readonly code: ProblemCode;
  readonly message: string;
  readonly remedy: string;
  readonly severity?: "error" | "warning";
  /** Point at the key instead of its value. */
  readonly atKey?: boolean;
}

/** Told of one file at once; each costs a look through the text. */
export const MOST_PROBLEMS = 50;

/** A parsed YAML text: plain JSON data, and the place in the text of every part of it. */
export class YamlFile {
  readonly name: string;
  readonly text: string;
  /** Objects have own keys only, never `__proto__`; no cycles, no shared parts. */
  readonly value: unknown;
  readonly #root: Node | null;

  constructor(name: string, text: string, value: unknown, root: Node | null) {
    this.name = name;
    this.text = text;
    this.value = value;
    this.#root = root;
  }

  /** A problem at the value under `path`, or at the nearest part of it that exists. */
  problem(path: Path, complaint: Complaint): Problem {
    return this.problemAt(this.#offset(path, complaint.atKey === true), complaint);
  }

  problemAt(offset: number, complaint: Complaint): Problem {
    return problemIn(this.name, this.text, offset, complaint);
  }

  #offset(path: Path, atKey: boolean): number {
    let node: unknown = this.#root;
    let offset = startOf(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      const pair: Pair | undefined = isMap(node)
        ? node.items.find((item) => keyText(item) === String(step))
        : undefined;
      const next: unknown = isSeq(node) ? node.items[Number(step)] : pair?.value;
      const last = depth === path.length - 1;
      const keyStart = startOf(pair?.key);
      offset = (last && atKey ? keyStart : undefined) ?? startOf(next) ?? keyStart ?? offset;
      if (next === undefined || next === null) return offset;
      node = next;
    }
    return offset;
  }
}

/** Reads a file; what cannot be read or parsed is a problem, never an exception. */
export async function readYamlFile(path: string, name = path): Promise<Reading<YamlFile>> {
  try {
    return parseYaml(name, await readFile(path));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    return refused(name, "", 0, {
      code: missing ? "FILE_MISSING" : "FILE_UNREADABLE",
      message: missing ? "the file does not exist" : `the file cannot be read: ${String(cause)}`,
      remedy: missing
        ? "Create it, best from the one that came with the engine, or correct the folder given."
        : "Check the path and its permissions.",
    });
  }
}

/** Parses a YAML text of at most one document. Never throws, whatever the bytes are. */
export function parseYaml(name: string, source: string | Uint8Array): Reading<YamlFile> {
  if (source.length > MAX_FILE_BYTES) {
    return refused(name, "", 0, {
      code: "TEXT_TOO_LARGE",
      message: `more than ${MAX_FILE_BYTES / 1024} KiB`,
      remedy: "Split the file, or move data into facts (`in.fact.…`).",
    });
  }
  const text = typeof source === "string" ? source : decode(source);
  if (text === undefined) {
    return refused(name, "", 0, {
      code: "TEXT_ENCODING",
      message: "the file is not UTF-8",
      remedy: "Save it as UTF-8; editors call this `encoding`.",
    });
  }
  const refusedBecause = refusal(text);
  if (refusedBecause !== undefined) {
    return refused(name, text, refusedBecause.offset, refusedBecause);
  }
  return parseGuarded(name, text);
}

function parseGuarded(name: string, text: string): Reading<YamlFile> {
  const document = parseDocument(text, {
    prettyErrors: false,
    stringKeys: true,
    // The parser's own check is quadratic in the number of keys.
    uniqueKeys: false,
    strict: true,
    version: "1.2",
  });
  if (document.errors.length > 0) {
    const problems = syntaxComplaints(text, document.errors).map(([offset, complaint]) =>
      problemIn(name, text, offset, complaint),
    );
    return { value: undefined, problems };
  }
  const complaints: [number, Complaint][] = [];
  const value = plain(document.contents, complaints);
  if (complaints.length > 0) {
    return {
      value: undefined,
      problems: complaints
        .slice(0, MOST_PROBLEMS)
        .map(([offset, c]) => problemIn(name, text, offset, c)),
    };
  }
  return { value: new YamlFile(name, text, value, document.contents), problems: [] };
}

/** The AST as plain data. Recursion is bounded by the guard's depth. */
function plain(node: unknown, complaints: [number, Complaint][]): unknown {
  if (isMap(node)) return plainMap(node.items, complaints);
  if (isSeq(node)) return node.items.map((item) => plain(item, complaints));
  if (!isScalar(node)) return null;
  const { value } = node;
  if (typeof value === "number" && !Number.isFinite(value)) {
    complaints.push([
      startOf(node) ?? 0,
      {
        code: "VALUE_INVALID",
        message: "not a finite number",
        remedy: "Write a number in digits, or leave the key out.",
      },
    ]);
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : null;
}

function plainMap(items: readonly Pair[], complaints: [number, Complaint][]): unknown {
  const entries = new Map<string, unknown>();
  for (const item of items) {
    const key = keyText(item);
    const offset = startOf(item.key) ?? 0;
    if (key === "__proto__") {
      complaints.push([
        offset,
        {
          code: "KEY_FORBIDDEN",
          message: "`__proto__` cannot be a key",
          remedy: "Choose another name.",
        },
      ]);
      continue;
    }
    if (entries.has(key)) {
      complaints.push([
        offset,
        {
          code: "KEY_DUPLICATE",
          message: `\`${key}\` stands twice in this mapping`,
          remedy: "Delete one of the two, or join them.",
        },
      ]);
    }
    entries.set(key, plain(item.value, complaints));
  }
  return Object.fromEntries(entries);
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value ?? "") : "";
}

function startOf(node: unknown): number | undefined {
  if (!isMap(node) && !isSeq(node) && !isScalar(node)) return undefined;
  return node.range?.[0];
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const refused = (
  name: string,
  text: string,
  offset: number,
  complaint: Complaint,
): Reading<YamlFile> => ({
  value: undefined,
  problems: [problemIn(name, text, offset, complaint)],
});

function problemIn(
  file: string,
  text: string,
  offset: number,
  { code, message, remedy, severity = "error" }: Complaint,
): Problem {
  const at = Math.min(offset, text.length);
  const start = at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", start);
  const source = text.slice(start, end < 0 ? undefined : end).replace(/\r$/, "");
  const column = Math.min(at - start, source.length) + 1;
  const excerpt = text === "" ? "" : excerptOf(source, column);
  return { severity, file, line: lineOf(text, start), column, code, message, remedy, excerpt };
}

function lineOf(text: string, start: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < start; at = text.indexOf("\n", at + 1))
    line += 1;
  return line;
}
