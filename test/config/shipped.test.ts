import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { specs } from "../../operators/all.ts";
import { lint } from "../../src/config/lint.ts";
import { formatProblem, isError } from "../../src/config/problem.ts";
import { schemaFiles } from "../../src/config/schema-files.ts";
import { CONFIG_DIR } from "./shipped.ts";

test("the shipped configuration has no error, and warns of nothing but the demo key", async () => {
  const problems = await lint(CONFIG_DIR, specs);
  expect(problems.filter(isError).map(formatProblem)).toEqual([]);
  expect(problems.map((problem) => problem.code)).toEqual(["DEMO_KEY"]);
});

test("the schemas under config/schemas are those of this build; `npm run schemas` writes them", () => {
  const folder = `${CONFIG_DIR}/schemas`;
  const published = schemaFiles(specs);
  expect(readdirSync(folder).sort()).toEqual(Object.keys(published).sort());
  for (const [name, text] of Object.entries(published)) {
    expect(readFileSync(`${folder}/${name}`, "utf8"), name).toBe(text);
  }
});
