import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { specs } from "../../operators/all.ts";
import { lint } from "../../src/config/lint.ts";
import type { Problem } from "../../src/config/problem.ts";
import { fed, published } from "../support/evidence.ts";
import { CONFIG_DIR } from "../support/job.ts";

const folder = mkdtempSync(join(tmpdir(), "freshet-plan-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What lint says of the shipped configuration with another plan, against the plan that was shipped. */
async function told(changes: readonly (readonly [from: string, to: string])[]): Promise<Problem[]> {
  cpSync(CONFIG_DIR, folder, { recursive: true });
  const path = join(folder, "tracking-plan.yaml");
  let text = readFileSync(path, "utf8");
  for (const [from, to] of changes) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  writeFileSync(path, text);
  const problems = await lint(folder, specs, CONFIG_DIR);
  fed(1);
  return published(problems.filter(({ code }) => code === "PLAN_BREAKING")).slice();
}

const said = (problems: readonly Problem[]) => problems.map(({ message }) => message);

test.each([
  ["an event is gone", "  cart.removed:", "  cart.taken_out:", "event `cart.removed` is gone"],
  [
    "a property is gone",
    "optional: { results: count }",
    "optional: {}",
    "`searched` may no longer carry `results`",
  ],
  [
    "a property is needed",
    "required: { query: text }\n    optional: { results: count }",
    "required: { query: text, results: count }",
    "`searched` now needs `results`",
  ],
  [
    "a kind changes",
    "score: { is: number }",
    "score: { is: string }",
    "type `score` was number, is string",
  ],
  [
    "a unit changes",
    "span: { is: integer, unit: ms,",
    "span: { is: integer, unit: count,",
    "type `span` was in ms, is in count",
  ],
  [
    "a value is gone",
    "values: [launch, normal]",
    "values: [launch]",
    "type `live_kind` no longer takes `normal`",
  ],
  [
    "a text is shorter",
    "path: { is: string, max_length: 512",
    "path: { is: string, max_length: 64",
    "type `path` has `max_length` 64, had 512",
  ],
  [
    "a touchpoint is shut out",
    "about: 加购\n",
    "about: 加购\n    touchpoints: [mp]\n",
    "`cart.added` may no longer come from gzh, channels, wecom, group, pay, page, pos, ec, erp, unknown",
  ],
  ["a fact field is gone", "    brand: label\n", "", "fact field `sku.brand` is gone"],
])("E05: %s: refused", async (_what, from, to, message) => {
  expect(said(await told([[from, to]]))).toContain(message);
});

test("E05: a refusal says which segments and rules use what breaks, and where it stands", async () => {
  const [problem] = await told([
    [
      "    required: { content_id: id }\n    optional: { category: label, completion: ratio, skus: skus, dwell_ms: dur, title: text }\n  article.read:",
      "    required: { content_id: id }\n    optional: { completion: ratio }\n  article.read:",
    ],
  ]);
  const all = await told([["  cs.ended:", "  cs.over:"]]);
  expect(problem).toMatchObject({ severity: "error", line: expect.any(Number) });
  expect(all.map(({ remedy }) => remedy).join()).toMatch(/used by segment service_sensitive/);
});

test("E05: what is added or widened breaks nothing, and the plan agrees with itself", async () => {
  expect(said(await told([]))).toEqual([]);
  const wider = await told([
    ["max_length: 512, about: What a person", "max_length: 600, about: What a person"],
    ["values: [launch, normal]", "values: [launch, normal, replay]"],
    ["  cart.removed:", "  cart.emptied:\n    optional: { qty: quantity }\n  cart.removed:"],
    ["optional: { results: count }", "optional: { results: count, sku: sku }"],
  ]);
  expect(said(wider)).toEqual([]);
});

test("E05: a folder that keeps its published plan is compared with it without being told", async () => {
  await told([["  cart.removed:", "  cart.taken_out:"]]);
  cpSync(join(CONFIG_DIR, "tracking-plan.yaml"), join(folder, "tracking-plan.published.yaml"));
  const problems = await lint(folder, specs);
  expect(said(problems)).toContain("event `cart.removed` is gone");
  rmSync(join(folder, "tracking-plan.published.yaml"));
});
