import type { Problem } from "../config/problem.ts";

/**
 * Problems as a SARIF 2.1.0 log, the form in which editors and code hosts take findings. Columns count
 * UTF-16 code units, as problems do; paths are relative to the folder the command ran in.
 */
export function sarifOf(problems: readonly Problem[], version: string): unknown {
  const codes = [...new Set(problems.map(({ code }) => code))].sort();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "freshet lint",
            version,
            rules: codes.map((id) => ({ id, shortDescription: { text: wordsOf(id) } })),
          },
        },
        columnKind: "utf16CodeUnits",
        results: problems.map((problem) => ({
          ruleId: problem.code,
          ruleIndex: codes.indexOf(problem.code),
          level: problem.severity,
          message: { text: `${problem.message}. ${problem.remedy}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(problem.file) },
                region: { startLine: problem.line, startColumn: problem.column },
              },
            },
          ],
        })),
      },
    ],
  };
}

/** `VALUE_RANGE` → `value range`. */
const wordsOf = (code: string): string => code.toLowerCase().replaceAll("_", " ");

/** A relative reference; an absolute path becomes a file URI. */
const uriOf = (file: string): string =>
  (file.startsWith("/") ? "file://" : "") + file.split("/").map(encodeURIComponent).join("/");
