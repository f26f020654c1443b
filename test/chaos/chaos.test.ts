import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { ROOT } from "../support/job.ts";

const BUILT_CHAOS = join(ROOT, "dist", "test", "chaos", "main.js");

test("nothing is lost, doubled or wrong while engines and broker die, sleep and are cut off", async () => {
  const chaos = spawn(process.execPath, [BUILT_CHAOS, "--seed", "2", "--for", "10s"]);
  process.once("exit", () => chaos.kill());
  const [stdout, stderr, [code]] = await Promise.all([
    text(chaos.stdout),
    text(chaos.stderr),
    once(chaos, "close"),
  ]);
  expect(stdout, stderr).not.toBe("");
  const line = JSON.parse(stdout) as Record<string, number>;
  expect(line, stderr).toMatchObject({ duplicates: 0, missing: 0, wrong: 0 });
  for (const column of ["engineKills", "brokerKills", "zombies", "events", "outputsExpected"]) {
    expect(line[column], column).toBeGreaterThan(0);
  }
  expect(line["outputsGot"]).toBe(line["outputsExpected"]);
  expect(code, stderr).toBe(0);
});
