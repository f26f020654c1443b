import fc from "fast-check";
import { expect, test } from "vitest";
import { sarifOf } from "../../src/cli/sarif.ts";
import type { Matcher, When } from "../../src/config/condition-ast.ts";
import { Contradictions } from "../../src/config/contradiction.ts";
import { loadConfig } from "../../src/config/load.ts";
import { passes } from "../../src/config/passes.ts";
import { readTrackingPlan } from "../../src/config/tracking-plan.ts";
import { CONFIG_DIR, shippedText, yaml } from "./shipped.ts";
import { SOME_SPECS } from "./some-specs.ts";

const BLOCKS = "operators: { shopper: { session: }, demand: { heat: } }\n";
const freshet = shippedText("freshet").replace(/^operators:[\s\S]*/m, BLOCKS);
const reading = (name: string, text: string) => ({ value: yaml(text, name), problems: [] });

/** Codes and messages of what lint doubts about these segments and rules. */
async function doubted(segments: string, rules = "rules: []\n") {
  const { problems } = await loadConfig(CONFIG_DIR, SOME_SPECS, {
    freshet: reading("freshet.yaml", freshet),
    segments: reading("segments.yaml", `version: 1\n${segments}`),
    rules: reading("rules.yaml", `version: 1\n${rules}`),
  });
  return problems.filter(({ code }) => code !== "DEMO_KEY");
}
const segment = (when: string) => `segments:\n  - id: s\n    when: ${when}\n`;
const rule = (id: string, when: string, then: string, more = "") =>
  `  - id: ${id}\n    when: ${when}\n    then: ${then}\n${more}`;

test.each([
  [
    "more looks than none",
    "{ all: [{ count: { of: { event: product.viewed, where: { sku: a } }, within: 7d, at_least: 2 } }, { none: { of: { event: product.viewed }, within: 7d } }] }",
  ],
  [
    "three and fewer than three",
    "{ all: [{ count: { of: { event: searched }, within: 7d, at_least: 3 } }, { not: { count: { of: { event: searched }, within: 8d, at_least: 3 } } }] }",
  ],
  [
    "a condition and its opposite, among alternatives that are no better",
    "{ any: [{ all: [{ intent: buy }, { not: { intent: buy } }] }, { all: [{ intent: buy }, { intent: browse }] }] }",
  ],
  [
    "three different ones of two",
    "{ count: { of: { event: product.viewed, where: { sku: { in: [a, b] } } }, within: 7d, at_least: 3, distinct: sku } }",
  ],
  [
    "bounds that cross",
    "{ count: { of: { event: product.viewed, where: { dwell_ms: { gte: 10s, lt: 10s } } }, within: 7d, at_least: 1 } }",
  ],
])("nobody can enter: %s", async (_name, when) => {
  const [found, ...others] = await doubted(segment(when));
  expect(others).toEqual([]);
  expect(found).toMatchObject({ severity: "warning", code: "NEVER_TRUE", line: 4, column: 5 });
});

test.each([
  "{ all: [{ count: { of: { event: searched }, within: 7d, at_least: 2 } }, { none: { of: { event: searched }, within: 6d } }] }",
  "{ all: [{ count: { of: { event: product.viewed }, within: 7d, at_least: 2 } }, { none: { of: { event: product.viewed, where: { sku: a } }, within: 7d } }] }",
  "{ all: [{ count: { of: { event: searched }, within: 7d, at_least: 2 } }, { not: { count: { of: { event: searched }, within: 7d, at_least: 3 } } }] }",
  "{ count: { of: { event: product.viewed, where: { dwell_ms: { gte: 10s, lte: 10s } } }, within: 7d, at_least: 1 } }",
  "{ all: [{ tag: a }, { tag: b }] }",
])("somebody may: %s", async (when) => {
  expect(await doubted(segment(when))).toEqual([]);
});

test("a segment that needs an empty one is empty, and so is a rule that waits for it", async () => {
  const impossible = "{ all: [{ intent: buy }, { intent: browse }] }";
  const found = await doubted(
    `segments:\n  - id: b\n    when: { in: a }\n  - id: a\n    when: ${impossible}\n`,
    `rules:\n${rule("r", "{ in: b }", "{ tag: t }")}`,
  );
  expect(found.map(({ file, line, code }) => [file, line, code])).toEqual([
    ["rules.yaml", 4, "NEVER_TRUE"],
    ["segments.yaml", 4, "NEVER_TRUE"],
    ["segments.yaml", 6, "NEVER_TRUE"],
  ]);
});

const SAYS = (channel: string, score: number) =>
  `{ recommend: { offer: o, channel: ${channel}, value: v, score: ${score} } }`;
const CLICK = "{ event: menu.clicked }";

test("a rule whose channels have no quota for its class, or whose worth is too little, can never send", async () => {
  const contact =
    "contact: { min_score: 0.2, quotas: { wecom: [{ id: w, classes: [service] }], gzh: [{ id: g, limits: [{ max: 0, every: day }] }] } }\n";
  const found = await doubted(
    "segments: []\n",
    `rules:\n${rule("wecom", CLICK, SAYS("wecom", 0.5))}${rule("gzh", "{ event: searched }", SAYS("gzh", 0.5))}${rule("both", "{ event: mp.entered }", SAYS("[wecom, notice]", 0.5))}${rule("little", "{ event: mp.left }", SAYS("notice", 0.1))}${contact}`,
  );
  expect(found.map(({ code, message }) => [code, message])).toEqual([
    ["NEVER_SENT", "`wecom` can never send: no quota of `wecom` lets marketing through"],
    ["NEVER_SENT", "`gzh` can never send: no quota of `gzh` lets marketing through"],
    ["NEVER_SENT", "`little` can never send: its score 0.1 is below `contact.min_score` 0.2"],
  ]);
});

test("of two rules of one moment, the lesser never goes; a tag set and taken away at once", async () => {
  const once = "    once: { per: pid, every: 7d }\n";
  const two = (more: string) =>
    `rules:\n${rule("more", CLICK, SAYS("wecom", 0.8), more)}${rule("less", CLICK, SAYS("notice", 0.5))}`;
  expect((await doubted("segments: []\n", two(""))).map(({ code, line }) => [code, line])).toEqual([
    ["RULES_EXCLUDE", 7],
  ]);
  // When the better one has gone, the other has its turn.
  expect(await doubted("segments: []\n", two(once))).toEqual([]);
  const tags = `rules:\n${rule("on", CLICK, "{ tag: t }")}${rule("off", CLICK, "{ tag: { tag: t, off: true } }")}`;
  expect((await doubted("segments: []\n", tags)).map(({ code }) => code)).toEqual([
    "RULES_EXCLUDE",
  ]);
});

const { value: plan } = readTrackingPlan(yaml(shippedText("tracking-plan")));
if (plan === undefined) throw new Error("the shipped tracking plan is broken");
const known = plan;

const comparison = fc.record({
  op: fc.constantFrom("gte" as const, "gt" as const, "lte" as const, "lt" as const),
  value: fc.integer({ min: 0, max: 4 }),
});
const counting = fc.record({
  tests: fc.array(comparison, { minLength: 1, maxLength: 4 }),
  n: fc.integer({ min: 1, max: 3 }),
  within: fc.integer({ min: 1, max: 4 }),
  not: fc.boolean(),
});

test("law: what is called impossible, no history makes true", () => {
  const times = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(fc.array(counting, { minLength: 1, maxLength: 3 }), times, (parts, history) => {
      const whens = parts.map(({ tests, n, within, not }): When => {
        const where = [{ field: { of: "event" as const, name: "dwell_ms" }, tests }];
        const of: Matcher = { index: 0, name: undefined, events: ["product.viewed"], where };
        const base = { of, within: within as never, distinct: "event", same: null };
        const count: When = { op: "count", atLeast: n, ...base };
        return not ? { op: "not", of: count } : count;
      });
      if (new Contradictions(known).ofCondition({ op: "all", of: whens }) === undefined) return;
      // Asked at time 4 of a history of [age, dwell].
      const holds = parts.every(({ tests, n, within, not }) => {
        const met = history.filter(
          ([age, dwell]) => age <= within && tests.every((one) => passes(one, dwell)),
        );
        return met.length >= n !== not;
      });
      expect(holds).toBe(false);
    }),
    { numRuns: 3000 },
  );
});

test("SARIF: every problem with its rule, level and place", async () => {
  const problems = await doubted(segment("{ all: [{ intent: buy }, { intent: browse }] }"));
  const log = sarifOf(problems, "1.2.3") as { runs: { tool: object; results: object[] }[] };
  expect(log.runs[0]?.results).toEqual([
    {
      ruleId: "NEVER_TRUE",
      ruleIndex: 0,
      level: "warning",
      message: { text: expect.stringContaining("nobody can ever enter `s`") },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: "segments.yaml" },
            region: { startLine: 4, startColumn: 5 },
          },
        },
      ],
    },
  ]);
});
