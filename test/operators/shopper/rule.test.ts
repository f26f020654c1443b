import { describe, expect, test } from "vitest";
import { breakerOperator } from "../../../operators/demand/breaker.ts";
import { partialHop } from "../../../operators/demand/partial.ts";
import { type RuleState, ruleOperator } from "../../../operators/shopper/rule.ts";
import { withPlacement } from "../../../operators/shopper/serve.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { RuleFile } from "../../../src/config/rule-ast.ts";
import { readRules } from "../../../src/config/rule-file.ts";
import { readTrackingPlan } from "../../../src/config/tracking-plan.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import { millis } from "../../../src/time/event-time.ts";
import { shippedText, yaml } from "../../config/shipped.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, clock, DAY, HOUR, line, MIN, shopEvent, T0 } from "./support.ts";

const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value;
if (plan === undefined) throw new Error("the shipped tracking plan is broken");

function rulesOf(rules: string, contact = "{}", named = "let: {}"): RuleFile {
  if (plan === undefined) throw new Error("no plan");
  const text = `version: 1\n${named}\nrules:\n${rules}\ncontact: ${contact}\n`;
  const { value, problems } = readRules(yaml(text), plan, [], "Asia/Shanghai");
  if (value === undefined) throw new Error(problems.map((p) => p.message).join("; "));
  return value;
}
const job = { timeZone: "Asia/Shanghai", seed: 7, maxAge: millis(7 * DAY), files: {} };

const run = (file: RuleFile, script: readonly ScriptLine[], consent?: "granted" | "denied") =>
  play(
    [
      { operator: sessionSpec.make({}, job), from: ["events"] },
      {
        operator: ruleOperator(file, { ...job, ...(consent === undefined ? {} : { consent }) }),
        from: ["session"],
      },
    ],
    script,
  );
const act = (ms: number, type: string, props = {}, over = {}) =>
  line(shopEvent(ms, type, props, over));
const cart = (ms: number, sku = "A", over = {}) => act(ms, "cart.added", { sku }, over);

const people = (n: number) =>
  Array.from({ length: n }, (_, i) => `p_${i.toString(16).padStart(16, "0")}`);
const CART = "when: {event: cart.added}";
const OFFER = "recommend: {offer: coupon, channel: mp, value: v}";
const subjects = ({ outputs }: Awaited<ReturnType<typeof run>>) =>
  outputs.map(({ subject }) => subject);

describe("chance by hash of the person", () => {
  const crowd = people(2000).map((person, i) => cart(i, "A", { person }));

  test("a rollout of 30 % is in force for about 30 %, always the same people", async () => {
    const some = (share: string) =>
      run(rulesOf(`  - {id: r, ${CART}, rollout: ${share}, then: {${OFFER}}}`), crowd);
    const third = (await some("30%")).outputs.map(({ key }) => key);
    expect(third.length / 2000).toBeGreaterThan(0.27);
    expect(third.length / 2000).toBeLessThan(0.33);
    const half = new Set((await some("50%")).outputs.map(({ key }) => key));
    expect(third.filter((person) => !half.has(person))).toEqual([]);
  });

  test("a hold-out is told and never contacted; the policy's own holds for every rule", async () => {
    const of = await run(rulesOf(`  - {id: r, ${CART}, hold_out: 20%, then: {${OFFER}}}`), crowd);
    const held = of.outputs.filter(({ subject }) => subject === "suppressed.holdout");
    expect(of.outputs).toHaveLength(2000);
    expect(held.length / 2000).toBeGreaterThan(0.17);
    expect(held.length / 2000).toBeLessThan(0.23);
    const all = await run(
      rulesOf(
        `  - {id: a, ${CART}, then: {${OFFER}}}\n  - {id: b, ${CART}, then: {${OFFER}}}`,
        "{hold_out: 10%}",
      ),
      crowd,
    );
    const perPerson = new Map<string, Set<string>>();
    for (const { key, subject } of all.outputs)
      perPerson.set(key, (perPerson.get(key) ?? new Set()).add(subject));
    // Who is held out of one rule is held out of all.
    for (const said of perPerson.values()) expect(said.size).toBe(1);
  });

  test("variants share the people as stated, and a person stays with one", async () => {
    const file = rulesOf(
      `  - id: r\n    ${CART}\n    variants: [{id: a, share: 25%, then: {${OFFER}}}, {id: b, share: 75%, then: {${OFFER}}}]`,
    );
    const again = people(2000).map((person, i) => cart(HOUR + i, "B", { person }));
    const { outputs } = await run(file, [...crowd, ...again]);
    const of = new Map<string, unknown[]>();
    for (const { key, data } of outputs) of.set(key, [...(of.get(key) ?? []), data["variant"]]);
    const a = [...of.values()].filter(([variant]) => variant === "a").length;
    expect(a / 2000).toBeGreaterThan(0.22);
    expect(a / 2000).toBeLessThan(0.28);
    for (const [first, second] of of.values()) expect(second).toBe(first);
  });
});

describe("what a message is worth", () => {
  test("D14: below the least score it is suppressed as of low value", async () => {
    const file = rulesOf(
      `  - {id: r, ${CART}, then: {recommend: {offer: coupon, channel: mp, value: v, score: 0.1}}}`,
      "{min_score: 0.2}",
    );
    expect(subjects(await run(file, [cart(0)]))).toEqual(["suppressed.low_value"]);
  });

  test("of any_of the one worth most that may go, of first_of the first", async () => {
    const offers =
      "[{recommend: {offer: a, channel: mp, value: v, score: 0.4, sku: $sku, stock_over: 5}}, {recommend: {offer: b, channel: mp, value: v, score: 0.9}}]";
    const offer = async (take: string, stock: number) => {
      const fact = ["stock", "A", { sellable: stock, sites: {} }] as const;
      const file = rulesOf(`  - {id: r, ${CART}, then: {${take}: ${offers}}}`);
      const { outputs } = await run(file, [{ fact }, cart(0)]);
      const items = outputs[0]?.data["items"] as { offer: string }[] | undefined;
      return items?.[0]?.offer;
    };
    expect(await offer("any_of", 9)).toBe("b");
    expect(await offer("first_of", 9)).toBe("a");
    expect(await offer("first_of", 5)).toBe("b");
  });

  test("sold out, an offer of the thing is suppressed; unknown stock counts as there", async () => {
    const file = rulesOf(
      `  - {id: r, ${CART}, then: {recommend: {offer: coupon, sku: $sku, channel: mp, value: v}}}`,
    );
    const none: ScriptLine = { fact: ["stock", "A", { sellable: 0, sites: {} }] };
    expect(subjects(await run(file, [none, cart(0)]))).toEqual(["suppressed.stock"]);
    expect(subjects(await run(file, [cart(0)]))).toEqual(["recommendation.mp.activity"]);
  });
});

describe("what people say counts", () => {
  const both = rulesOf(
    `  - {id: m, ${CART}, then: {recommend: {offer: coupon, channel: wecom, value: v}}}
  - {id: s, class: service, ${CART}, then: {book: {service: x, channel: wecom}}}`,
  );

  test("without consent to marketing none goes, service does; without any, nothing", async () => {
    const say = (purpose: string, status: string) => act(0, "privacy.consent", { purpose, status });
    const told = async (line: ScriptLine) =>
      subjects(await run(both, [line, cart(MIN), clock(HOUR)])).sort();
    expect(await told(say("marketing", "withdrawn"))).toEqual([
      "recommendation.wecom.service",
      "suppressed.consent",
    ]);
    expect(await told(say("profiling", "withdrawn"))).toEqual([
      "recommendation.wecom.service",
      "suppressed.optout",
    ]);
    expect(await told(say("collect", "withdrawn"))).toEqual([
      "suppressed.consent",
      "suppressed.consent",
    ]);
  });

  test("strict: consent that nobody gave is denied until it is granted", async () => {
    const granted = ["collect", "marketing", "profiling"].map((purpose) =>
      act(MIN, "privacy.consent", { purpose, status: "granted" }),
    );
    const { outputs } = await run(
      both,
      [cart(0), clock(MIN), ...granted, cart(HOUR), clock(DAY)],
      "denied",
    );
    expect(outputs.map(({ subject }) => subject.split(".")[0])).toEqual([
      "suppressed",
      "suppressed",
      "recommendation",
      "recommendation",
    ]);
  });

  test("a withdrawal cancels what waits, and what was under way, for good", async () => {
    const file = rulesOf(
      "  - {id: r, when: {absent: {after: {event: cart.added}, within: 24h, of: [{event: order.paid}]}}, then: {recommend: {offer: coupon, channel: wecom, value: v}}}",
      '{quiet: [{from: "22:00", to: "08:00"}]}',
    );
    const say = (ms: number, status: string) =>
      act(ms, "privacy.consent", { purpose: "marketing", status });
    // Held over night, withdrawn meanwhile.
    const added = 11 * HOUR;
    const held = await run(file, [
      cart(added),
      clock(added + DAY),
      say(added + DAY + HOUR, "withdrawn"),
      clock(5 * DAY),
    ]);
    expect(subjects(held)).toEqual(["suppressed.consent"]);
    // Withdrawn and granted again while the cart waits.
    const waiting = [cart(0), say(HOUR, "withdrawn"), say(2 * HOUR, "granted"), clock(5 * DAY)];
    expect(subjects(await run(file, waiting))).toEqual([]);
  });

  test("D15: who has left a channel is not written to there", async () => {
    const left = act(0, "contact.removed", { channel: "wecom" });
    const back = act(2 * HOUR, "contact.added", { channel: "wecom" });
    const script = [left, cart(MIN), clock(HOUR), back, cart(3 * HOUR), clock(DAY)];
    expect(subjects(await run(both, script))).toEqual([
      "suppressed.optout",
      "suppressed.optout",
      "recommendation.wecom.activity",
      "recommendation.wecom.service",
    ]);
  });
});

test("quiet hours may drop instead of hold", async () => {
  const file = rulesOf(
    `  - {id: r, ${CART}, then: {recommend: {offer: coupon, channel: wecom, value: v}}}`,
    '{quiet: [{from: "12:00", to: "13:00", do: drop}]}',
  );
  // T0 is noon in Shanghai.
  const script = [cart(HOUR - 1), clock(HOUR), cart(HOUR), clock(2 * HOUR)];
  expect(subjects(await run(file, script))).toEqual([
    "suppressed.quiet",
    "recommendation.wecom.activity",
  ]);
});

test("a message that is no longer fresh when it may go is stale", async () => {
  const file = rulesOf(
    `  - {id: r, ${CART}, within: 3h, then: {recommend: {offer: coupon, channel: wecom, value: v}}}`,
    '{quiet: [{from: "12:00", to: "16:00"}]}',
  );
  expect(subjects(await run(file, [cart(0), clock(DAY)]))).toEqual(["suppressed.stale"]);
  expect(subjects(await run(file, [cart(HOUR), clock(DAY)]))).toEqual([
    "recommendation.wecom.activity",
  ]);
});

test("F10: three blocks among a hundred messages stop a rule, until most of it has faded", async () => {
  const file = rulesOf(
    `  - {id: r, ${CART}, then: {${OFFER}}}`,
    "{breaker: {blocks: 3%, least: 50, half_life: 7d}}",
  );
  const crowd = people(100).map((person, i) => cart(i, "A", { person }));
  const sent = await run(file, crowd);
  const blocks = [1, 2, 3].map((i) => {
    const of = sent.outputs[i];
    const props = { rec_id: String(of?.data["rec_id"]) };
    return act(MIN + i, "feedback.blocked", props, { person: of?.key });
  });
  const all = await run(file, [...crowd, ...blocks]);
  expect(all.hops.map(({ key, payload }) => [key, payload]).slice(-4)).toEqual([
    ["contact:r", ["contact", 1, 1, 0, 0, 0]],
    ...[1, 2, 3].map(() => ["contact:r", ["contact", 0, 0, 0, 1, 0]]),
  ]);
  // The demand flow counts over all people, and tells when it is enough.
  const count = async (blocked: number) => {
    const hops = all.hops.slice(0, 100 + blocked);
    const told: unknown[] = [];
    await play(
      [
        { operator: breakerOperator(() => file.contact.breaker), from: ["events"] },
        {
          from: ["breaker"],
          operator: {
            name: "probe",
            version: 1,
            order: "arrival",
            key: ({ from }: { from: string }) => from,
            init: () => null,
            onEvent(out: { key: string; value: unknown }, state: null, ctx) {
              told.push([out.key, out.value, Math.round((ctx.now - T0) / DAY)]);
              return state;
            },
          },
        },
      ],
      [
        ...hops.map(({ key, time, payload }, i) => ({
          at: time,
          key,
          event: { ...partialHop("r", time, payload as never), cause: `c${i}` },
        })),
        clock(30 * DAY),
      ],
      { ordered: true },
    );
    return told;
  };
  expect(await count(2)).toEqual([]);
  // 100 messages have faded to 50 after a half-life.
  expect(await count(3)).toEqual([
    ["r", { open: true }, 0],
    ["r", null, 7],
  ]);
  const open: ScriptLine = { fact: ["breaker", "r", { open: true }] };
  expect(subjects(await run(file, [open, cart(0)]))).toEqual(["suppressed.breaker"]);
});

describe("G18: a benefit", () => {
  const file = rulesOf(
    `  - id: r
    class: service
    when: {score: {of: {ugc: 10}, half_life: 10d, tiers: {silver: 5}}}
    then: {crm: {benefit: $tier}}
    grace: 5d`,
    "{}",
    "let: {ugc: {event: content.created}}",
  );
  const made = (ms: number) => act(ms, "content.created", { content_id: "c" });
  const told = async (script: readonly ScriptLine[]) =>
    (await run(file, script)).outputs.map(({ subject, time, data }) => [
      subject,
      data["benefit"],
      Math.round((time - T0) / DAY),
    ]);

  test("is lost only when the tier is still lost after the grace", async () => {
    expect(await told([made(0), clock(40 * DAY)])).toEqual([
      ["crm.benefit", "silver", 0],
      ["crm.benefit", "none", 15],
    ]);
  });

  test("is kept by whoever comes back within it", async () => {
    const script = [made(0), clock(12 * DAY), made(12 * DAY), clock(13 * DAY)];
    expect((await told(script)).map(([subject, benefit]) => [subject, benefit])).toEqual([
      ["crm.benefit", "silver"],
      ["suppressed.stale", undefined],
      ["crm.benefit", "silver"],
    ]);
  });
});

describe("E26: a placed sku", () => {
  const file = rulesOf(
    "  - {id: hero, when: {event: mp.entered}, then: {place: {slot: mp.home.first, sku: N, ttl: 30m}}}",
  );
  const answer = {
    items: [{ sku: "A" }, { sku: "N" }],
    keys: ["A", "N"],
    kind: "product",
    score: 0.4,
    reason: { code: "popular", zh: "" },
    personalized: false,
    model_version: null,
  };
  const slot = { slot: "mp.home.first", n: 2 };
  const placedIn = ({ task }: Awaited<ReturnType<typeof run>>) =>
    (task.stateOf("rule", ANN) as RuleState | undefined)?.contact.placed[slot.slot];

  test("leads the answer of its slot while it holds, once", async () => {
    const played = await run(file, [act(0, "mp.entered")]);
    const placed = placedIn(played);
    const at = (ms: number) =>
      withPlacement(answer, placed, played.task.facts, slot, (T0 + ms) as EventTime);
    expect(at(30 * MIN)).toMatchObject({ keys: ["N", "A"], rule: "hero", personalized: true });
    expect(at(30 * MIN + 1)).toBe(answer);
    const served = act(MIN, "recommendation.served", { rec_id: "r", slot: slot.slot });
    expect(placedIn(await run(file, [act(0, "mp.entered"), served]))).toBeUndefined();
  });
});

describe("what comes late", () => {
  const file = rulesOf(
    "  - {id: r, when: {absent: {after: {event: cart.added}, key: [sku], within: 24h, of: [{event: order.paid, match: [sku]}]}}, then: {recommend: {offer: coupon, sku: $sku, channel: wecom, value: v}}}",
  );
  const paid = (ms: number, sku = "A") => act(ms, "order.paid", { sku, order_id: "o" });

  test("a payment in time that is heard of too late takes the coupon back", async () => {
    const script = [cart(0), clock(2 * DAY), paid(DAY, "B"), paid(DAY), clock(3 * DAY)];
    const { outputs } = await run(file, script);
    expect(outputs.map(({ subject }) => subject)).toEqual([
      "recommendation.wecom.activity",
      "suppressed.paid",
    ]);
    expect(outputs[1]?.data).toMatchObject({
      rule: "r",
      supersedes: outputs[0]?.data["rec_id"],
      at: outputs[0]?.data["at"],
    });
  });

  test("a cart heard of late fires for the moment at which it was 24 h old", async () => {
    const late = [cart(0, "B"), clock(2 * DAY), cart(HOUR), clock(3 * DAY)];
    const { outputs } = await run(file, late);
    expect(outputs.map(({ data }) => [data["sku"], Date.parse(String(data["at"])) - T0])).toEqual([
      ["B", DAY],
      ["A", DAY + HOUR],
    ]);
    // It goes when it is known, not in the past.
    expect((outputs[1]?.time ?? 0) - T0).toBeGreaterThanOrEqual(2 * DAY);
  });
});

test("law: what is published does not depend on the order in which a second's events arrive", async () => {
  const file = rulesOf(
    "  - {id: r, when: {absent: {after: {event: cart.added}, key: [sku], within: 1h, of: [{event: order.paid, match: [sku]}]}}, then: {recommend: {offer: coupon, sku: $sku, channel: wecom, value: v}}}",
  );
  const events = [
    shopEvent(0, "cart.added", { sku: "A" }),
    shopEvent(300, "cart.added", { sku: "B" }),
    shopEvent(900, "order.paid", { sku: "A", order_id: "o" }),
  ];
  const told = async (order: readonly number[]) =>
    (await run(file, [...order.flatMap((i) => events[i] ?? []).map(line), clock(DAY)])).outputs.map(
      ({ subject, data }) => [subject, data["sku"], data["at"]],
    );
  const straight = await told([0, 1, 2]);
  expect(straight).toHaveLength(1);
  for (const order of [
    [2, 1, 0],
    [1, 2, 0],
    [2, 0, 1],
  ])
    expect(await told(order)).toEqual(straight);
});

test("who has gone quiet is forgotten when nothing is left to restrain", async () => {
  const file = rulesOf(
    `  - {id: r, ${CART}, once: {every: 30d}, then: {${OFFER}}}`,
    "{caps: [{max: 3, every: month}]}",
  );
  const { task } = await run(file, [cart(0), clock(20 * DAY)]);
  expect(task.stateOf("rule", ANN)).toBeDefined();
  const later = await run(file, [cart(0), clock(60 * DAY)]);
  expect(later.task.stateOf("rule", ANN)).toBeUndefined();
});

test("F13: three messages ignored double the interval; an answer brings it back", async () => {
  const file = rulesOf(
    `  - {id: r, ${CART}, then: {recommend: {offer: coupon, channel: wecom, value: v}}}`,
    "{backoff: {ignored: 3, after: 24h, interval: 1d, factor: 2}}",
  );
  const carts = (days: readonly number[]) => days.map((day) => cart(day * DAY));
  const told = async (script: readonly ScriptLine[]) =>
    (await run(file, [...script, clock(20 * DAY)])).outputs.map(({ subject, data, time }) => ({
      went: subject.startsWith("recommendation."),
      subject,
      day: (time - T0) / DAY,
      rec: String(data["rec_id"]),
    }));
  const script = carts([0, 1, 2, 3, 4, 5]);
  const silent = await told(script);
  expect(silent.map(({ subject, day }) => [subject, day])).toEqual([
    ["recommendation.wecom.activity", 0],
    ["recommendation.wecom.activity", 1],
    ["recommendation.wecom.activity", 2],
    ["suppressed.backoff", 3],
    ["recommendation.wecom.activity", 4],
    ["suppressed.backoff", 5],
  ]);
  const click = act(2 * DAY + HOUR, "feedback.clicked", { rec_id: silent[2]?.rec });
  const heard = await told([...script.slice(0, 3), click, ...script.slice(3)]);
  expect(heard.every(({ went }) => went)).toBe(true);
});

test("a rule that has left the file leaves nothing that would wake its people for ever", async () => {
  const absent = (id: string) =>
    `  - {id: ${id}, when: {absent: {after: {event: cart.added}, within: 24h, of: [{event: order.paid}]}}, then: {${OFFER}}}`;
  const before = await run(rulesOf(absent("old")), [cart(0)]);
  const { due: _, ...state } = before.task.stateOf("rule", ANN) as RuleState;
  const operator = ruleOperator(rulesOf(absent("new")), job);
  const { task } = await play(
    [
      { operator: sessionSpec.make({}, job), from: ["events"] },
      { operator: { ...operator, init: () => structuredClone(state) }, from: ["session"] },
    ],
    [act(HOUR, "privacy.consent", { purpose: "share", status: "granted" }), clock(3 * DAY)],
  );
  expect((task.stateOf("rule", ANN) as RuleState | undefined)?.book.next).toEqual({});
});
