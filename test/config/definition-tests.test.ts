import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openJob, openScoring } from "../../src/cli/open-job.ts";
import { runDefinitionTest, type TestResult } from "../../src/replay/definition-test.ts";
import { CONFIG_DIR } from "../support/job.ts";

const folder = mkdtempSync(join(tmpdir(), "freshet-definitions-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The shipped configuration with one text of a file replaced. */
function changed(file: string, from: string, to: string): string {
  const dir = mkdtempSync(join(folder, "config-"));
  cpSync(CONFIG_DIR, dir, { recursive: true });
  const text = readFileSync(join(dir, file), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(dir, file), text.replace(from, to));
  return dir;
}

const open = (dir: string) =>
  openJob(dir, {}, { trustRecv: true, groups: { shopper: 1, demand: 1 }, quiet: true });

/** Results of the tests of these definitions, or of all. */
async function results(dir: string, ids?: readonly string[]): Promise<TestResult[]> {
  const { config } = await open(dir);
  const scoring = openScoring(0);
  const found: TestResult[] = [];
  for (const one of config.tests) {
    if (ids !== undefined && !ids.includes(one.id)) continue;
    found.push(await runDefinitionTest(one, (await open(dir)).job, scoring));
  }
  await scoring.close();
  return found;
}
const failures = (all: readonly TestResult[]) =>
  all.filter(({ missing, unexpected }) => missing.length + unexpected.length > 0);

test("every shipped segment and rule has a test, and all of them pass", async () => {
  const { config } = await open(CONFIG_DIR);
  const tested = new Set(config.tests.map(({ id }) => id));
  const ids = [...config.segments.segments, ...config.rules.rules].map(({ id }) => id);
  expect(ids.filter((id) => !tested.has(id))).toEqual([]);
  expect(failures(await results(CONFIG_DIR))).toEqual([]);
});

test.each([
  ["segments.yaml", "within: 30d, at_least: 3, distinct: event", "within: 30d, at_least: 4"],
  ["segments.yaml", "more_than: 15m", "at_least: 15m"],
  ["rules.yaml", "within: 24h\n", "within: 23h\n"],
  ["rules.yaml", "completion: { gte: 90% }", "completion: { gte: 89% }"],
  ["rules.yaml", 'from: "22:00", to: "08:00"', 'from: "22:00", to: "07:00"'],
])("a boundary that moves in %s is noticed: %s", async (file, from, to) => {
  const ids = ["high_value_interest", "service_sensitive", "cart_24h_coupon", "launch_live_hero"];
  expect(failures(await results(changed(file, from, to), ids))).not.toEqual([]);
});

test("what is missing and what nobody expected is told at its time", async () => {
  const dir = changed(
    "rules.yaml",
    "- { at: 24h, out: recommendation",
    "- { at: 23h, out: recommendation",
  );
  const [failed] = failures(await results(dir, ["cart_24h_coupon"]));
  expect(failed?.missing).toEqual(['23h recommendation.wecom.activity (somebody) {"sku":"A"}']);
  expect(failed?.unexpected).toEqual([
    "1d recommendation.wecom.activity (somebody) because of absent",
  ]);
});

test("tests change nothing that decides", async () => {
  const dir = changed("rules.yaml", "name: unpaid for 24 hours", "name: for 24 hours unpaid");
  expect((await open(dir)).config.hash).toBe((await open(CONFIG_DIR)).config.hash);
});

test.each([
  ["event: cart.added, with: { sku: A }", "event: cart.aded, with: { sku: A }", "EVENT_UNKNOWN"],
  [
    "event: cart.added, with: { sku: A }",
    "event: cart.added, with: { sku: A, colour: red }",
    "PROPERTY_UNKNOWN",
  ],
  ["event: cart.added, with: { sku: A }", "event: cart.added", "VALUE_INVALID"],
  ["- { at: 0s, event: cart.added", "- { at: soon, event: cart.added", "VALUE_FORMAT"],
])("an event that could not happen is a mistake with a place: %s → %s", async (from, to, code) => {
  const dir = changed("rules.yaml", from, to);
  await expect(open(dir)).rejects.toThrow(new RegExp(`rules\\.yaml:\\d+:\\d+: error ${code}`));
});
