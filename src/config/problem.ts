/** What can be wrong with a configuration file. A code is forever: editors and CI key on it. */
export type ProblemCode =
  | "FILE_MISSING"
  | "FILE_UNREADABLE"
  | "TEXT_ENCODING"
  | "TEXT_TOO_LARGE"
  | "YAML_TOO_DEEP"
  | "YAML_UNSUPPORTED"
  | "YAML_SYNTAX"
  | "KEY_DUPLICATE"
  | "KEY_FORBIDDEN"
  | "KEY_UNKNOWN"
  | "KEY_MISSING"
  | "TYPE_WRONG"
  | "VALUE_UNKNOWN"
  | "VALUE_FORMAT"
  | "VALUE_RANGE"
  | "VALUE_INVALID"
  | "NAME_DUPLICATE"
  | "NAME_UNKNOWN"
  | "OPERATOR_UNKNOWN"
  | "GRAPH_CYCLE"
  | "EVENT_UNKNOWN"
  | "PROPERTY_UNKNOWN"
  | "UNIT_MISMATCH"
  | "NEVER_TRUE"
  | "NEVER_SENT"
  | "RULES_EXCLUDE"
  | "PLAN_BREAKING"
  | "DEMO_KEY"
  | "CALENDAR_ENDS";

export interface Problem {
  readonly severity: "error" | "warning";
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number;
  readonly code: ProblemCode;
  /** A lower-case fact. */
  readonly message: string;
  /** A full sentence: what to do. */
  readonly remedy: string;
  /** The line with a caret under the place; empty when there is no line to show. */
  readonly excerpt: string;
}

/** What reading a file gives: a value when nothing worse than warnings was found. */
export interface Reading<T> {
  readonly value: T | undefined;
  readonly problems: readonly Problem[];
}

export const isError = (problem: Problem): boolean => problem.severity === "error";

/** By file, line and column, then code and message; equal problems once. */
export function orderProblems(problems: readonly Problem[]): Problem[] {
  const sorted = [...problems].sort(
    (a, b) =>
      compareText(a.file, b.file) ||
      a.line - b.line ||
      a.column - b.column ||
      compareText(a.code, b.code) ||
      compareText(a.message, b.message),
  );
  return sorted.filter((problem, i) => {
    const before = sorted[i - 1];
    return before === undefined || identity(before) !== identity(problem);
  });
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const identity = (p: Problem): string =>
  `${p.file}\n${p.line}:${p.column}\n${p.code}\n${p.message}`;

/** `file:line:column: error CODE: message`, the line with its caret, and the remedy. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, severity, code, message, remedy, excerpt } = problem;
  const shown = excerpt === "" ? [] : excerpt.split("\n").map((text) => `    ${text}`);
  return [
    `${file}:${line}:${column}: ${severity} ${code}: ${message}`,
    ...shown,
    `  ${remedy}`,
  ].join("\n");
}

const EXCERPT_WIDTH = 96;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;

/** The part of `line` around `column` (from 1) and a caret below it, aligned for wide characters too. */
export function excerptOf(line: string, column: number): string {
  const from = Math.max(0, Math.min(column - 1 - EXCERPT_WIDTH / 2, line.length - EXCERPT_WIDTH));
  const cut = line.slice(from, from + EXCERPT_WIDTH);
  const text = `${from > 0 ? "…" : ""}${cut}${from + EXCERPT_WIDTH < line.length ? "…" : ""}`;
  let pad = from > 0 ? " " : "";
  for (const char of line.slice(from, column - 1)) pad += WIDE.test(char) ? "\u3000" : " ";
  return `${text.replaceAll("\t", " ")}\n${pad}^`;
}
