import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatProblem } from "../../src/config/problem.ts";
import { readRules } from "../../src/config/rule-file.ts";
import { readTrackingPlan } from "../../src/config/tracking-plan.ts";
import { fed, published } from "../support/evidence.ts";
import { CONFIG_DIR, shippedText, yaml } from "./shipped.ts";

const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value;
if (plan === undefined) throw new Error("the shipped tracking plan is broken");
const read = (text: string) => {
  const { value, problems } = readRules(yaml(text, "rules.yaml"), plan, ["seg"], "UTC");
  fed(1);
  return { value, problems: published(problems) };
};

const rule = (more: string, when = "{event: cart.added}") =>
  `version: 1\nrules:\n  - id: r\n    when: ${when}\n    ${more}\n`;
const contact = (text: string) => `${rule("then: {tag: t}")}contact:\n  ${text}\n`;

/** Each text has the place of its mistake marked by `▸`. */
const ROWS: readonly (readonly [code: string, text: string, remedy: RegExp])[] = [
  // F12: what gives the person nothing is not sent.
  ["KEY_MISSING", rule("then: {▸recommend: {offer: coupon}}"), /Add `value:`/],
  ["KEY_MISSING", rule("about: nothing").replace("  - id", "  - ▸id"), /then: \{recommend/],
  ["KEY_UNKNOWN", rule("then: {▸recomend: {offer: coupon}}"), /Did you mean `recommend`/],
  ["VALUE_UNKNOWN", rule("then: {reply: {channel: ▸wechat, content: c}}"), /`wecom`/],
  ["NAME_UNKNOWN", rule("then: {place: {slot: mp.home.first, sku: ▸$live.sku}}"), /`trigger`/],
  ["PROPERTY_UNKNOWN", rule("then: {place: {slot: mp.home.first, sku: ▸$trigger.skku}}"), /`sku`/],
  ["VALUE_FORMAT", rule("then: {place: {slot: ▸home, sku: s}}"), /mp\.home\.first/],
  ["NAME_UNKNOWN", rule("then: {tag: t}", "{in: ▸sag}"), /Did you mean `seg`/],
  ["EVENT_UNKNOWN", rule("then: {tag: t}", "{event: ▸cart.add}"), /cart\.added/],
  ["PROPERTY_UNKNOWN", rule("then: {tag: t}\n    once: {per: ▸[pid, skku], every: 1d}"), /sku/],
  ["VALUE_FORMAT", rule("then: {tag: t}\n    rollout: ▸half"), /share such as 12\.5%/],
  [
    "VALUE_RANGE",
    rule("▸variants: [{id: a, share: 50%, then: {tag: t}}, {id: b, share: 40%, then: {tag: u}}]"),
    /100%/,
  ],
  [
    "NAME_DUPLICATE",
    `${rule("then: {tag: t}")}  - {id: ▸r, when: {event: mp.left}, then: {tag: t}}\n`,
    /of its own/,
  ],
  ["NAME_UNKNOWN", contact("caps: [{max: 1, every: day, rules: [▸rr]}]"), /Did you mean `r`/],
  ["VALUE_RANGE", contact("caps: [{max: 1, every: ▸32d}]"), /31d/],
  ["VALUE_FORMAT", contact('quiet: [{from: ▸"25:00", to: "08:00"}]'), /time of day/],
  [
    "EVENT_UNKNOWN",
    contact("quotas: {gzh: [{id: w, grants: [{of: {event: ▸cs.start}}]}]}"),
    /cs\.started/,
  ],
];

describe("E23: a rule that cannot be is told by line, column and remedy", () => {
  test.each(ROWS)("%s in %s", (code, text, remedy) => {
    const at = text.indexOf("▸");
    const before = text.slice(0, at).split("\n");
    const { value, problems } = read(text.replace("▸", ""));
    expect(value).toBeUndefined();
    expect(problems.map(formatProblem).join("\n")).toMatch(remedy);
    const { line, column } = problems[0] ?? {};
    expect([problems.map((problem) => problem.code), line, column]).toEqual([
      [code],
      before.length,
      (before.at(-1) ?? "").length + 1,
    ]);
  });
});

test("F12: a marketing rule must say what it gives the person, a service need not", () => {
  const then = "then: {recommend: {offer: coupon}}";
  expect(read(rule(then)).problems.map(({ message }) => message)).toEqual([
    "no `value` says what this gives the person",
  ]);
  expect(read(rule(`${then}\n    class: service`)).problems).toEqual([]);
  expect(read(rule(`${then}\n    value: 省一点`)).problems).toEqual([]);
});

test("what is written is read with its defaults, channels by class and kinds by content", () => {
  const { value } = read(
    `version: 1
rules:
  - {id: a, when: {event: cart.added}, then: {recommend: {offer: coupon, sku: $sku, value: v}}}
  - {id: b, class: service, when: {event: order.received}, then: [{book: {service: x}}, {tag: t}]}
`,
  );
  const [a, b] = value?.rules ?? [];
  expect(a).toMatchObject({ class: "marketing", recheck: true, rollout: 1, holdOut: 0 });
  expect(a?.variants[0]?.does[0]?.of[0]).toMatchObject({
    op: "recommend",
    kind: "activity",
    channels: ["wecom"],
    sku: { event: "trigger", property: "sku" },
    inStock: true,
    score: 0.5,
  });
  expect(b?.variants[0]?.does.map(({ of }) => of[0]?.op)).toEqual(["book", "tag"]);
  expect(b?.variants[0]?.does[0]?.of[0]).toMatchObject({ channels: ["notice", "wecom"] });
  expect(value?.contact).toMatchObject({ pages: ["mp", "channels"], minScore: 0, caps: [] });
});

test("a rule's hash follows its meaning, not its place or its comments", () => {
  const of = (text: string) => read(text).value?.rules.find(({ id }) => id === "r")?.hash;
  const one = of(rule("then: {tag: t}"));
  expect(of(rule("about: words\n    then: {tag: t} # more words"))).toBe(one);
  const before = "  - {id: q, when: {event: mp.left}, then: {tag: t}}\n  - id: r";
  expect(of(rule("then: {tag: t}").replace("  - id: r", before))).toBe(one);
  expect(of(rule("then: {tag: u}"))).not.toBe(one);
});

test("the examples of config/README.md are rules that can be", () => {
  const page = readFileSync(`${CONFIG_DIR}/README.md`, "utf8");
  const section = page.slice(page.indexOf("## rules.yaml"), page.indexOf("## Tests"));
  const examples = [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  expect(examples.length).toBeGreaterThan(1);
  for (const example of examples) {
    const rules = example.startsWith("rules:") ? "" : "rules: []\n";
    expect(read(`version: 1\n${rules}${example}`).problems.map(formatProblem)).toEqual([]);
  }
});
