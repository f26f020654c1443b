import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runCep } from "../conformance/cep-adapter.ts";
import type { CepVector } from "../conformance/vector.ts";

const FOLDER = new URL("../conformance/vectors/", import.meta.url);
const vectors = readdirSync(FOLDER)
  .filter((name) => name.startsWith("cep-"))
  .flatMap((name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as CepVector[]);

test("every vector holds with the state written and read back after every step", () => {
  expect(vectors.length).toBeGreaterThan(100);
  for (const vector of vectors) {
    // On the step itself, so that the numbers of the steps stay what the vector says.
    const steps = vector.steps.map((step) => ({ ...step, snapshotRestore: true as const }));
    expect(runCep({ ...vector, steps }), vector.id).toEqual([]);
  }
});
