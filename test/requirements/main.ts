import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../support/job.ts";
import { anyRow, type Row, readRows } from "./rows.ts";
import { filesToWithhold, type Report, type RowTest, rowTests } from "./verdict.ts";

const HELP = `npm run -s requirements -- [ROW …] [--report FILE --withheld FILE] [--json] [--complete]

Which requirement has a test that holds it. A test counts that passed, fed the flows, and fails when
their outputs are withheld; see docs/requirements.md.

  ROW …             only these rows, such as C21 C22
  --report FILE     a report of vitest's json reporter, instead of a run
  --withheld FILE   one of the same tests run with FRESHET_TEST_OUTPUTS=withheld
  --config FILE     another vitest configuration
  --json            rows and tests as one JSON object
  --complete        rows without a test give exit code 1, too

Exit code 1: a test that names a row failed.
`;
/** Without outputs whoever waits for one waits in vain. */
const WITHHELD_TIMEOUT_MS = 15_000;

const print = (line: string) => void process.stdout.write(`${line}\n`);
const readReport = (file: string) => JSON.parse(readFileSync(file, "utf8")) as Report;

interface VitestRun {
  readonly files: readonly string[];
  readonly pattern: string;
  readonly config: string | undefined;
  readonly withheld: boolean;
}

/** The report of tests whose name matches. */
async function runTests({ files, pattern, config, withheld }: VitestRun): Promise<Report> {
  if (files.length === 0) return { testResults: [] };
  const folder = mkdtempSync(join(tmpdir(), "freshet-requirements-"));
  try {
    const file = join(folder, "report.json");
    const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
    const words = ["run", "--reporter=json", `--outputFile=${file}`, "-t", pattern];
    if (config !== undefined) words.push("--config", config);
    if (withheld) words.push(`--testTimeout=${WITHHELD_TIMEOUT_MS}`);
    const child = spawn(process.execPath, [vitest, ...words, ...files], {
      cwd: ROOT,
      env: { ...process.env, FRESHET_TEST_OUTPUTS: withheld ? "withheld" : "" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    await once(child, "close");
    return readReport(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Test files that speak of a row at all: it only saves the time of collecting the others. */
function filesNamingRows(pattern: string): string[] {
  const names = new RegExp(pattern);
  return readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(ROOT, "test", name))
    .filter((path) => names.test(readFileSync(path, "utf8")))
    .sort();
}

const counts = (tests: readonly RowTest[]): boolean =>
  tests.some(({ verdict }) => verdict === "counts");

function printRow({ id, kind, title }: Row, tests: readonly RowTest[]): void {
  const held = kind === "docs" || kind === "vision" ? kind : "OPEN";
  print(`${id}  ${counts(tests) ? "covered" : held}  ${title}`);
  const shown = tests.map(({ file, name, verdict }) => {
    const why = verdict === "counts" ? "" : `   (does not count: ${verdict})`;
    return `       ${relative(ROOT, file)}: ${name}${why}`;
  });
  for (const line of new Set(shown)) print(line);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      report: { type: "string" },
      withheld: { type: "string" },
      config: { type: "string" },
      json: { type: "boolean", default: false },
      complete: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const rows = readRows().filter(({ id }) => positionals.length === 0 || positionals.includes(id));
  const unknown = positionals.filter((id) => !rows.some((row) => row.id === id));
  if (rows.length === 0 || unknown.length > 0) {
    throw new Error(`No row is called ${unknown.join(", ")}: the rows are in test/requirements.`);
  }
  // A range such as G14-G18 may hold the row that is asked for.
  const pattern =
    positionals.length === 0 ? anyRow : `\\b(${positionals.join("|")}|${anyRow}-${anyRow})\\b`;
  const { config } = values;
  const how = { pattern, config };
  const full =
    values.report !== undefined
      ? readReport(values.report)
      : await runTests({
          ...how,
          files: config === undefined ? filesNamingRows(pattern) : ["."],
          withheld: false,
        });
  const withheld =
    values.withheld !== undefined
      ? readReport(values.withheld)
      : await runTests({ ...how, files: filesToWithhold(full), withheld: true });
  const tests = rowTests(rows, full, withheld);
  const broken = full.testResults.filter(({ message = "", assertionResults }) => {
    return message !== "" && assertionResults.length === 0;
  });
  tell(rows, tests, values.json);
  for (const { name, message } of broken) print(`${relative(ROOT, name)} did not run: ${message}`);
  const failed = [...tests.values()].flat().some(({ verdict }) => verdict === "failed");
  const open = rows.some(({ id, kind }) => isTested(kind) && !counts(tests.get(id) ?? []));
  if (failed || broken.length > 0 || (values.complete && open)) process.exitCode = 1;
}

const isTested = (kind: Row["kind"]): boolean => kind === "flows" || kind === "lint";

function tell(
  rows: readonly Row[],
  tests: ReadonlyMap<string, readonly RowTest[]>,
  json: boolean,
): void {
  const of = (row: Row) => tests.get(row.id) ?? [];
  if (json) {
    const told = rows.map((row) => ({ ...row, covered: counts(of(row)), tests: of(row) }));
    print(JSON.stringify({ rows: told }, undefined, 1));
    return;
  }
  for (const row of rows) printRow(row, of(row));
  const wanted = rows.filter(({ kind }) => isTested(kind));
  const open = wanted.filter((row) => !counts(of(row)));
  const tried = open.filter((row) => of(row).length > 0);
  print("");
  print(`open: ${open.map(({ id }) => id).join(" ") || "none"}`);
  if (tried.length > 0) {
    print(`with tests that do not count: ${tried.map(({ id }) => id).join(" ")}`);
  }
  const others = rows.length - wanted.length;
  print(
    `${rows.length} rows: ${wanted.length - open.length} covered, ${open.length} open, ` +
      `${others} for documents and people`,
  );
}

await main();
