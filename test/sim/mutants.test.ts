import { execFile } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test, vi } from "vitest";
import { ROOT } from "../support/job.ts";

vi.setConfig({ testTimeout: 600_000 });

/** Each takes a rule of the protocol out of the sources. */
const MUTANTS = join(ROOT, "test", "sim", "mutants");
/** Seeds within which every mutant is caught; most are by the first. */
const SEEDS = 60;

const copies: string[] = [];
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

const run = promisify(execFile);

/** A copy of the sources with the patch applied, compiled without a check: it only has to run. */
async function mutate(patch: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "freshet-mutant-"));
  copies.push(folder);
  for (const part of ["src", "operators", "config", join("test", "sim"), join("test", "support")]) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  for (const file of ["package.json", "tsconfig.json"]) {
    copyFileSync(join(ROOT, file), join(folder, file));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await run("git", ["apply", join(MUTANTS, patch)], { cwd: folder });
  const settings = {
    extends: "./tsconfig.json",
    include: ["test/sim/main.ts", "test/sim/seed-worker.ts"],
    compilerOptions: { outDir: "dist", noCheck: true },
  };
  writeFileSync(join(folder, "tsconfig.mutant.json"), JSON.stringify(settings));
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [tsc, "-p", "tsconfig.mutant.json"], { cwd: folder });
  return folder;
}

test.each(readdirSync(MUTANTS))("%s is caught", async (patch) => {
  const folder = await mutate(patch);
  const main = join("dist", "test", "sim", "main.js");
  const words = [main, "--first", "--workers", "1", "--seeds", String(SEEDS)];
  const said = await run(process.execPath, words, { cwd: folder }).then(
    ({ stdout }) => stdout,
    (failure: { stdout: string; stderr: string }) => failure.stdout + failure.stderr,
  );
  rmSync(folder, { recursive: true, force: true });
  process.stdout.write(`${patch}: ${said.split("\n")[0]?.slice(0, 160)}\n`);
  expect(said).toMatch(/^seed \d+: /m);
});
