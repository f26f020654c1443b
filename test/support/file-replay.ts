import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OutputLine } from "../../src/replay/replay.ts";
import { runCli } from "./engine-process.ts";
import { fed, published } from "./evidence.ts";

/** What `freshet replay FILE` writes, run as people run it. */
export async function replayFile(
  file: string,
  ...words: readonly string[]
): Promise<readonly OutputLine[]> {
  const folder = mkdtempSync(join(tmpdir(), "freshet-replay-"));
  try {
    const out = join(folder, "out.jsonl");
    const { code, stderr } = await runCli(["replay", file, "--out", out, ...words]);
    if (code !== 0) throw new Error(`freshet replay ended with code ${code}: ${stderr}`);
    fed(linesOf(file).length);
    return published(linesOf(out).map((line) => JSON.parse(line) as OutputLine));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const linesOf = (file: string): readonly string[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
