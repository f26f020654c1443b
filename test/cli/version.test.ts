import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openJob } from "../../src/cli/open-job.ts";
import { type Deciding, versionOf } from "../../src/cli/version.ts";
import { configWith, ROOT, type Settings } from "../support/job.ts";

let program: string;
const folders: string[] = [];

/** A package as it is installed: what it stands on, and what was built. */
function write(path: string, content: string): void {
  writeFileSync(join(program, path), content);
}
beforeEach(() => {
  program = mkdtempSync(join(tmpdir(), "freshet-program-"));
  folders.push(program);
  mkdirSync(join(program, "dist", "src", "flow"), { recursive: true });
  mkdirSync(join(program, "dist", "operators"));
  cpSync(join(ROOT, "package.json"), join(program, "package.json"));
  write("dist/src/flow/step.js", "export const step = 1;");
  write("dist/operators/rule.js", "export const rule = 1;");
});
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folderWith(settings: Settings = {}): string {
  const { folder } = configWith(settings);
  folders.push(folder);
  return folder;
}
async function version(of: Partial<Deciding> = {}, settings?: Settings): Promise<string> {
  const folder = of.folder ?? folderWith(settings);
  const { config } = await openJob(folder, {}, { quiet: true });
  return versionOf({ config, program, folder, keyIds: ["k_1"], ...of });
}

describe("what decides has another name", () => {
  test("when a file of the build is another, is there or is gone", async () => {
    const names = [await version()];
    write("dist/src/flow/step.js", "export const step = 2;");
    names.push(await version());
    write("dist/operators/more.js", "");
    names.push(await version());
    rmSync(join(program, "dist", "operators", "rule.js"));
    names.push(await version());
    expect(new Set(names).size).toBe(4);
  });

  test("under another tenant key, another setting or another package", async () => {
    const names = [
      await version(),
      await version({ keyIds: ["k_2"] }),
      await version({}, { seed: 9 }),
    ];
    write("package.json", JSON.stringify({ dependencies: { "@msgpack/msgpack": "9.9.9" } }));
    names.push(await version());
    expect(new Set(names).size).toBe(4);
  });

  test("when an operator that the configuration brings along is another", async () => {
    const folder = folderWith();
    const config = (await openJob(folderWith(), {}, { quiet: true })).config;
    const mine = { name: "mine", options: { module: "./mine.js" } };
    const shopper = [...config.job.operators.shopper, mine] as never;
    const operators = { ...config.job.operators, shopper };
    const naming = { ...config, job: { ...config.job, operators } };
    const of = { config: naming, program, folder, keyIds: ["k_1"] };
    writeFileSync(join(folder, "mine.js"), "export const n = 1;");
    const before = versionOf(of);
    writeFileSync(join(folder, "mine.js"), "export const n = 2;");
    expect(versionOf(of)).not.toBe(before);
    expect(versionOf({ ...of, config })).toBe(versionOf({ ...of, config, folder: program }));
  });
});

test("what decides nothing changes no name: notes beside the scripts, ports, the log's level", async () => {
  const before = await version();
  write("dist/src/flow/step.js.map", "{}");
  const settings = { "log.level": "debug", "http.port": 1, "state.checkpoint_every": "3s" };
  expect(await version({}, settings)).toBe(before);
});
