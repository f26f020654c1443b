import type { Evidence } from "../support/evidence.ts";
import { type Row, rowsNamedBy } from "./rows.ts";

/** What is read of a report that vitest's own JSON reporter wrote. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message?: string;
    readonly assertionResults: readonly TestResult[];
  }[];
}
interface TestResult {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
  readonly meta: { readonly flows?: Evidence };
}

const MAX_NAME = 160;

interface Ran {
  readonly file: string;
  readonly result: TestResult;
}

export type Verdict =
  | "counts"
  | "failed"
  | "fed nothing"
  | "published nothing"
  | "holds without outputs";

export interface RowTest {
  readonly file: string;
  readonly name: string;
  readonly verdict: Verdict;
}

/** Every row with the tests it names. */
export function rowTests(
  rows: readonly Row[],
  full: Report,
  withheld: Report,
): ReadonlyMap<string, readonly RowTest[]> {
  const found = new Map<string, RowTest[]>(rows.map(({ id }) => [id, []]));
  const without = new Map(
    [...testsOf(withheld, "passed")].map(([name, { result }]) => [name, result]),
  );
  for (const [key, { file, result }] of testsOf(full, "failed")) {
    const titles = [...result.ancestorTitles, result.title];
    const verdict = verdictOf(result, without.get(key));
    const name = titles.filter((title) => title !== "").join(" > ");
    const test = { file, name: shortened(name), verdict };
    for (const id of new Set(titles.flatMap(rowsNamedBy))) found.get(id)?.push(test);
  }
  return found;
}

/** A title may hold a whole file. */
const shortened = (name: string): string => name.replaceAll(/\s+/g, " ").slice(0, MAX_NAME);

/** A test counts that passed, fed events, had outputs published, and fails when they are withheld. */
function verdictOf({ status, meta }: TestResult, without: TestResult | undefined): Verdict {
  if (status !== "passed") return "failed";
  if ((meta.flows?.fed ?? 0) === 0) return "fed nothing";
  if ((meta.flows?.published ?? 0) === 0) return "published nothing";
  return without?.status === "failed" ? "counts" : "holds without outputs";
}

/** Files with a test that the outputs could matter to. */
export const filesToWithhold = (full: Report): string[] => [
  ...new Set(
    [...testsOf(full, "failed").values()].flatMap(({ file, result }) =>
      verdictOf(result, undefined) === "holds without outputs" ? [file] : [],
    ),
  ),
];

/** Those that ran, by file and full name. Of two with the same name the one of this status stands. */
function testsOf(report: Report, standing: "passed" | "failed"): Map<string, Ran> {
  const tests = new Map<string, Ran>();
  for (const { name: file, assertionResults } of report.testResults) {
    for (const result of assertionResults) {
      if (result.status !== "passed" && result.status !== "failed") continue;
      const key = [file, ...result.ancestorTitles, result.title].join("\n");
      if (tests.get(key)?.result.status !== standing) tests.set(key, { file, result });
    }
  }
  return tests;
}
