import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { progressText } from "../../src/cli/progress.ts";
import type { Backtest } from "../../src/replay/backtest.ts";
import type { OutputLine } from "../../src/replay/replay.ts";
import { runCli } from "../support/engine-process.ts";
import { CONFIG_DIR, ROOT } from "../support/job.ts";

const folder = mkdtempSync(join(tmpdir(), "freshet-backtest-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EVENTS = join(ROOT, "test", "fixtures", "E17-high-value.events.jsonl");
const UNTIL = "2026-12-31T00:00:00Z";

function draftOf(file: string, from: string, to: string): string {
  const dir = mkdtempSync(join(folder, "draft-"));
  cpSync(CONFIG_DIR, dir, { recursive: true });
  const text = readFileSync(join(dir, file), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(dir, file), text.replace(from, to));
  return dir;
}

async function backtestOf(...words: string[]): Promise<Backtest> {
  const { code, stdout, stderr } = await runCli([
    ...["backtest", "--from", EVENTS, "--until", UNTIL, "--json"],
    ...words,
  ]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Backtest;
}

/** What a replay of the file publishes about segments, counted plainly. */
async function segmentsOf(config: string): Promise<Record<string, number>> {
  const out = join(folder, "out.jsonl");
  const words = ["replay", EVENTS, "--out", out, "--until", UNTIL, "--config", config];
  expect((await runCli(words)).code).toBe(0);
  const counts: Record<string, number> = {};
  for (const text of readFileSync(out, "utf8").trimEnd().split("\n")) {
    const { subject, data } = JSON.parse(text) as OutputLine;
    if (!subject.startsWith("segment.")) continue;
    const at = (data as { at: string }).at;
    // Shanghai is eight hours ahead.
    const day = new Date(Date.parse(at) + 8 * 3_600_000).toISOString().slice(0, 10);
    const key = `${day} ${subject.slice("segment.".length)}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function daysOf({ draft }: Backtest, segments: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [day, definitions] of Object.entries(draft.days)) {
    for (const [definition, outcomes] of Object.entries(definitions)) {
      if (!segments.includes(definition)) continue;
      for (const [outcome, n] of Object.entries(outcomes)) {
        counts[`${day} ${definition}.${outcome}`] = n;
      }
    }
  }
  return counts;
}
const SEGMENTS = ["high_value_interest", "service_sensitive", "science_reader", "price_sensitive"];

test("a configuration against itself differs in nothing, and says what a replay says", async () => {
  const result = await backtestOf("--config", CONFIG_DIR, "--against", CONFIG_DIR);
  expect(result.difference).toMatchObject({ onlyDraft: 0, onlyCurrent: 0, byDefinition: {} });
  expect(result.current).toEqual(result.draft);
  const plain = await segmentsOf(CONFIG_DIR);
  expect(Object.keys(plain).length).toBeGreaterThan(3);
  expect(daysOf(result, SEGMENTS)).toEqual(plain);
});

test("G19: a draft says who would have entered and what would have been sent, and only what it changes differs", async () => {
  const draft = draftOf(
    "segments.yaml",
    "within: 30d, at_least: 3, distinct",
    "within: 30d, at_least: 2, distinct",
  );
  const result = await backtestOf("--config", draft, "--against", CONFIG_DIR, "--samples", "2");
  const now = result.current?.totals["high_value_interest"]?.["entered"] ?? 0;
  const then = result.draft.totals["high_value_interest"]?.["entered"] ?? 0;
  expect(now).toBeGreaterThan(0);
  expect(then).toBeGreaterThan(now);
  expect(daysOf(result, SEGMENTS)).toEqual(await segmentsOf(draft));
  // The tag rules follow the segment; nothing else may differ.
  const { byDefinition = {}, samples } = result.difference ?? {};
  expect(Object.keys(byDefinition)).toEqual([
    "high_value_interest",
    "tag_high_value",
    "untag_high_value",
  ]);
  expect(samples?.onlyDraft).toHaveLength(2);
  expect(samples?.onlyDraft[0]).toMatchObject({
    definition: "high_value_interest",
    outcome: "entered",
  });
});

test("the report names every outcome with its change; usage mistakes are told", async () => {
  const draft = draftOf(
    "segments.yaml",
    "within: 30d, at_least: 3, distinct",
    "within: 30d, at_least: 2, distinct",
  );
  const words = ["backtest", "--config", draft, "--against", CONFIG_DIR, "--from", EVENTS];
  const { code, stdout } = await runCli([...words, "--until", UNTIL]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^high_value_interest +entered +\d+ +\d+ +\d+ +\+\d+$/m);
  expect(stdout).toMatch(/^\+ .* high_value_interest {2}entered {2}p_/m);
  expect((await runCli(["backtest", "--from", EVENTS])).code).toBe(2);
  const missing = await runCli(["backtest", "--config", draft, "--from", "no-such-file"]);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain("FILE_UNREADABLE");
});

test("progress: a bar and what is left, or what was read where the whole is not known", () => {
  expect(progressText(50, 200, 3000, "bytes")).toBe(
    `[${"#".repeat(8)}${".".repeat(22)}] 25 %, 9 s left`,
  );
  expect(progressText(0, 200, 0, "bytes")).toBe(`[${".".repeat(30)}] 0 %`);
  expect(progressText(300, 200, 3000, "bytes")).toBe(`[${"#".repeat(30)}] 100 %, 0 s left`);
  expect(progressText(7, undefined, 3000, "records")).toBe("7 records");
});
