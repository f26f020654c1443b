import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readJob } from "../../src/config/job.ts";
import { readLexicon } from "../../src/config/lexicon.ts";
import { FILES, type FileName } from "../../src/config/load.ts";
import { formatProblem, isError, type Reading } from "../../src/config/problem.ts";
import { readSegments } from "../../src/config/segments.ts";
import { readTrackingPlan } from "../../src/config/tracking-plan.ts";
import { parseYaml, type YamlFile } from "../../src/config/yaml-file.ts";
import { shippedText, yaml } from "./shipped.ts";
import { SOME_SPECS } from "./some-specs.ts";

const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value;
if (plan === undefined) throw new Error("the shipped tracking plan is broken");

const READERS: readonly ((file: YamlFile) => Reading<unknown>)[] = [
  (file) => readJob(file, SOME_SPECS),
  readTrackingPlan,
  (file) => readSegments(file, plan, "Asia/Shanghai"),
  readLexicon,
];

/** Whatever the text: a value or at least one error, each at a place that the text has. */
function checkAnything(source: string | Uint8Array): void {
  const parsed = parseYaml("f.yaml", source);
  const readings = parsed.value === undefined ? [parsed] : [];
  if (parsed.value !== undefined)
    for (const read of READERS) readings.push(read(parsed.value) as never);
  const lines = typeof source === "string" ? source.split("\n") : undefined;
  for (const { value, problems } of readings as Reading<unknown>[]) {
    expect(value === undefined).toBe(problems.some(isError));
    for (const problem of problems) {
      expect(problem.remedy).not.toBe("");
      expect(formatProblem(problem)).toContain(problem.code);
      const line = lines?.[problem.line - 1];
      if (lines !== undefined) expect(line).toBeDefined();
      if (line !== undefined) expect(problem.column).toBeLessThanOrEqual(line.length + 1);
    }
  }
}

const files = Object.keys(FILES) as FileName[];
const PIECES = [
  "[",
  "]",
  "{",
  "}",
  ":",
  ": ",
  "- ",
  "? ",
  "\n",
  "\t",
  "  ",
  "#",
  "'",
  '"',
  "&a ",
  "*a",
  "!!set ",
  "|\n",
  ">-\n",
  "---\n",
  "%YAML 1.1\n",
  "__proto__: 1\n",
  "constructor: ",
  "null",
  "~",
  "1e999",
  ".inf",
  "0x1F",
  "\u2028",
  "\ufeff",
  "\u0000",
  "价格",
  "\\u0000",
  "\ud800",
  "{all: [".repeat(12),
  "- ".repeat(40),
  "toString: {}\n",
];

describe("anything at all is read or told, never thrown", () => {
  test("random bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), checkAnything), { numRuns: 400 });
  });

  test("random YAML pieces", () => {
    const soup = fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 4 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(soup, (parts) => checkAnything(parts.join(""))),
      { numRuns: 1000 },
    );
  });

  test("random data in the place of a file", () => {
    const data = fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.stringify(value));
    fc.assert(fc.property(data, checkAnything), { numRuns: 300 });
  });

  test.each(files)("%s with pieces cut, doubled and put in", (name) => {
    const text = shippedText(name).slice(0, 6000);
    const edit = fc.record({
      at: fc.nat({ max: text.length }),
      cut: fc.nat({ max: 12 }),
      put: fc.oneof(
        fc.constantFrom(...PIECES),
        fc.constantFrom(...text.split(/\s+/).slice(0, 200)),
      ),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let mutant = text;
        for (const { at, cut, put } of edits)
          mutant = mutant.slice(0, at) + put + mutant.slice(at + cut);
        checkAnything(mutant);
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    ["[", 6000],
    ["{a: ", 200_000],
    ["- ", 400_000],
    ["? ", 400_000],
    ["a: b: ", 100_000],
    ["'", 900_000],
    ['"', 900_000],
    ["&a ", 300_000],
    ["a:\n", 300_000],
    ["\n", 900_000],
    ["价", 900_000],
    ["|\n ", 200_000],
  ])("%j many times over", (piece, times) => {
    const text = piece.repeat(times).slice(0, 200_000);
    checkAnything(`a: ${text}`);
  });
});
