import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { ROOT } from "../support/job.ts";

vi.setConfig({ testTimeout: 2_400_000 });

const REGRESSIONS = join(ROOT, "test", "sim", "regressions");
const regressions = existsSync(REGRESSIONS)
  ? readdirSync(REGRESSIONS).map(
      (name) =>
        JSON.parse(readFileSync(join(REGRESSIONS, name), "utf8")) as {
          readonly seed: number;
          readonly faults?: readonly number[];
          readonly events?: number;
          readonly operators?: readonly string[];
          readonly failed: string;
        },
    )
  : [];

/** What `npm run -s sim` prints, and whether it is content. */
async function sim(...words: string[]): Promise<{ ok: boolean; said: string }> {
  const main = join(ROOT, "dist", "test", "sim", "main.js");
  const run = promisify(execFile)(process.execPath, [main, ...words], { cwd: ROOT });
  const { ok, stdout, stderr } = await run.then(
    (said) => ({ ok: true, ...said }),
    (failure: { stdout: string; stderr: string }) => ({ ok: false, ...failure }),
  );
  return { ok, said: stdout + stderr };
}

test("500 seeds: nothing lost, nothing twice, nothing else, and every fault has happened", async () => {
  const { ok, said } = await sim("--seeds", "500");
  process.stdout.write(said);
  expect(ok, said).toBe(true);
});

test("a seed is the whole story: again, the same bytes", async () => {
  const first = await sim("--seed", "77");
  expect(first.said).toMatch(/"digest": "[0-9a-f]{32}"/);
  expect((await sim("--seed", "77")).said).toBe(first.said);
});

test.runIf(regressions.length > 0).each(regressions)(
  "seed $seed, which failed once: $failed",
  async ({ seed, faults, events, operators }) => {
    const { ok, said } = await sim(
      "--seed",
      String(seed),
      ...(faults === undefined ? [] : ["--faults", faults.join(",") || "none"]),
      ...(events === undefined ? [] : ["--events", String(events)]),
      ...(operators === undefined ? [] : ["--operators", operators.join(",")]),
    );
    expect(ok, said).toBe(true);
  },
);
