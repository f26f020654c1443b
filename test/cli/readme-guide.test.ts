import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../support/job.ts";

const HEAD = "## Your first segment, in five minutes";
const page = readFileSync(join(ROOT, "README.md"), "utf8");
const guide = page.slice(page.indexOf(HEAD)).split("\n## ")[0] ?? "";
const steps = [...guide.matchAll(/```sh\n(.*?)```\n```text\n(.*?)```/gs)].map(
  ([, commands = "", told = ""]) => ({ commands, told }),
);

/** What a checkout has for a reader who types: the package, built. */
let checkout = "";
beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), "freshet-guide-"));
  for (const part of ["package.json", "scripts", "config"])
    cpSync(join(ROOT, part), join(checkout, part), { recursive: true });
  for (const part of ["dist", "node_modules"])
    symlinkSync(join(ROOT, part), join(checkout, part), "dir");
});
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

/** What the commands print; a linter that finds something ends with 1, which is no failure here. */
async function typed(commands: string): Promise<string> {
  const shell = promisify(execFile)("bash", ["-c", commands], { cwd: checkout });
  const { stdout } = await shell.catch((error: { stdout: string }) => error);
  return stdout;
}

/** `…` on a line of its own stands for any lines. */
function fits(told: string): RegExp {
  const parts = told.split(/^…\n/m).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("(?:.*\\n)*?")}$`);
}

test("the guide to a first segment, typed as it stands, prints what it says", async () => {
  expect(steps).toHaveLength(3);
  expect(guide.match(/^```sh$/gm)).toHaveLength(3);
  for (const { commands, told } of steps) expect(await typed(commands)).toMatch(fits(told));
});
