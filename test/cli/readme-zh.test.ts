import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/job.ts";

const BLOCK = /^```.*?^```$/gms;

interface Section {
  /** What a reader types or reads as it stands, in order. */
  readonly blocks: readonly string[];
  /** Names, subjects, commands and addresses in the text, in no particular order. */
  readonly names: readonly string[];
}

/** The page by its headings. */
function sections(file: string): Section[] {
  const page = readFileSync(join(ROOT, file), "utf8");
  const parts: string[] = [];
  let begun = 0;
  // A heading within a block is none.
  const text = page.replaceAll(BLOCK, (block) => block.replaceAll("\n## ", "\n.. "));
  for (const { index } of text.matchAll(/^## /gm)) {
    parts.push(page.slice(begun, index));
    begun = index;
  }
  parts.push(page.slice(begun));
  return parts.map((part) => {
    const prose = part.replaceAll(BLOCK, "");
    const spans = prose.matchAll(/`([^`]+)`/g);
    const links = prose.matchAll(/\]\(([^)#]+)/g);
    return {
      blocks: part.match(BLOCK) ?? [],
      names: [...spans, ...links]
        .map(([, name = ""]) => name.replaceAll(/\s+/g, " "))
        .filter((name) => !/^README(\.zh)?\.md$/.test(name))
        .sort(),
    };
  });
}

test("README.zh.md shows the same commands, names and links as README.md, section by section", () => {
  const english = sections("README.md");
  expect(english.length).toBeGreaterThan(8);
  expect(english.flatMap(({ blocks }) => blocks).length).toBeGreaterThan(10);
  expect(english.flatMap(({ names }) => names).length).toBeGreaterThan(200);
  expect(sections("README.zh.md")).toEqual(english);
});
