import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/job.ts";

/**
 * A requirement. `flows`: events in, outputs out. `lint`: a configuration in, problems out. `docs`
 * and `vision` are held by no test.
 */
export interface Row {
  readonly id: string;
  readonly kind: "flows" | "lint" | "docs" | "vision";
  readonly title: string;
}

export function readRows(): Row[] {
  const text = readFileSync(join(ROOT, "test", "requirements", "rows.tsv"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [id = "", kind = "", title = ""] = line.split("\t");
      return { id, kind: kind as Row["kind"], title };
    });
}

const ID = "[A-G]\\d\\d";
/** `C21: …`, `C38, G09: …`, `G14-G18: …` at the beginning of a title. */
const NAMES = new RegExp(`^(${ID}(?:(?:, |-)${ID})*): `);
/** Tests that may be named by a row: for the runner's filter of names. */
export const anyRow = `\\b${ID}\\b`;

/** Ids of the rows that a title names; ranges stand for all between. */
export function rowsNamedBy(title: string): string[] {
  const [, names] = NAMES.exec(title) ?? [];
  return (names ?? "").split(", ").flatMap((name) => {
    const [first = "", last = first] = name.split("-");
    if (first === "") return [];
    const letter = first.slice(0, 1);
    const [from, to] = [Number(first.slice(1)), Number(last.slice(1))];
    return Array.from(
      { length: Math.max(0, to - from) + 1 },
      (_, i) => `${letter}${String(from + i).padStart(2, "0")}`,
    );
  });
}
