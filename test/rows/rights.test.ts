import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import type { EventTime } from "../../src/time/event-time.ts";
import { run } from "../replay/run.ts";
import { CONFIG_DIR, type Settings } from "../support/job.ts";

/** What people may refuse and ask for, through the whole of the shipped configuration. */

/** Noon in Shanghai. */
const NOON = Date.UTC(2026, 10, 2, 4);
const MIN = 60_000;
const DAY = 24 * 60 * MIN;

type Props = Readonly<Record<string, unknown>>;
type Said = readonly (readonly [subject: string, data: Props])[];
let ids = 0;

function happens(ms: number, type: string, props: Props = {}, person = "o-anna-of-the-tests") {
  ids += 1;
  return {
    id: `e${ids}`,
    type,
    ts: NOON + ms,
    touchpoint: "mp",
    ids: [{ k: "unionid", v: person }],
    props,
  };
}
function asks(ms: number, kind: string, props: Props = {}, person = "o-anna-of-the-tests") {
  const data = { id: `ask-${kind}`, ts: NOON + ms, ids: [{ k: "unionid", v: person }], ...props };
  return {
    subject: `in.privacy.request.${kind}`,
    recv: NOON + ms,
    data: { ...data, recv: NOON + ms },
  };
}
const consents = (ms: number, purpose: string, status: string) =>
  happens(ms, "privacy.consent", { purpose, status });

async function saidOf(lines: readonly object[], settings?: Settings, until = DAY): Promise<Said> {
  const said: [string, Props][] = [];
  await run({
    lines: lines.map((line) => JSON.stringify(line)),
    format: "events",
    until: (NOON + until) as EventTime,
    ...(settings === undefined ? {} : { settings }),
    onLine: ({ subject, data }) => void said.push([subject, data as Props]),
  });
  return said;
}
const of = (said: Said, subject: RegExp) => said.filter(([name]) => subject.test(name));
const about = (said: Said, subject: RegExp) => of(said, subject).map(([, data]) => data);

const view = (ms: number, sku = "p1") =>
  happens(ms, "product.viewed", { sku, line: "premium", category: "tents", dwell_ms: 40_000 });
/** Enters `high_value_interest`, and shows that it means to buy. */
const interest = [
  view(0),
  view(MIN),
  view(2 * MIN),
  happens(3 * MIN, "cart.added", { sku: "p1", line: "premium", category: "tents" }),
];
const ENTERED = /^segment\.high_value_interest\.entered$/;
const EXITED = /^segment\.high_value_interest\.exited$/;
const contentsOf = (said: Said): Props =>
  about(said, /^privacy\.receipt\.ask-export$/)[0]?.["contents"] as Props;

test("D01: of who does not agree to be observed nothing is taken in, from there on", async () => {
  const before = await saidOf(interest);
  expect(of(before, ENTERED)).toHaveLength(1);
  const refused = await saidOf([consents(-MIN, "collect", "withdrawn"), ...interest]);
  expect(of(refused, /^(intent|segment|recommendation|suppressed|tag)\./)).toEqual([]);
  // Agreeing again counts from there on.
  const again = [
    ...interest.slice(0, 2),
    consents(MIN + 1, "collect", "granted"),
    ...interest.slice(2),
  ];
  const later = await saidOf([consents(-MIN, "collect", "withdrawn"), ...again]);
  expect(of(later, ENTERED)).toEqual([]);
});

test("D01: where consent must be given first, nothing is taken in of who has not said", async () => {
  const strict = { "collect.consent": "denied" };
  expect(of(await saidOf(interest, strict), /^(intent|segment)\./)).toEqual([]);
  const granted = ["collect", "profiling"].map((purpose) => consents(-MIN, purpose, "granted"));
  expect(of(await saidOf([...granted, ...interest], strict), ENTERED)).toHaveLength(1);
});

test("D01: without consent to profiling events count for the shop, and tell nothing of the person", async () => {
  const said = await saidOf([consents(-MIN, "profiling", "withdrawn"), ...interest]);
  expect(of(said, /^(intent|segment|recommendation)\./)).toEqual([]);
  const exported = await saidOf([
    consents(-MIN, "profiling", "withdrawn"),
    ...interest,
    asks(4 * MIN, "export"),
  ]);
  expect(contentsOf(exported)).toMatchObject({ counters: {}, touches: [], segments: [] });
});

test("D01: a withdrawal ends what rested on it at its place in the log", async () => {
  const said = await saidOf([...interest, consents(4 * MIN, "profiling", "withdrawn")]);
  expect(about(said, EXITED)).toMatchObject([
    { reason: "forgotten", at: new Date(NOON + 4 * MIN).toISOString() },
  ]);
  // The segment would have been left by the clock too: that timer is gone.
  const days = await saidOf(
    [...interest, consents(4 * MIN, "profiling", "withdrawn")],
    {},
    40 * DAY,
  );
  expect(of(days, EXITED)).toHaveLength(1);
  expect(of(days, /^(intent|recommendation)\./).length).toBe(
    of(await saidOf(interest, {}, 4 * MIN), /^(intent|recommendation)\./).length,
  );
});

test("D01: nothing is taken in of who is under 14; a minor gets no marketing", async () => {
  const child = await saidOf([happens(-MIN, "privacy.age", { group: "under14" }), ...interest]);
  expect(of(child, /^(intent|segment|recommendation|tag)\./)).toEqual([]);
  const minor = await saidOf(
    [happens(-MIN, "privacy.age", { group: "minor" }), ...interest],
    {},
    2 * DAY,
  );
  expect(of(minor, ENTERED)).toHaveLength(1);
  const marketing = (said: Said) =>
    about(said, /^recommendation\./).filter(
      ({ policy }) => (policy as { class?: string } | undefined)?.class === "marketing",
    );
  expect(marketing(minor)).toEqual([]);
  expect(of(minor, /^suppressed\.minor$/).length).toBeGreaterThan(0);
  expect(marketing(await saidOf(interest, {}, 2 * DAY)).length).toBeGreaterThan(0);
});

test("C15, B18: an export is one document that the published schema describes, with its evidence", async () => {
  const { touches, ...contents } = contentsOf(await saidOf([...interest, asks(4 * MIN, "export")]));
  const schema = JSON.parse(
    readFileSync(join(CONFIG_DIR, "schemas", "profile.schema.json"), "utf8"),
  ) as TSchema;
  const document = {
    person: "p_0000000000000000",
    at: null,
    group: "shopper-0",
    seq: 1,
    watermark: null,
    touches,
    ...contents,
  };
  expect([...Compile(schema).Errors(document)]).toEqual([]);
  expect(touches).toHaveLength(4);
  expect(contents).toMatchObject({
    counters: { "product.viewed": 3, "cart.added": 1 },
    preferences: { categories: { tents: 1 } },
    segments: expect.arrayContaining([expect.objectContaining({ segment: "high_value_interest" })]),
    consent: { purposes: { marketing: { granted: true } } },
  });
  const intents = contents["intents"] as readonly { intent: string; evidence: readonly object[] }[];
  expect(intents.find(({ intent }) => intent === "buy")?.evidence.length).toBeGreaterThan(0);
});

test("B18: a latent need is what others met together with what the person looked at", async () => {
  // Others look at p1 and p2 in one session, second after second.
  const others = Array.from({ length: 40 }, (_, i) => [
    happens(i * 2000, "product.viewed", { sku: "p1", category: "tents" }, `o-other-${i}`),
    happens(i * 2000 + 1000, "product.viewed", { sku: "p2", category: "mats" }, `o-other-${i}`),
  ]).flat();
  const mine = [view(10 * MIN), asks(11 * MIN, "export")];
  const contents = contentsOf(await saidOf([...others, ...mine]));
  expect(contents["needs"]).toMatchObject([{ sku: "p2", because: ["p1"] }]);
});

test("D02: a deletion is answered, told to everybody, and nothing of the person comes back", async () => {
  const lines = [...interest, asks(4 * MIN, "delete")];
  const said = await saidOf(lines);
  const person = about(said, ENTERED)[0]?.["person"];
  expect(about(said, /^privacy\.receipt\.ask-delete$/)).toMatchObject([
    { kind: "delete", status: "done", person, counts: { identifiers: 1 } },
  ]);
  expect(about(said, /^privacy\.erased$/)).toMatchObject([{ person, request: "ask-delete" }]);
  expect(about(said, EXITED)).toMatchObject([{ person, reason: "forgotten" }]);
  // What trackers send again, or anew, is refused: the person is not known by it any more.
  const again = interest.map((event, i) => ({
    ...event,
    id: `again-${i}`,
    ts: event.ts + 10 * MIN,
  }));
  const after = await saidOf([...lines, ...again, asks(20 * MIN, "export")]);
  expect(of(after, /./).filter(([, data]) => data["person"] === person)).toEqual(
    of(said, /./).filter(([, data]) => data["person"] === person),
  );
  expect(of(after, ENTERED)).toHaveLength(1);
});

test("D02: who agrees to be known again after a deletion is somebody new", async () => {
  const again = interest.map((event, i) => ({ ...event, id: `new-${i}`, ts: event.ts + 10 * MIN }));
  const said = await saidOf([
    ...interest,
    asks(4 * MIN, "delete"),
    consents(9 * MIN, "collect", "granted"),
    ...again,
  ]);
  const [before, after] = about(said, ENTERED).map(({ person }) => person);
  expect(after).toMatch(/^p_[0-9a-f]{16}$/);
  expect(after).not.toBe(before);
});

test("D02: correction and restriction have receipts, and hold", async () => {
  const survey = { topic: "home", attribute: "household", value: "3" };
  const said = await saidOf([
    happens(0, "survey.answered", survey),
    asks(MIN, "correct", { attribute: "household", value: "4" }),
    asks(2 * MIN, "restrict"),
    ...interest.map((event) => ({ ...event, ts: event.ts + 5 * MIN })),
    asks(10 * MIN, "export"),
  ]);
  expect(about(said, /^privacy\.receipt\.ask-(correct|restrict)$/)).toMatchObject([
    { kind: "correct", status: "done", attribute: "household" },
    { kind: "restrict", status: "done" },
  ]);
  expect(of(said, /^(intent|segment)\./)).toEqual([]);
  // What was known is kept, and nothing is added to it.
  expect(contentsOf(said)).toMatchObject({
    traits: { household: "4" },
    counters: { "survey.answered": 1 },
    consent: { purposes: { collect: { granted: false } } },
  });
});

test("D15: who opts out is recommended nothing personal; who opts out of a channel gets nothing there", async () => {
  const all = await saidOf(interest, {}, 2 * DAY);
  const channels = new Set(of(all, /^recommendation\./).map(([subject]) => subject.split(".")[1]));
  const [channel] = [...channels];
  expect(channel).toBeDefined();
  for (const data of about(all, /^recommendation\./))
    expect(data["optout"]).toMatchObject({ props: { status: "withdrawn" } });
  const out = await saidOf([asks(-MIN, "optout"), ...interest], {}, 2 * DAY);
  expect(of(out, /^recommendation\./)).toEqual([]);
  expect(about(out, /^privacy\.receipt\.ask-optout$/)).toMatchObject([{ kind: "optout" }]);
  const left = await saidOf([asks(-MIN, "optout", { channel }), ...interest], {}, 2 * DAY);
  expect(of(left, new RegExp(`^recommendation\\.${channel}\\.`))).toEqual([]);
  expect(of(left, ENTERED)).toHaveLength(1);
});

test("the law of the log holds for requests: the same bytes however frames are cut", async () => {
  const lines = [...interest, asks(4 * MIN, "export"), asks(5 * MIN, "delete"), ...interest];
  const text = lines.map((line) => JSON.stringify(line));
  const until = (NOON + DAY) as EventTime;
  const one = await run({ lines: text, format: "events", frames: 1, until });
  const many = await run({ lines: text, format: "events", frames: 128, until });
  expect(one.digest).toBe(many.digest);
});

test("E15: when two records become one person's, the record's version rises by one", async () => {
  const anonymous = (ms: number, ids: readonly object[]) => ({
    ...happens(ms, "product.viewed", { sku: "p1", category: "tents" }),
    ids,
  });
  const anna = { k: "unionid", v: "o-anna-of-the-tests" };
  const browser = { k: "anon", v: "browser-of-anna" };
  const lines = [anonymous(0, [browser]), anonymous(MIN, [anna])];
  const before = contentsOf(await saidOf([...lines, asks(5 * MIN, "export")]));
  expect(before).toMatchObject({ version: 1, counters: { "product.viewed": 1 } });
  const both = anonymous(2 * MIN, [anna, browser]);
  const after = contentsOf(await saidOf([...lines, both, asks(5 * MIN, "export")]));
  expect(after).toMatchObject({ version: 2, counters: { "product.viewed": 3 } });
});
