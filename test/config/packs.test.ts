import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { specs } from "../../operators/all.ts";
import { lint, requireConfig } from "../../src/config/lint.ts";
import { type Config, loadConfig } from "../../src/config/load.ts";
import { packNames } from "../../src/config/pack.ts";
import type { Problem } from "../../src/config/problem.ts";
import { CONFIG_DIR } from "./shipped.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "freshet-packs-"));
  cpSync(CONFIG_DIR, dir, { recursive: true });
  rmSync(join(dir, "packs"), { recursive: true });
  mkdirSync(join(dir, "packs"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const pack = (text: string) => writeFileSync(join(dir, "packs", "mine.yaml"), text);
const found = async (text: string): Promise<readonly Problem[]> => {
  pack(text);
  const problems = await lint(dir, specs, undefined, "mine");
  return problems.filter(({ code }) => code !== "DEMO_KEY");
};
const configOf = async (folder: string, name?: string): Promise<Config> =>
  (await requireConfig(folder, specs, name)).config;

describe("what is shipped", () => {
  const names = packNames(CONFIG_DIR);

  test("one pack for each layer, and one to begin with", () => {
    expect(names).toEqual(["collect", "home", "rules", "segments", "supply"]);
  });

  test.each(names)("%s has no problem, and every test of what it keeps is kept", async (name) => {
    const problems = await lint(CONFIG_DIR, specs, undefined, name);
    expect(problems.map(({ code }) => code)).toEqual(["DEMO_KEY"]);
    const { segments, rules, tests } = await configOf(CONFIG_DIR, name);
    const kept = [...segments.segments, ...rules.rules].map(({ id }) => id);
    expect(new Set(tests.map(({ id }) => id))).toEqual(new Set(kept));
  });

  test("each decides something else; the one that leaves nothing out is the whole", async () => {
    const hashes = await Promise.all(
      [...names, undefined].map(async (name) => (await configOf(CONFIG_DIR, name)).hash),
    );
    expect(hashes[names.indexOf("supply")]).toBe(hashes.at(-1));
    expect(new Set(hashes).size).toBe(names.length);
  });
});

describe("inheritance", () => {
  test("a block has what freshet.yaml says of it but for what it says itself", async () => {
    pack(`version: 1
operators:
  shopper: { person: , session: , recommend: { from: [session], push: false } }
segments: []
rules: []
`);
    const { job } = await configOf(dir, "mine");
    const whole = (await configOf(dir)).job;
    const block = (of: typeof job, name: string) =>
      of.operators.shopper.find((operator) => operator.name === name);
    expect(job.operators.shopper.map(({ name }) => name)).toEqual([
      "person",
      "session",
      "recommend",
    ]);
    expect(block(job, "session")).toEqual(block(whole, "session"));
    expect(block(job, "recommend")?.from).toEqual(["session"]);
    expect(block(job, "recommend")?.options).toEqual({
      ...(block(whole, "recommend")?.options as object),
      push: false,
    });
    // A flow that the pack does not name runs whole.
    expect(job.operators.demand).toEqual(whole.operators.demand);
  });

  test("kept definitions are those of the files, to the hash; which they are decides, too", async () => {
    pack("version: 1\nsegments: [science_reader]\nrules: [points]\n");
    const some = await configOf(dir, "mine");
    const whole = await configOf(dir);
    const named = (id: string) => whole.segments.segments.filter((one) => one.id === id);
    expect(some.segments.segments).toEqual(named("science_reader"));
    expect(some.rules.rules.map(({ id }) => id)).toEqual(["points"]);
    expect(some.rules.contact).toEqual(whole.rules.contact);
    expect(some.job.hash).toBe(whole.job.hash);
    expect(some.hash).not.toBe(whole.hash);
  });
});

describe("what is wrong is told where it stands", () => {
  test("a pack that is not there names those that are", async () => {
    pack("version: 1\n");
    const failure: unknown = await requireConfig(dir, specs, "min").catch(
      (error: unknown) => error,
    );
    expect(String(failure)).toContain("no pack is called `min`: there are mine");
    expect(String(failure)).toContain("Did you mean `mine`?");
    for (const name of ["../freshet", "", "mine.yaml"]) {
      const { problems } = await loadConfig(dir, specs, {}, name);
      expect(problems.map(({ code }) => code)).toEqual(["NAME_UNKNOWN"]);
    }
  });

  test("an operator whose inputs are gone, with what is missing", async () => {
    const problems = await found(`version: 1
operators:
  shopper:
    person:
    session:
    segment: { from: [session, scene] }
    recommend:
rules: []
`);
    expect(problems.map(({ file, line, code, message }) => [file, line, code, message])).toEqual([
      [
        join(dir, "packs", "mine.yaml"),
        6,
        "NAME_UNKNOWN",
        "`segment` is fed by `scene`, which this flow does not run",
      ],
      [
        join(dir, "packs", "mine.yaml"),
        7,
        "NAME_UNKNOWN",
        "`recommend` is fed by `intent`, which this flow does not run",
      ],
    ]);
  });

  test("a segment or rule that is not defined, and one that asks for what is left out", async () => {
    const problems = await found(`version: 1
segments:
  - science_reader
rules:
  - poinst
  - tag_high_value
`);
    expect(problems.map(({ line, message, remedy }) => [line, message, remedy])).toEqual([
      [5, "rules.yaml defines no `poinst`", "Did you mean `points`?"],
      [
        6,
        "`tag_high_value` asks for the segment `high_value_interest`, which this pack leaves out",
        "Add `high_value_interest` to `segments`, or leave `tag_high_value` out, too.",
      ],
    ]);
  });

  test("a rule that asks for what nothing tells any more", async () => {
    const problems = await found(`version: 1
operators:
  shopper:
    person:
    session:
    rule: { from: [session] }
segments: []
rules: [winback]
`);
    expect(problems.map(({ severity, code, message }) => [severity, code, message])).toEqual([
      [
        "warning",
        "NEVER_TRUE",
        "`winback` asks for `life`, which nothing that feeds `rule` tells in the pack `mine`",
      ],
    ]);
  });

  test("lint of a folder looks at every pack of it", async () => {
    pack("version: 1\nrules: [poinst]\n");
    const problems = await lint(dir, specs);
    expect(problems.map(({ code }) => code)).toEqual(["DEMO_KEY", "NAME_UNKNOWN"]);
  });
});
