import { describe, expect, test } from "vitest";
import { readCalendar } from "../../src/config/calendar.ts";
import { readIntents } from "../../src/config/intents.ts";
import { readJob } from "../../src/config/job.ts";
import { readLexicon } from "../../src/config/lexicon.ts";
import type { FileName } from "../../src/config/load.ts";
import {
  formatProblem,
  isError,
  orderProblems,
  type Problem,
  type Reading,
} from "../../src/config/problem.ts";
import { readRules } from "../../src/config/rule-file.ts";
import { readSegments } from "../../src/config/segments.ts";
import { readTags } from "../../src/config/tags.ts";
import { readTrackingPlan } from "../../src/config/tracking-plan.ts";
import { parseYaml, type YamlFile } from "../../src/config/yaml-file.ts";
import { shippedText, yaml } from "./shipped.ts";
import { SOME_SPECS } from "./some-specs.ts";

const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value;
if (plan === undefined) throw new Error("the shipped tracking plan is broken");

const READERS: Readonly<Record<FileName, (file: YamlFile) => Reading<unknown>>> = {
  freshet: (file) => readJob(file, SOME_SPECS),
  "tracking-plan": readTrackingPlan,
  segments: (file) => readSegments(file, plan, "Asia/Shanghai"),
  rules: (file) => readRules(file, plan, ["high_value_interest"], "Asia/Shanghai"),
  intents: (file) => readIntents(file, plan),
  lexicon: (file) => readLexicon(file),
  calendar: (file) => readCalendar(file, plan),
  tags: (file) => readTags(file, plan, "Asia/Shanghai"),
};

function problemsOf(name: FileName, text: string): Problem[] {
  const { value: file, problems } = parseYaml(`${name}.yaml`, text);
  const reading = file === undefined ? { value: undefined, problems: [] } : READERS[name](file);
  const all = orderProblems([...problems, ...reading.problems]).filter(isError);
  // A value is given exactly when there is no error.
  expect(reading.value === undefined).toBe(all.length > 0);
  return all;
}

/**
 * Each text has the place of its mistake marked by `▸`, which is taken out before reading; where
 * the mistake shows somewhere else than it was made, the mark is where it shows.
 */
function marked(text: string): { text: string; line: number; column: number } {
  const at = text.indexOf("▸");
  const before = text.slice(0, at).split("\n");
  const column = (before.at(-1) ?? "").length + 1;
  return { text: text.replace("▸", ""), line: before.length, column };
}

const job = (more: string, operators = "  shopper: {}\n  demand: {}") =>
  `version: 1\ncollect: {tenant_key_env: KEY}\n${more}\noperators:\n${operators}\n`;
const shopper = (block: string) => job("", `  shopper:\n${block}\n  demand: {}`);
const demand = (block: string) => job("", `  shopper: {}\n  demand:\n${block}`);

const PURCHASE = "purchase: {half_life: 1h, bias: 0, weights: {}}\n";
const intents = (evidence: string) =>
  `version: 1\nintents: {browse: {evidence: [${evidence}]}}\n${PURCHASE}`;

const PLAN_HEAD = `version: 1
currency: CNY
touchpoints: {mp: 小程序}
types:
  sku: {is: string}
common: {}
facts: {sku: {}, content: {}, live: {}}
events:
`;
const when = (text: string) =>
  `version: 1\nlet:\n  paid: {event: order.paid}\nsegments:\n  - id: a\n    when: ${text}\n`;
const where = (text: string, event = "product.viewed") =>
  when(`{none: {within: 1d, of: {event: ${event}, where: {${text}}}}}`);

type Row = readonly [file: FileName, code: string, text: string, remedy: RegExp];

const ROWS: readonly Row[] = [
  // Any YAML text.
  ["lexicon", "YAML_SYNTAX", "version: 1\nintents:\n  browse: [a, b\n▸", /Close the bracket/],
  ["lexicon", "YAML_SYNTAX", "version: 1\n▸\tintents: {}\n", /spaces instead of tabs/],
  ["lexicon", "YAML_SYNTAX", "version: 1\n▸---\nversion: 1\n", /one document/],
  ["lexicon", "YAML_SYNTAX", "version: 1\nintents▸： {}\n", /`: `.*half-width/],
  ["lexicon", "YAML_SYNTAX", "version: 1\nintents: {\n  buy▸：[买] }\n", /`: `/],
  ["lexicon", "YAML_SYNTAX", "version: 1\nintents: ▸｛ buy: [买], browse: [看] ｝\n", /`{`/],
  ["lexicon", "YAML_SYNTAX", "version: 1\nintents: { buy: [买]▸， browse: [看] }\n", /`,`/],
  ["lexicon", "YAML_SYNTAX", "version: 1\nintents:▸\u3000{ buy: [买] }\n", /` `/],
  [
    "lexicon",
    "YAML_SYNTAX",
    "▸<<<<<<< HEAD\nversion: 1\n=======\nversion: 2\n>>>>>>> a\n",
    /one of/,
  ],
  ["segments", "YAML_SYNTAX", "version: 1\nsegments:\n  - id: a\n▸   title: t\n", /two columns/],
  [
    "segments",
    "YAML_SYNTAX",
    "version: 1\nsegments:\n  - id: a\n    title: t\n\n    ▸- id: b\n      title: t\n",
    /those of the list/,
  ],
  [
    "segments",
    "KEY_UNKNOWN",
    when("{none: {within: 1d, of: {▸event:order.paid}}}"),
    /`event: order/,
  ],
  [
    "segments",
    "KEY_UNKNOWN",
    when("{none: {within: 1d, of: {▸event： order.paid}}}"),
    /half-width/,
  ],
  ["lexicon", "KEY_DUPLICATE", "version: 1\nintents: {}\n▸version: 1\n", /Delete one/],
  ["lexicon", "YAML_UNSUPPORTED", "version: ▸&a 1\nintents: {}\n", /let/],
  ["lexicon", "YAML_UNSUPPORTED", "version: 1\nintents: ▸*a\n", /Write the value out/],
  ["lexicon", "YAML_UNSUPPORTED", "version: ▸!!int 1\nintents: {}\n", /quotes/],
  ["lexicon", "YAML_UNSUPPORTED", "▸%YAML 1.1\n---\nversion: 1\n", /Write the value out/],
  ["lexicon", "YAML_TOO_DEEP", `${"[".repeat(32)}▸${"[".repeat(6000)}`, /Flatten/],
  ["lexicon", "YAML_TOO_DEEP", `a: ${"{a: ".repeat(31)}▸${"{a: ".repeat(3000)}`, /Flatten/],
  ["lexicon", "YAML_TOO_DEEP", `${"- ".repeat(32)}▸${"- ".repeat(3000)}`, /Flatten/],
  ["lexicon", "KEY_FORBIDDEN", "version: 1\nintents: {}\n▸__proto__: {a: 1}\n", /another name/],
  ["lexicon", "TEXT_ENCODING", "version: 1\nintents: {▸\u0000}\n", /UTF-8/],
  ["lexicon", "VALUE_INVALID", "version: ▸.nan\nintents: {}\n", /number/],
  ["lexicon", "TYPE_WRONG", "▸", /mapping/],
  ["lexicon", "TYPE_WRONG", "▸- 1\n", /mapping/],

  ["freshet", "KEY_UNKNOWN", job("▸grups: 16"), /Did you mean `groups`\?/],
  ["freshet", "VALUE_RANGE", job("groups: ▸0"), /1 to 1024/],
  ["freshet", "TYPE_WRONG", job("groups: ▸many"), /whole number/],
  ["freshet", "TYPE_WRONG", job("time: ▸[5s]"), /mapping/],
  ["freshet", "VALUE_FORMAT", job("time: {disorder: ▸5 seconds}"), /30m/],
  ["freshet", "TYPE_WRONG", job("time:\n  disorder: ▸5"), /length of time/],
  ["freshet", "VALUE_UNKNOWN", job("time_zone: ▸Asia/Shangai"), /IANA/],
  ["freshet", "VALUE_UNKNOWN", job("log: {level: ▸warning}"), /Did you mean `warn`\?/],
  ["freshet", "VALUE_UNKNOWN", job("scoring: {workers: ▸all}"), /`auto`/],
  ["freshet", "VALUE_FORMAT", job("broker: {url: ▸nats://me:secret@host}"), /without a user/],
  [
    "freshet",
    "KEY_MISSING",
    "version: 1\n▸collect: {}\noperators: {shopper: {}, demand: {}}\n",
    /tenant_key_env/,
  ],
  [
    "freshet",
    "KEY_UNKNOWN",
    "version: 1\ncollect:\n  tenant_key_env: KEY\n  ▸tenant_key: 0123456789abcdef\noperators: {shopper: {}, demand: {}}\n",
    /secret of your own/,
  ],
  ["freshet", "OPERATOR_UNKNOWN", shopper("    ▸sesion: {}"), /Did you mean `session`\?/],
  ["freshet", "OPERATOR_UNKNOWN", shopper("    ▸heat: {}"), /operators\.demand/],
  ["freshet", "NAME_UNKNOWN", shopper("    ▸intent: {}"), /Add `session:`/],
  [
    "freshet",
    "NAME_UNKNOWN",
    shopper("    session: {}\n    intent:\n      from: [▸sesion]"),
    /Did you mean `session`\?/,
  ],
  ["freshet", "VALUE_FORMAT", shopper("    session:\n      gap: ▸half an hour"), /30m/],
  ["freshet", "KEY_UNKNOWN", shopper("    session: {▸gapp: 30m}"), /`gap`/],
  ["freshet", "VALUE_UNKNOWN", shopper("    session: {}\n    intent: {mode: ▸fats}"), /`fast`/],
  ["freshet", "VALUE_FORMAT", demand("    heat: {windows: [5m, ▸5 m]}"), /7d/],
  ["freshet", "KEY_MISSING", demand("    heat: {}\n    ▸restock:"), /budget_minor/],
  [
    "freshet",
    "GRAPH_CYCLE",
    shopper("    session: {from: ▸[intent]}\n    intent: {}"),
    /Remove one/,
  ],
  ["freshet", "GRAPH_CYCLE", shopper("    session: {from: [▸session]}"), /what feeds it/],
  ["freshet", "KEY_UNKNOWN", job("", "  shopper: {}\n  ▸demnd: {}\n  demand: {}"), /`demand`/],

  [
    "tracking-plan",
    "NAME_UNKNOWN",
    `${PLAN_HEAD}  a.b: {required: {sku: ▸skuu}}\n`,
    /Did you mean `sku`\?/,
  ],
  [
    "tracking-plan",
    "NAME_DUPLICATE",
    `${PLAN_HEAD}  a.b: {required: {sku: sku}, optional: {▸sku: sku}}\n`,
    /one of the two/,
  ],
  [
    "tracking-plan",
    "NAME_UNKNOWN",
    `${PLAN_HEAD}  a.b: {optional: {sku: sku}, one_of: [[sku, ▸skus]]}\n`,
    /`sku`/,
  ],
  ["tracking-plan", "NAME_UNKNOWN", `${PLAN_HEAD}  a.b: {touchpoints: [▸mpp]}\n`, /`mp`/],
  ["tracking-plan", "KEY_UNKNOWN", `${PLAN_HEAD}  ▸AB: {}\n`, /matches/],
  [
    "tracking-plan",
    "KEY_UNKNOWN",
    `${PLAN_HEAD}  a.b: {optional: {▸constructor: sku}}\n`,
    /matches/,
  ],
  [
    "tracking-plan",
    "KEY_UNKNOWN",
    PLAN_HEAD.replace("{is: string}", "{is: string, ▸unit: ms}").replace(
      "events:",
      "events: {a.b: {}}",
    ),
    /Delete it/,
  ],
  [
    "tracking-plan",
    "KEY_MISSING",
    PLAN_HEAD.replace("  sku: {is: string}", "  ▸sku: {is: enum}").replace(
      "events:",
      "events: {a.b: {}}",
    ),
    /list of texts/,
  ],
  [
    "tracking-plan",
    "VALUE_FORMAT",
    PLAN_HEAD.replace("CNY", "▸yuan").replace("events:", "events: {a.b: {}}"),
    /ISO 4217/,
  ],
  ["tracking-plan", "VALUE_RANGE", PLAN_HEAD.replace("events:", "events: ▸{}"), /at least 1/],

  [
    "tracking-plan",
    "VALUE_RANGE",
    `${PLAN_HEAD}  a.b: {optional: {sku: sku}, one_of: [▸[sku${", sku".repeat(8)}]]}\n`,
    /2 to 8/,
  ],
  [
    "segments",
    "EVENT_UNKNOWN",
    when("{none: {of: {event: ▸product.view}, within: 30d}}"),
    /`product.viewed`/,
  ],
  ["segments", "NAME_UNKNOWN", when("{none: {of: ▸payed, within: 30d}}"), /Did you mean `paid`\?/],
  ["segments", "KEY_MISSING", when("{▸count: {of: paid, within: 30d}}"), /at_least: 3/],
  [
    "segments",
    "KEY_UNKNOWN",
    when("{count: {of: paid, within: 30d, at_least: 3, ▸more_than: 3}}"),
    /超过/,
  ],
  ["segments", "VALUE_FORMAT", when("{none: {of: paid, within: ▸30 days}}"), /30m/],
  ["segments", "VALUE_RANGE", when("{none: {of: paid, within: ▸99w}}"), /400d/],
  ["segments", "VALUE_RANGE", when("{none: {of: paid, within: ▸0s}}"), /above nothing/],
  [
    "segments",
    "KEY_UNKNOWN",
    when("{▸counts: {of: paid, within: 1d, at_least: 1}}"),
    /Did you mean `count`\?/,
  ],
  [
    "segments",
    "KEY_UNKNOWN",
    when("{all: [{count: {of: paid, within: 1d, ▸atleast: 1}}]}"),
    /`at_least`/,
  ],
  ["segments", "KEY_MISSING", when("▸{}"), /`all`/],
  ["segments", "VALUE_RANGE", when("{any: ▸[]}"), /1 to 32/],
  [
    "segments",
    "NAME_DUPLICATE",
    `${when("{none: {of: paid, within: 1d}}")}  - id: ▸a\n    when: {none: {of: paid, within: 1d}}\n`,
    /name of its own/,
  ],
  [
    "segments",
    "VALUE_FORMAT",
    when("{none: {of: paid, within: 1d}}").replace("id: a", "id: ▸Ab c"),
    /lower-case/,
  ],
  ["segments", "VALUE_UNKNOWN", `tz: ▸Mars\n${when("{none: {of: paid, within: 1d}}")}`, /IANA/],
  ["segments", "PROPERTY_UNKNOWN", where("▸skuu: a"), /Did you mean `sku`\?/],
  ["segments", "PROPERTY_UNKNOWN", where("▸sku.lin: a"), /`sku.line`/],
  ["segments", "PROPERTY_UNKNOWN", where("▸sku.margin: 0.5", "searched"), /./],
  [
    "segments",
    "PROPERTY_UNKNOWN",
    where("▸live.kind: launch", "[live.left, cart.added]").replace("live.kind", "live.title"),
    /./,
  ],
  ["segments", "PROPERTY_UNKNOWN", where("▸goods.line: a"), /`sku\.`/],
  ["segments", "UNIT_MISMATCH", where("dwell_ms: {gte: ▸15 minutes}"), /15m/],
  ["segments", "UNIT_MISMATCH", where("completion: {gte: ▸90}", "article.read"), /90%/],
  ["segments", "UNIT_MISMATCH", where("price_minor: {lt: ▸20元}"), /2000/],
  ["segments", "TYPE_WRONG", where("sku: {▸gte: 3}"), /prefix/],
  ["segments", "TYPE_WRONG", where("dwell_ms: {▸prefix: '3'}"), /gte/],
  ["segments", "TYPE_WRONG", where("sku: ▸3"), /quotes/],
  ["segments", "VALUE_UNKNOWN", where("live.kind: ▸lunch", "live.left"), /`launch`/],
  [
    "segments",
    "EVENT_UNKNOWN",
    "version: 1\nlet: {unused: {event: ▸order.payd}}\nsegments: []\n",
    /`order.paid`/,
  ],
  [
    "segments",
    "PROPERTY_UNKNOWN",
    "version: 1\nlet: {unused: {event: order.paid, where: {▸skuu: a}}}\nsegments: []\n",
    /`sku`/,
  ],

  ["lexicon", "KEY_UNKNOWN", "version: 1\nintents:\n  ▸compare: []\n", /./],
  ["intents", "KEY_MISSING", `version: 1\nintents: ▸{buy: {}}\n${PURCHASE}`, /browse/],
  ["intents", "EVENT_UNKNOWN", intents("{of: {event: ▸cart.ad}, weight: 1}"), /cart.added/],
  [
    "intents",
    "PROPERTY_UNKNOWN",
    intents("{of: {event: searched}, weight: 1, repeat: ▸{from: 2, to: 3}}"),
    /./,
  ],
  [
    "intents",
    "VALUE_RANGE",
    intents("{of: {event: cart.added}, weight: 1, repeat: {from: 3, to: ▸2}}"),
    /from/,
  ],
  ["intents", "VALUE_RANGE", intents("{of: {event: cart.added}, weight: ▸9}"), /-5 to 5/],
  [
    "intents",
    "NAME_UNKNOWN",
    `version: 1\nintents: {browse: {}}\nsettled: [{by: {event: order.paid}, keeps: {▸buy: 0}}]\n${PURCHASE}`,
    /browse/,
  ],
  [
    "intents",
    "EVENT_UNKNOWN",
    "version: 1\nintents: {browse: {}}\npurchase: {half_life: 1h, bias: 0, weights: {▸cart.ad: 1}}\n",
    /cart.added/,
  ],
  ["lexicon", "VALUE_RANGE", "version: 1\nintents: {buy: [{term: a, weight: ▸50}]}\n", /-5 to 5/],
  ["lexicon", "NAME_DUPLICATE", "version: 1\nintents: {buy: [ＡＢ, ▸ab]}\n", /Delete/],
  ["lexicon", "KEY_UNKNOWN", "version: 1\nintents: {buy: [{▸word: a}]}\n", /`term`/],
  ["lexicon", "VALUE_UNKNOWN", "version: ▸2\nintents: {}\n", /`1`/],

  ["tags", "GRAPH_CYCLE", "version: 1\ntags: [{id: a, when: ▸{tag: b}}]\n", /did/],
  ["tags", "NAME_UNKNOWN", "version: 1\ntags: [{id: a, when: {in: ▸vip}}]\n", /./],
  [
    "tags",
    "NAME_DUPLICATE",
    "version: 1\ntags: [{id: a, when: {scene: s}}, {id: ▸a, when: {scene: s}}]\n",
    /its own/,
  ],
  [
    "tags",
    "VALUE_UNKNOWN",
    "version: 1\ntags: [{id: a, purpose: ▸profilng, when: {scene: s}}]\n",
    /profiling/,
  ],

  ["calendar", "VALUE_FORMAT", "version: 1\nwork: [▸2026-1-4]\n", /2026-10-01/],
  ["calendar", "VALUE_INVALID", "version: 1\nwork: [▸2026-02-30]\n", /day/],
  [
    "calendar",
    "VALUE_INVALID",
    "version: 1\nrest: [{from: 2026-10-01, to: 2026-10-07}]\nwork: [▸2026-10-03]\n",
    /delete one/,
  ],
  [
    "calendar",
    "VALUE_RANGE",
    "version: 1\nrest: [{from: 2026-10-07, to: ▸2026-10-01}]\n",
    /first and the last/,
  ],
  ["calendar", "NAME_UNKNOWN", "version: 1\nscenes: [{id: a, touchpoint: ▸gzn}]\n", /`gzh`/],
  ["calendar", "NAME_DUPLICATE", "version: 1\nscenes: [{id: a}, {id: ▸a}]\n", /its own/],
  ["calendar", "VALUE_FORMAT", "version: 1\nscenes: [{id: a, hours: [▸7-9]}]\n", /07:00/],
];

describe("a broken file is told by code, line, column and remedy", () => {
  test.each(ROWS.map((row, i) => [i, ...row] as const))(
    "%i %s %s",
    (_i, file, code, source, remedy) => {
      const { text, line, column } = marked(source);
      const problems = problemsOf(file, text);
      const shown = problems.map((p) => `${p.code} ${p.line}:${p.column}`);
      expect(shown).toContain(`${code} ${line}:${column}`);
      const problem = problems.find(
        (p) => p.code === code && p.line === line && p.column === column,
      );
      expect(problem?.remedy).toMatch(remedy);
      expect(problem?.remedy).toMatch(/^[A-Z`].*[.?]$/su);
      expect(problem?.message).not.toMatch(/^[A-Z]/);
      // The first mistake made is the first told.
      expect(shown[0]).toBe(`${code} ${line}:${column}`);
    },
  );

  test("the excerpt shows the line with a caret under the place, wide characters and all", () => {
    const [problem] = problemsOf(
      "lexicon",
      "version: 1\nintents: {buy: [{terms: [价格], wieght: 1}]}\n",
    );
    expect(problem && formatProblem(problem)).toBe(
      [
        "lexicon.yaml:2:17: error KEY_MISSING: `weight` is missing",
        "    intents: {buy: [{terms: [价格], wieght: 1}]}",
        "                    ^",
        "  Add `weight:`: Log-odds: above 0 speaks for the intent, below 0 against it. 1.6 when left out.",
      ].join("\n"),
    );
  });

  test("several mistakes are all told, in order", () => {
    const text = job("groups: 0\nseed: x", "  shopper: {foo: {}}\n  demand: {}");
    expect(problemsOf("freshet", text).map((p) => `${p.line} ${p.code}`)).toEqual([
      "3 VALUE_RANGE",
      "4 TYPE_WRONG",
    ]);
  });

  test("a text beyond the size limit, and bytes that are no UTF-8, are refused", () => {
    const large = parseYaml("f.yaml", "a".repeat(524_289)).problems;
    expect(large.map((p) => p.code)).toEqual(["TEXT_TOO_LARGE"]);
    const binary = parseYaml("f.yaml", new Uint8Array([0x61, 0x3a, 0xff])).problems;
    expect(binary.map((p) => p.code)).toEqual(["TEXT_ENCODING"]);
  });
});
