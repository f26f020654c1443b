import fc from "fast-check";
import { DateTime } from "luxon";
import { expect, test } from "vitest";
import { ruleOperator } from "../../../operators/shopper/rule.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { RuleFile } from "../../../src/config/rule-ast.ts";
import { readRules } from "../../../src/config/rule-file.ts";
import { readTrackingPlan } from "../../../src/config/tracking-plan.ts";
import type { Output } from "../../../src/flow/output.ts";
import { millis } from "../../../src/time/event-time.ts";
import { shippedText, yaml } from "../../config/shipped.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { DAY, HOUR, line, MIN, shopEvent, T0 } from "./support.ts";

const ZONE = "Asia/Shanghai";
/** Eight rules that fire at every page of their path, two of them at one. */
const RULES = `
version: 1
rules:
  - {id: w1, when: {event: page.viewed, where: {path: w1}}, then: {recommend: {offer: a, channel: wecom, value: v, score: 0.9}}}
  - {id: w3, when: {event: page.viewed, where: {path: w1}}, then: {recommend: {offer: b, channel: wecom, value: v, score: 0.7}}}
  - {id: w2, when: {event: page.viewed, where: {path: w2}}, then: {recommend: {offer: a, channel: wecom, value: v}}}
  - {id: g1, when: {event: page.viewed, where: {path: g1}}, then: {recommend: {offer: a, channel: gzh, value: v, score: 0.8}}}
  - {id: n1, when: {event: page.viewed, where: {path: n1}}, then: {recommend: {offer: a, channel: [notice, gzh], value: v}}}
  - {id: m1, when: {event: page.viewed, where: {path: m1}}, then: {recommend: {offer: a, channel: mp, value: v}}}
  - {id: s1, class: service, when: {event: page.viewed, where: {path: s1}}, then: {book: {service: x, channel: [notice, gzh]}}}
  - {id: o1, when: {event: page.viewed, where: {path: o1}}, once: {every: 3d}, then: {recommend: {offer: a, channel: mp, value: v}}}
contact:
  pages: [mp]
  quiet: [{from: "22:00", to: "08:00"}]
  caps:
    - {max: 1, every: day, channels: [wecom, gzh, notice]}
    - {max: 3, every: week, channels: [wecom, gzh, notice]}
    - {per: rule, max: 5, every: month}
    - {per: channel, max: 2, every: 6h, channels: [mp]}
  backoff: {ignored: 3, after: 24h, interval: 1d, factor: 2, most: 10d}
  cool_down: {closed: 7d, blocked: 20d}
  quotas:
    wecom: [{id: mass, limits: [{max: 1, every: day}, {max: 4, every: month}]}]
    gzh:
      - {id: chat, grants: [{of: {event: cs.started}, max: 2, within: 48h}]}
      - {id: mass, limits: [{max: 2, every: month}]}
    notice:
      - id: credit
        grants:
          - {of: {event: notice.accepted}, max: 1, adds: true}
          - {of: {event: notice.rejected}, revokes: true}
`;

function rulesOf(text: string): RuleFile {
  const plan = readTrackingPlan(yaml(shippedText("tracking-plan"))).value;
  if (plan === undefined) throw new Error("the shipped tracking plan is broken");
  const { value, problems } = readRules(yaml(text), plan, [], ZONE);
  if (value === undefined) throw new Error(problems.map((p) => p.message).join("; "));
  return value;
}
const file = rulesOf(RULES);
const job = { timeZone: ZONE, seed: 1, maxAge: millis(7 * DAY), files: {} };

const runOf = (script: readonly ScriptLine[], hotRows = 0) =>
  play(
    [
      { operator: sessionSpec.make({}, job), from: ["events"] },
      { operator: ruleOperator(file, job), from: ["session"] },
    ],
    script,
    { hotRows },
  );

const PATHS = ["w1", "w2", "g1", "n1", "m1", "s1", "o1"] as const;
const OTHERS = ["cs.started", "notice.accepted", "notice.rejected"] as const;
const MONTH = 40 * DAY;

interface Doing {
  /** Ids of recommendations are made of it. */
  readonly id: string;
  readonly ms: number;
  readonly type: string;
  readonly props: Record<string, string>;
}
const doing: fc.Arbitrary<Omit<Doing, "id">> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      ms: fc.integer({ min: 0, max: MONTH / MIN }).map((minute) => minute * MIN),
      type: fc.constant("page.viewed"),
      props: fc.constantFrom(...PATHS).map((path): Record<string, string> => ({ path })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ms: fc.integer({ min: 0, max: MONTH }),
      type: fc.constantFrom(...OTHERS),
      props: fc.constant({}),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ms: fc.integer({ min: 0, max: MONTH }),
      type: fc.constant("privacy.consent"),
      props: fc
        .constantFrom("granted", "withdrawn")
        .map((status): Record<string, string> => ({ purpose: "marketing", status })),
    }),
  },
);

/** Rules often fire together: some of the doings happen at one moment. */
const doings = fc
  .array(fc.tuple(doing, fc.boolean()), { minLength: 20, maxLength: 160 })
  .map((all) => {
    const sorted = all.toSorted(([a], [b]) => a.ms - b.ms);
    return sorted
      .map(
        ([it, joins], i): Doing => ({
          ...it,
          id: `act${i}`,
          ms: joins ? (sorted[i - 1]?.[0].ms ?? it.ms) : it.ms,
        }),
      )
      .toSorted((a, b) => a.ms - b.ms);
  });
const answers = fc.array(
  fc.record({
    nth: fc.nat({ max: 40 }),
    // What is held goes when its time is certain, so nobody can answer within the disorder.
    after: fc.integer({ min: 6000, max: 30 * HOUR }),
    what: fc.constantFrom("clicked", "ignored", "closed", "blocked"),
  }),
  { maxLength: 12 },
);

function scriptOf(all: readonly Doing[]): ScriptLine[] {
  const lines = all
    .toSorted((a, b) => a.ms - b.ms)
    .flatMap(({ ms, type, props, id }): ScriptLine[] => [
      { watermark: T0 + ms - 5000 },
      line(shopEvent(ms, type, props, { id, clientId: id })),
    ]);
  return [...lines, { watermark: T0 + MONTH + 3 * DAY }];
}

interface Sent {
  readonly at: number;
  readonly rule: string;
  readonly channel: string;
  readonly marketing: boolean;
}
const isRec = ({ subject }: Output) => subject.startsWith("recommendation.");
const sentIn = (outputs: readonly Output[]): Sent[] =>
  outputs.filter(isRec).map(({ time, data }) => ({
    at: time,
    rule: String(data["rule"]),
    channel: String(data["channel"]),
    marketing: (data["policy"] as { class: string }).class === "marketing",
  }));

const local = (at: number) => DateTime.fromMillis(at, { zone: ZONE });
const keys = {
  day: (at: number) => local(at).toFormat("yyyy-MM-dd"),
  week: (at: number) => local(at).toFormat("kkkk-'W'WW"),
  month: (at: number) => local(at).toFormat("yyyy-MM"),
};
/** The most that fall into one group. */
function mostOf(sent: readonly Sent[], key: (one: Sent) => string): number {
  const counts = new Map<string, number>();
  for (const one of sent) counts.set(key(one), (counts.get(key(one)) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

function checkCaps(sent: readonly Sent[]): void {
  const marketing = sent.filter((one) => one.marketing);
  const pushed = marketing.filter(({ channel }) => channel !== "mp");
  expect(mostOf(pushed, ({ at }) => keys.day(at))).toBeLessThanOrEqual(1);
  expect(mostOf(pushed, ({ at }) => keys.week(at))).toBeLessThanOrEqual(3);
  expect(mostOf(marketing, ({ at, rule }) => keys.month(at) + rule)).toBeLessThanOrEqual(5);
  const pages = marketing.filter(({ channel }) => channel === "mp");
  for (const { at } of pages)
    expect(pages.filter((two) => two.at > at - 6 * HOUR && two.at <= at).length).toBeLessThan(3);
  for (const { at } of pushed) expect(pushed.filter((two) => two.at === at)).toHaveLength(1);
  const once = marketing.filter(({ rule }) => rule === "o1");
  once.forEach(({ at }, i) => {
    const before = once[i - 1];
    if (before !== undefined) expect(at - before.at).toBeGreaterThanOrEqual(3 * DAY);
  });
}

function checkQuiet(sent: readonly Sent[]): void {
  for (const { at, channel } of sent.filter((one) => one.channel !== "mp")) {
    const { hour } = local(at);
    expect(hour >= 8 && hour < 22, `${channel} at ${local(at).toISO()}`).toBe(true);
  }
}

function checkQuotas(sent: readonly Sent[], all: readonly Doing[]): void {
  const wecom = sent.filter(({ channel }) => channel === "wecom");
  expect(mostOf(wecom, ({ at }) => keys.day(at))).toBeLessThanOrEqual(1);
  expect(mostOf(wecom, ({ at }) => keys.month(at))).toBeLessThanOrEqual(4);
  // What a chat of the last 48 h does not cover counts against the month.
  const chats = all.filter(({ type }) => type === "cs.started").map(({ ms }) => T0 + ms);
  const gzh = sent.filter(({ channel }) => channel === "gzh");
  const uncovered = gzh.filter(({ at }) => {
    const open = chats.filter((chat) => chat <= at && at <= chat + 48 * HOUR);
    return !open.some((chat) => gzh.filter((two) => two.at > chat && two.at < at).length < 2);
  });
  expect(mostOf(uncovered, ({ at }) => keys.month(at))).toBeLessThanOrEqual(2);
  const notices = sent.filter(({ channel }) => channel === "notice");
  for (const { at } of notices) {
    const until = all.filter(({ ms }) => T0 + ms <= at);
    const rejected = until.findLastIndex(({ type }) => type === "notice.rejected");
    const since = until[rejected]?.ms ?? -1;
    const accepted = until.slice(rejected + 1).filter(({ type }) => type === "notice.accepted");
    const used = notices.filter((two) => two.at <= at && two.at > T0 + since);
    expect(used.length).toBeLessThanOrEqual(accepted.length);
  }
}

function checkConsent(sent: readonly Sent[], all: readonly Doing[]): void {
  for (const { at, marketing } of sent) {
    const said = all.filter(({ type }) => type === "privacy.consent");
    const before = said.findLast(({ ms }) => T0 + ms < at)?.props["status"] ?? "granted";
    // In one millisecond the message may have come before or after what was said.
    const meanwhile = said.filter(({ ms }) => T0 + ms === at).map(({ props }) => props["status"]);
    if (marketing) expect([before, ...meanwhile]).toContain("granted");
  }
}

function checkAnswers(outputs: readonly Output[], all: readonly Doing[]): void {
  const made = outputs.filter(isRec);
  for (const { ms, type, props } of all) {
    const about = made.find(({ data }) => data["rec_id"] === props["rec_id"]);
    if (about === undefined || about.time > T0 + ms) continue;
    const later = sentIn(made.filter(({ time }) => time > T0 + ms)).filter((one) => one.marketing);
    if (type === "feedback.closed") {
      const again = later.filter(({ rule }) => rule === about.data["rule"]);
      for (const { at } of again) expect(at).toBeGreaterThanOrEqual(T0 + ms + 7 * DAY);
    } else if (type === "feedback.blocked") {
      const again = later.filter(({ channel }) => channel === about.data["channel"]);
      for (const { at } of again) expect(at).toBeGreaterThanOrEqual(T0 + ms + 20 * DAY);
    }
  }
}

/** Messages that interrupt come no closer than silence allows. */
function checkBackoff(outputs: readonly Output[], all: readonly Doing[]): void {
  const pushed = outputs
    .filter(isRec)
    .filter(({ data }) => data["channel"] !== "mp")
    .filter(({ data }) => (data["policy"] as { class: string }).class === "marketing");
  pushed.forEach(({ time }, i) => {
    const before = pushed.slice(0, i);
    const last = before.at(-1);
    if (last === undefined) return;
    let ignored = 0;
    for (const { data, time: sent } of before.toReversed()) {
      const said = all.filter(
        ({ ms, props }) => props["rec_id"] === data["rec_id"] && T0 + ms <= time,
      );
      if (said.some(({ type }) => type === "feedback.clicked")) break;
      if (said.length > 0 || sent + DAY <= time) ignored += 1;
    }
    const times = Math.floor(ignored / 3);
    if (times > 0) expect(time - last.time).toBeGreaterThanOrEqual(Math.min(10, 2 ** times) * DAY);
  });
}

test("caps, quiet hours, quotas, consent, cool-downs and back-off hold in any month", async () => {
  let sentInAll = 0;
  const reasons = new Set<string>();
  await fc.assert(
    fc.asyncProperty(doings, answers, async (acts, said) => {
      const made = (await runOf(scriptOf(acts))).outputs.filter(isRec);
      // Answers to what was sent; it may now go otherwise from there on.
      const heard = said.flatMap(({ nth, after, what }, i): Doing[] => {
        const about = made[nth % Math.max(1, made.length)];
        if (about === undefined) return [];
        const rec_id = String(about.data["rec_id"]);
        return [
          {
            id: `said${i}`,
            ms: about.time - T0 + after,
            type: `feedback.${what}`,
            props: { rec_id },
          },
        ];
      });
      const all = [...acts, ...heard]
        .filter(({ ms }) => ms <= MONTH)
        .toSorted((a, b) => a.ms - b.ms);
      const { outputs } = await runOf(scriptOf(all));
      const sent = sentIn(outputs);
      sentInAll += sent.length;
      for (const { subject } of outputs) reasons.add(subject.split(".").slice(0, 2).join("."));
      checkCaps(sent);
      checkQuiet(sent);
      checkQuotas(sent, all);
      checkConsent(sent, all);
      checkAnswers(outputs, all);
      checkBackoff(outputs, all);
      // Every firing comes to one end: done, or told why not.
      const paths = all.flatMap(({ props: { path } }) => path ?? []);
      expect(outputs.length).toBe(paths.length + paths.filter((path) => path === "w1").length);
    }),
    { numRuns: 60 },
  );
  expect(sentInAll).toBeGreaterThan(300);
  for (const reason of ["cap", "quota", "backoff", "cooldown", "consent", "outranked"])
    expect([...reasons], reason).toContain(`suppressed.${reason}`);
});

test("state is its own round trip: rows kept as objects say the same", async () => {
  await fc.assert(
    fc.asyncProperty(doings, async (acts) => {
      const script = scriptOf(acts);
      expect((await runOf(script, 100)).outputs).toEqual((await runOf(script, 0)).outputs);
    }),
    { numRuns: 15 },
  );
});
