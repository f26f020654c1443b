import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { defaultFolder, problemsOf, readVectors } from "../conformance/run.ts";
import type { Vector } from "../conformance/vector.ts";

const vectors = readVectors(defaultFolder());

/** Fields of a vector, and of its steps, that state what is expected. */
const EXPECTATIONS = /^(expected|lateOutputs|finalState)/;
const STEP_EXPECTATIONS = new Set(["emits", "combinedWatermark", "idle", "late"]);

type Path = readonly (string | number)[];

/** Where the expected values of a vector stand. */
function expectations(vector: Vector): Path[] {
  const paths: Path[] = [];
  for (const field of Object.keys(vector)) {
    const asserted = vector.checkOnly === undefined || vector.checkOnly === field;
    if (EXPECTATIONS.test(field) && asserted) paths.push([field]);
  }
  for (const [i, step] of (vector.steps ?? []).entries()) {
    for (const field of Object.keys(step)) {
      const generated = vector.operator === "watermarkGenerator" && field === "watermark";
      if (STEP_EXPECTATIONS.has(field) || generated) paths.push(["steps", i, field]);
    }
  }
  for (const i of (vector.cases ?? []).keys()) paths.push(["cases", i, "windows"]);
  for (const i of (vector.addSequence ?? []).keys()) {
    paths.push(["addSequence", i, "resultWindow"], ["addSequence", i, "merged"]);
  }
  return paths;
}

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], value);

function withValue(vector: Vector, path: Path, value: unknown): Vector {
  const copy = structuredClone(vector);
  const parent = at(copy, path.slice(0, -1)) as Record<string, unknown>;
  parent[String(path.at(-1))] = value;
  return copy;
}

/** The vector with one expected value changed, for each of them. */
function* perturbed(vector: Vector, path: Path): Generator<readonly [Path, Vector]> {
  const value = at(vector, path);
  if (Array.isArray(value)) {
    if (value.length === 0) yield [path, withValue(vector, path, [bogus(vector, path)])];
    for (const i of value.keys()) yield* perturbed(vector, [...path, i]);
  } else if (typeof value === "object" && value !== null) {
    for (const name of Object.keys(value)) yield* perturbed(vector, [...path, name]);
  } else yield [path, withValue(vector, path, changed(value, path))];
}

function changed(value: unknown, path: Path): unknown {
  // A state may be the same one step later; of a step that does not exist nothing is true.
  if (path.at(-1) === "afterStep" && typeof value === "number") return value + 1000;
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return `${value}?`;
  return 4711;
}

/** Something that does not happen, in a place where nothing is expected. */
function bogus(vector: Vector, path: Path): unknown {
  const [field] = path;
  const nothing = { key: "nobody", windowStart: 1, windowEnd: 2, value: 3 };
  if (path.length > 1) return nothing;
  if (field === "expectedMerges") return { from: [[0, 1]], to: [0, 1] };
  if (field === "lateOutputs") return { afterStep: 0, elements: [nothing] };
  if (field === "expected") return { afterStep: 0, outputs: [nothing] };
  return vector.operator === "cep" ? ["nobody"] : nothing;
}

describe("conformance", () => {
  test("every vector of Flink, Beam and Kafka Streams passes", () => {
    expect(vectors.length).toBe(206);
    for (const vector of vectors) expect(problemsOf(vector), vector.id).toEqual([]);
  });

  test("a change of any expected value is seen", () => {
    let changes = 0;
    for (const vector of vectors) {
      const places = expectations(vector);
      expect(places.length, vector.id).toBeGreaterThan(0);
      for (const place of places) {
        for (const [path, wrong] of perturbed(vector, place)) {
          changes++;
          expect(problemsOf(wrong).length, `${vector.id} ${path.join(".")}`).toBeGreaterThan(0);
        }
      }
    }
    expect(changes).toBeGreaterThan(2000);
  });

  test("the adapter uses the public names alone and stays under 400 lines of code", () => {
    const files = ["adapter.ts", "cep-adapter.ts", "drive.ts"];
    const lines = files.flatMap((name) =>
      readFileSync(join("test/conformance", name), "utf8")
        .split("\n")
        .filter((line) => line.trim() !== "" && !/^\s*(\/\/|\/\*|\*)/.test(line)),
    );
    expect(lines.length).toBeLessThan(400);
    const imported = lines.flatMap((line) => /from "(.+)";$/.exec(line)?.[1] ?? []);
    expect(imported.length).toBeGreaterThan(20);
    for (const name of imported) expect(name).toMatch(/^(freshet\/|\.\/|@msgpack\/)/);
  });

  test("an operator nobody knows is a failure, not a skip", () => {
    const folder = mkdtempSync(join(tmpdir(), "vectors-"));
    const stranger = { id: "x", operator: "teleport", config: {}, steps: [] };
    writeFileSync(join(folder, "x.json"), JSON.stringify([stranger]));
    expect(readVectors(folder).map(problemsOf)).toEqual([["no operator teleport"]]);
  });
});
