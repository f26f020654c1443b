import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { ROOT } from "../support/job.ts";
import { readRows, rowsNamedBy } from "./rows.ts";
import type { Verdict } from "./verdict.ts";

interface Told {
  readonly rows: readonly {
    readonly id: string;
    readonly covered: boolean;
    readonly tests: readonly { readonly name: string; readonly verdict: Verdict }[];
  }[];
}

test("of six tests that are called like rows one counts, and every other for its own reason not", async () => {
  const words = ["--config", "test/requirements/probe/vitest.config.ts", "--json"];
  const ids = ["C01", "C02", "C03", "C04", "C05", "C06", "C07"];
  const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((done) => {
    const main = "dist/test/requirements/main.js";
    execFile(process.execPath, [main, ...words, ...ids], { cwd: ROOT }, (error, stdout) =>
      done({ code: error?.code ?? 0, stdout }),
    );
  });
  const { rows } = JSON.parse(stdout) as Told;
  expect(
    rows.map(({ id, covered, tests }) => [id, covered, ...tests.map((t) => t.verdict)]),
  ).toEqual([
    ["C01", true, "counts"],
    ["C02", false, "fed nothing"],
    ["C03", false, "holds without outputs"],
    ["C04", false, "holds without outputs"],
    ["C05", false, "failed"],
    ["C06", false, "published nothing"],
    ["C07", false],
  ]);
  expect(code).toBe(1);
});

test("a title names its rows before the colon: one, several, a range", () => {
  expect(rowsNamedBy("C21: the same ids")).toEqual(["C21"]);
  expect(rowsNamedBy("C38, G09: maintenance")).toEqual(["C38", "G09"]);
  expect(rowsNamedBy("G14-G16, E01: x")).toEqual(["G14", "G15", "G16", "E01"]);
  expect(rowsNamedBy("what C21 says")).toEqual([]);
  expect(rowsNamedBy("C21 says")).toEqual([]);
});

test("the list has its 207 rows, each once", () => {
  const rows = readRows();
  expect(new Set(rows.map(({ id }) => id)).size).toBe(207);
  expect(rows).toHaveLength(207);
  const kinds = new Set(rows.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["docs", "flows", "lint", "vision"]);
  expect(rows.every(({ title }) => title.length >= 3)).toBe(true);
});
