import { expect, test } from "vitest";
import { operatorModules } from "../../src/cli/operator-modules.ts";
import { lint } from "../../src/config/lint.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { happens, type Line, ofRule, type Said, saidBy } from "../operators/shopper/rule-stage.ts";
import { DAY, HOUR, MIN } from "../operators/shopper/support.ts";
import { configWith } from "../support/job.ts";

/** Restraint through the whole of the engine, with rules of its own where the shipped ones do not do. */

const own = (rules: string, contact = "{}") => ({
  files: { "rules.yaml": `version: 1\nrules:\n${rules}\ncontact: ${contact}\n` },
});
const offer = (id: string, score: number, channel = "wecom") =>
  `  - {id: ${id}, when: {event: cart.added}, then: {recommend: {offer: ${id}, channel: ${channel}, value: v, score: ${score}}}}`;
const cart = (ms: number, person = "a") => happens(ms, "cart.added", { sku: "A" }, { person });
/** What `freshet lint` says of the shipped configuration with these files. */
async function lintOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const { folder, remove } = configWith({}, files);
  try {
    const { specs } = await operatorModules(folder);
    const problems = await lint(folder, specs);
    return problems.filter(({ severity }) => severity === "error").map(formatProblem);
  } finally {
    remove();
  }
}
const ofRules = (said: readonly Said[]) =>
  said
    .filter(({ data }) => data["rule"] !== null)
    .map(({ subject, at, data }) => [data["rule"], subject, at]);

test("D11: of five rules that fire at one event the one worth most goes, four say why not", async () => {
  const rules = [0.3, 0.5, 0.9, 0.7, 0.4].map((score, i) => offer(`r${i}`, score)).join("\n");
  const said = ofRules(await saidBy([cart(0)], HOUR, own(rules)));
  expect(said.toSorted()).toEqual([
    ["r0", "suppressed.outranked", 0],
    ["r1", "suppressed.outranked", 0],
    ["r2", "recommendation.wecom.activity", 0],
    ["r3", "suppressed.outranked", 0],
    ["r4", "suppressed.outranked", 0],
  ]);
});

test("D14: what is worth 0.1 is suppressed as of low value, 0.2 goes", async () => {
  const told = async (score: number) =>
    ofRules(await saidBy([cart(0)], HOUR, own(offer("r", score), "{min_score: 0.2}")));
  expect(await told(0.1)).toEqual([["r", "suppressed.low_value", 0]]);
  expect(await told(0.2)).toEqual([["r", "recommendation.wecom.activity", 0]]);
});

test("D15: whoever refuses marketing, profiling or a channel gets none of it, and the reason is told", async () => {
  const refusal = (purpose: string) =>
    happens(0, "privacy.consent", { purpose, status: "withdrawn" });
  const told = async (line: Line) =>
    ofRules(await saidBy([line, cart(MIN)], HOUR, own(offer("r", 0.5)))).map(([, what]) => what);
  expect(await told(refusal("marketing"))).toEqual(["suppressed.consent"]);
  expect(await told(refusal("profiling"))).toEqual(["suppressed.optout"]);
  expect(await told(happens(0, "contact.removed", { channel: "wecom" }))).toEqual([
    "suppressed.optout",
  ]);
});

test("F10: three blocks among a hundred messages throttle the rule for everybody", async () => {
  const breaker = own(offer("r", 0.5, "mp"), "{breaker: {blocks: 3%, least: 50, half_life: 7d}}");
  const crowd = Array.from({ length: 100 }, (_, i) => cart(i, `k${i}`));
  const sent = ofRule(await saidBy(crowd, MIN, breaker), "r");
  expect(sent.map(({ subject }) => subject.split(".")[0])).toEqual(
    crowd.map(() => "recommendation"),
  );
  const after = async (blocked: number) => {
    const blocks = sent.slice(0, blocked).map(({ data }, i) => ({
      ...happens(HOUR + i, "feedback.blocked", { rec_id: data["rec_id"] }),
      ids: [],
    }));
    // Time passes in steps while somebody does something.
    const steps = [1, 2, 3].map((i) => happens(HOUR + i * MIN, "mp.left"));
    const lines = [...crowd, ...blocks, ...steps, cart(DAY, "new")];
    const said = await saidBy(lines, 2 * DAY, breaker);
    return ofRule(said, "r")
      .slice(100)
      .map(({ subject }) => subject);
  };
  expect(await after(2)).toEqual(["recommendation.mp.activity"]);
  expect(await after(3)).toEqual(["suppressed.breaker"]);
});

test("F12: a rule that does not say what it gives the person is refused, with its place", async () => {
  const told = await lintOf({
    "rules.yaml":
      "version: 1\nrules:\n  - id: r\n    when: { event: cart.added }\n    then: { recommend: { offer: coupon } }\ncontact: {}\n",
  });
  expect(told).toEqual([expect.stringMatching(/rules\.yaml:5:\d+[\s\S]*KEY_MISSING[\s\S]*value/)]);
});

test("F13: after three ignored the least interval is two days, for the shipped coupon, too", async () => {
  const carts = [0, 1, 2, 3].map((day) => happens(day * DAY, "cart.added", { sku: `S${day}` }));
  const said = ofRule(await saidBy(carts, 6 * DAY), "cart_24h_coupon");
  expect(said.map(({ subject, at }) => [subject, at / DAY])).toEqual([
    ["recommendation.wecom.activity", 1],
    ["recommendation.wecom.activity", 2],
    ["recommendation.wecom.activity", 3],
    ["suppressed.backoff", 4],
  ]);
  // Whoever answered the last is written to on the fourth day, were it not for the rule's own cap.
  const click = {
    ...happens(3 * DAY + HOUR, "feedback.clicked", { rec_id: said[2]?.data["rec_id"] }),
    ids: [],
  };
  const heard = ofRule(await saidBy([...carts, click], 6 * DAY), "cart_24h_coupon");
  expect(heard.at(-1)?.subject).toBe("suppressed.cap");
});

test("E23: a mistake in a rule is told with file, line and remedy; what is right can be tried on a file", async () => {
  const rules = (event: string) => ({
    "rules.yaml": `version: 1\nrules:\n  - id: r\n    when: { event: ${event} }\n    then: { recommend: { offer: coupon, value: v, channel: mp } }\ncontact: {}\n`,
  });
  expect(await lintOf(rules("cart.aded"))).toEqual([
    expect.stringMatching(/rules\.yaml:4:\d+[\s\S]*cart\.aded[\s\S]*cart\.added/),
  ]);
  // A pack of the folder names a rule that is not among them any more.
  const right = { ...rules("cart.added"), "packs/home.yaml": "version: 1\n" };
  expect(await lintOf(right)).toEqual([]);
  const said = ofRules(await saidBy([cart(0)], MIN, { files: rules("cart.added") }));
  expect(said).toEqual([["r", "recommendation.mp.activity", 0]]);
});
