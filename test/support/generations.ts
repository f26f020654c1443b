import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GenerationRecord } from "../../src/config/generation-record.ts";
import { LIVE, type LiveTexts, liveDigest } from "../../src/config/live.ts";
import { parseYaml } from "../../src/config/yaml-file.ts";
import { CONFIG_DIR } from "./job.ts";

/** Of the shipped configuration, those given in place of its own. */
export function liveTexts(given: Partial<LiveTexts> = {}): LiveTexts {
  const shipped = LIVE.map((name) => readFileSync(join(CONFIG_DIR, `${name}.yaml`), "utf8"));
  const [segments = "", rules = "", tags = ""] = shipped;
  return { segments, rules, tags, ...given };
}

/** The shipped texts with one thing in place of another, which must be there. */
export function changed(
  file: keyof LiveTexts,
  ...changes: readonly (readonly [from: string | RegExp, to: string])[]
): LiveTexts {
  const texts = liveTexts();
  let text = texts[file];
  for (const [from, to] of changes) {
    const next = text.replace(from, to);
    if (next === text) throw new Error(`${file} says nothing of ${from}`);
    text = next;
  }
  return { ...texts, [file]: text };
}

export const generation = (
  number: number,
  texts: LiveTexts,
  of: Partial<GenerationRecord> = {},
): GenerationRecord => {
  const value = (name: keyof LiveTexts) => parseYaml(name, texts[name]).value?.value;
  const [segments, rules, tags] = LIVE.map(value);
  return {
    generation: number,
    by: "ops",
    note: "",
    digest: liveDigest({ segments, rules, tags }),
    at: null,
    restores: null,
    texts,
    ...of,
  };
};

/** As a line of a file that `replay --format events` reads. */
export const generationLine = (record: GenerationRecord) => ({
  subject: "in.config",
  data: record,
});
