import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lint, requireConfig } from "../../src/config/lint.ts";
import { loadConfig } from "../../src/config/load.ts";
import { isFault } from "../../src/faults.ts";
import { minutes, seconds } from "../../src/time/event-time.ts";
import { CONFIG_DIR, shippedText, yaml } from "./shipped.ts";
import { SOME_SPECS } from "./some-specs.ts";

const BLOCKS = `operators:
  shopper:
    intent: {min_probability: 0.6}
    session:
  demand:
    heat: {windows: [5m, 1h]}
    restock: {budget_minor: 0}
`;
const jobText = shippedText("freshet").replace(/^operators:[\s\S]*/m, BLOCKS);
const withJob = (text: string) => ({
  freshet: { value: yaml(text, "freshet.yaml"), problems: [] },
});

test("the job file: defaults in, lengths of time in milliseconds, operators behind what feeds them", async () => {
  const { value, problems } = await loadConfig(CONFIG_DIR, SOME_SPECS, withJob(jobText));
  expect(problems.map((p) => `${p.severity} ${p.code}`)).toEqual(["warning DEMO_KEY"]);
  const job = value?.job;
  expect(job).toMatchObject({
    prefix: "freshet",
    groups: 16,
    demandGroups: 4,
    timeZone: "Asia/Shanghai",
    time: { disorder: seconds(5), trustRecv: false },
    broker: { url: undefined, replicas: 1, duplicateWindow: minutes(2) },
    scoring: { workers: "auto" },
    frames: { records: 128 },
  });
  const blocks = job?.operators.shopper.map(({ name, from, options }) => [name, from, options]);
  expect(blocks).toEqual([
    ["session", ["events"], { gap: "30m" }],
    ["intent", ["session"], { half_life: "10m", min_probability: 0.6, mode: "exact" }],
  ]);
  expect(job?.operators.demand.map(({ name }) => name)).toEqual(["heat", "restock"]);
});

test("the hash follows what can change a decision, and nothing else", async () => {
  const hashOf = async (text: string) =>
    (await loadConfig(CONFIG_DIR, SOME_SPECS, withJob(text))).value?.hash;
  const base = await hashOf(jobText);
  expect(base).toMatch(/^[0-9a-f]{32}$/);
  expect(await hashOf(`# a comment\n${jobText}`)).toBe(base);
  expect(await hashOf(jobText.replace("port: 9464", "port: 9465"))).toBe(base);
  expect(await hashOf(jobText.replace("workers: auto", "workers: 2"))).toBe(base);
  expect(await hashOf(jobText.replace("seed: 2", "seed: 3"))).not.toBe(base);
  expect(await hashOf(jobText.replace("0.6", "0.7"))).not.toBe(base);
});

test("lint tells every file's problems in a fixed order; start-up refuses with a fault", async () => {
  const dir = await mkdtemp(join(tmpdir(), "freshet-lint-"));
  await writeFile(join(dir, "freshet.yaml"), jobText.replace("16", "0"));
  await writeFile(join(dir, "tracking-plan.yaml"), shippedText("tracking-plan"));
  await writeFile(join(dir, "segments.yaml"), "version: 1\nsegments: [{id: a}, {id: 1}]\n");
  const problems = await lint(dir, SOME_SPECS);
  const told = problems.map((p) => `${p.file.slice(dir.length + 1)} ${p.line} ${p.code}`);
  expect(told).toEqual([
    "calendar.yaml 1 FILE_MISSING",
    "freshet.yaml 8 VALUE_RANGE",
    "intents.yaml 1 FILE_MISSING",
    "lexicon.yaml 1 FILE_MISSING",
    "rules.yaml 1 FILE_MISSING",
    "segments.yaml 2 KEY_MISSING",
    "segments.yaml 2 KEY_MISSING",
    "segments.yaml 2 TYPE_WRONG",
    "tags.yaml 1 FILE_MISSING",
  ]);
  expect(await lint(dir, SOME_SPECS)).toEqual(problems);
  const fault: unknown = await requireConfig(dir, SOME_SPECS).catch((error: unknown) => error);
  expect(isFault(fault, "CONFIG_INVALID")).toBe(true);
  expect(String(fault)).toContain("freshet.yaml:8:9: error VALUE_RANGE");
});

test("a folder that is not there, is none, or has no configuration is one problem", async () => {
  const dir = await mkdtemp(join(tmpdir(), "freshet-lint-"));
  const empty = join(dir, "empty");
  const file = join(dir, "file");
  await mkdir(empty);
  await writeFile(file, "version: 1\n");
  for (const [folder, message] of [
    [join(dir, "nowhere"), /^there is no such folder$/],
    [file, /^not a folder$/],
    [empty, /^the folder has no configuration: freshet\.yaml, /],
  ] as const) {
    for (const pack of [undefined, "home"]) {
      const problems = await lint(folder, SOME_SPECS, undefined, pack);
      expect(problems).toMatchObject([
        { code: "FILE_MISSING", file: folder, message: expect.stringMatching(message) },
      ]);
    }
  }
});
