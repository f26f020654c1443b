import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runVector } from "./adapter.ts";
import type { Vector } from "./vector.ts";

/** The package root, from the compiled file as well as from the source. */
function packageRoot(): string {
  let folder = fileURLToPath(new URL(".", import.meta.url));
  while (!readdirSync(folder).includes("package.json")) folder = resolve(folder, "..");
  return folder;
}

export const defaultFolder = (): string => join(packageRoot(), "test/conformance/vectors");

export function readVectors(folder: string): Vector[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files
    .sort()
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Vector[]);
}

/** What differs from the vector; an operator that breaks differs as well. */
export function problemsOf(vector: Vector): string[] {
  try {
    return runVector(vector);
  } catch (error) {
    return [`broke: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function main(folder: string): void {
  let passed = 0;
  let failed = 0;
  for (const vector of readVectors(folder)) {
    const problems = problemsOf(vector);
    if (problems.length === 0) passed++;
    else {
      failed++;
      process.stdout.write(`FAILED ${vector.id}\n${problems.map((p) => `  ${p}\n`).join("")}`);
    }
  }
  process.stdout.write(`${passed} passed, ${failed} failed, 0 skipped\n`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  main(process.argv[2] === undefined ? defaultFolder() : resolve(process.argv[2]));
}
