import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import { ExplainText } from "../../src/cli/explain-text.ts";
import type { Retold } from "../../src/replay/explain.ts";
import type { OutputLine } from "../../src/replay/replay.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { run } from "../replay/run.ts";
import { CONFIG_DIR } from "../support/job.ts";
import { explainedOf } from "../support/past.ts";
import { DAY, HOUR, happens, MIN, NOON } from "./said.ts";

/** Why things are as they are for a person, through the whole of the shipped configuration. */

const goods = { sku: "p1", line: "premium", category: "tents" };
const view = (ms: number) => happens(ms, "product.viewed", { ...goods, dwell_ms: 40_000 });
/** Enters `high_value_interest`, then leaves a cart. Others look at the same things. */
const story: readonly object[] = [
  {
    subject: "in.fact.inventory.s1.p1",
    data: { recv: NOON - MIN, site: "s1", sku: "p1", on_hand: 7, region: "sh" },
  },
  ...Array.from({ length: 20 }, (_, i) => [
    happens(-HOUR + i * 2000, "product.viewed", goods, { person: `other-${i}` }),
    happens(
      -HOUR + i * 2000 + 1000,
      "product.viewed",
      { sku: "p2", category: "mats" },
      { person: `other-${i}` },
    ),
  ]).flat(),
  view(0),
  view(MIN),
  view(2 * MIN),
  happens(3 * MIN, "cart.added", goods),
].sort((a, b) => timeOf(a) - timeOf(b));

function timeOf(line: object): number {
  const { ts, data } = line as { ts?: number; data?: { recv: number } };
  return ts ?? data?.recv ?? 0;
}
const END = NOON + 2 * DAY;

async function outputsOf(lines: readonly object[], until = END): Promise<OutputLine[]> {
  const outputs: OutputLine[] = [];
  await run({
    lines: lines.map((line) => JSON.stringify(line)),
    format: "events",
    until: until as EventTime,
    onLine: (line) => void outputs.push(line),
  });
  return outputs;
}
const ANNA = { ids: [{ k: "unionid", v: "a" }] };
const DECISION = /^(segment|recommendation|suppressed|tag|crm)\./;
const dataOf = ({ data }: OutputLine) => data as Readonly<Record<string, unknown>>;
const recIdOf = (outputs: readonly OutputLine[], subject: RegExp): string =>
  String(dataOf(outputs.find((line) => subject.test(line.subject)) as OutputLine)["rec_id"]);
const personOf = (rec: string): string => `p_${rec.split("_")[1]}`;

test("D02: a past decision made again from the log has the very bytes that were published", async () => {
  const outputs = await outputsOf(story);
  const told = await explainedOf(ANNA, story, { at: END, outputs });
  const mine = outputs.filter(
    (line) => DECISION.test(line.subject) && dataOf(line)["person"] === told.person,
  );
  expect(mine.length).toBeGreaterThan(3);
  const retold = told.retold ?? [];
  expect(retold.map(({ id }) => id).sort()).toEqual(mine.map(({ id }) => id).sort());
  expect(retold.filter(({ reproduced }) => reproduced !== true)).toEqual([]);
  // Every one of them says what it was made of.
  expect(retold.filter(({ made_of: of }) => of.length === 0)).toEqual([]);
});

test("D02: a decision that was published otherwise, or not at all, is found out and shown", async () => {
  const outputs = await outputsOf(story);
  const wecom = /^recommendation\.wecom\./;
  const rec = recIdOf(outputs, wecom);
  const asked = { rec, person: personOf(rec) };
  const forged = outputs.map((line) =>
    wecom.test(line.subject) ? { ...line, data: { ...dataOf(line), score: 0.1 } } : line,
  );
  const other = await explainedOf(asked, story, { at: END, outputs: forged });
  expect(other.retold).toMatchObject([
    { reproduced: false, differences: ["data.score: 0.1 published, 0.8 expected"] },
  ]);
  const gone = outputs.filter(({ subject }) => !wecom.test(subject));
  const missing = await explainedOf(asked, story, { at: END, outputs: gone });
  expect(missing.retold).toMatchObject([
    { reproduced: false, differences: ["nothing was published under this id"] },
  ]);
});

test("D02: a recommendation is explained by its id: rule, evidence, what was against it, which facts", async () => {
  const outputs = await outputsOf(story);
  const rec = recIdOf(outputs, /^recommendation\.wecom\./);
  const { retold = [], ...about } = await explainedOf({ rec, person: personOf(rec) }, story, {
    at: END,
    outputs,
  });
  expect(about.person).toBe(personOf(rec));
  const [decision] = retold as readonly Retold[];
  expect(decision).toMatchObject({ reproduced: true, data: { rec_id: rec } });
  expect(decision?.made_of).toMatchObject([
    {
      operator: "rule",
      of: "rule",
      rule: "cart_24h_coupon",
      evidence: [{ event: "cart.added" }],
      before: {
        op: "absent",
        waiting: [{ partition: "p1", due: new Date(NOON + DAY + 3 * MIN).toISOString() }],
      },
    },
    {
      of: "contact",
      options: [{ kind: "activity", channel: "wecom", against: null }],
      facts: expect.arrayContaining([
        { kind: "stock", key: "p1", version: expect.stringMatching(/^[0-9a-f]{16}$/) },
      ]),
    },
  ]);
});

test("D02: what the recommender chose from is told, with scores, what adds to them and what was left out", async () => {
  const outputs = await outputsOf(story);
  const told = await explainedOf(ANNA, story, { at: END, outputs });
  const own = (told.retold ?? []).find(
    ({ subject, data }) => subject.startsWith("recommendation.") && data["rule"] === null,
  );
  expect(own?.reproduced).toBe(true);
  const note = own?.made_of.find((one) => (one as { of?: string }).of === "recommend") as {
    readonly candidates: readonly {
      readonly key: string;
      readonly score: number;
      readonly adds: Readonly<Record<string, number>>;
    }[];
  };
  expect(note.candidates[0]).toMatchObject({ key: own?.data["sku"], score: own?.data["score"] });
  for (const { score, adds } of note.candidates) {
    const odds = Object.values(adds).reduce((sum, add) => sum + add, 0);
    expect(1 / (1 + Math.exp(-odds))).toBeCloseTo(score, 2);
  }
});

test("D02: as of a past moment only what had entered the log by then is told", async () => {
  const outputs = await outputsOf(story);
  const segmentAt = async (at: number) => {
    const told = await explainedOf(ANNA, story, { at, outputs });
    const all = told["segments"] as readonly { readonly segment: string }[];
    return all.find(({ segment }) => segment === "high_value_interest");
  };
  expect(await segmentAt(NOON + 90_000)).toMatchObject({
    member: false,
    when: {
      of: [
        { have: 2, need: 3, lacking: { amount: 1, by: new Date(NOON + 30 * DAY).toISOString() } },
        { holds: true, have: 0 },
      ],
    },
  });
  const entered = outputs.find(
    (line) =>
      line.subject === "segment.high_value_interest.entered" &&
      dataOf(line)["at"] === new Date(NOON + 2 * MIN).toISOString(),
  );
  expect(await segmentAt(NOON + 2 * MIN)).toMatchObject({
    member: true,
    since: entered === undefined ? "never" : dataOf(entered)["at"],
    until: new Date(NOON + 30 * DAY + 1).toISOString(),
    when: { of: [{ have: 3, evidence: [{}, {}, {}] }, {}] },
  });
});

test("D02: the document is as its schema has it, and reads in short lines", async () => {
  const outputs = await outputsOf(story);
  const told = await explainedOf(ANNA, story, { at: NOON + DAY, outputs });
  const text = readFileSync(join(CONFIG_DIR, "schemas", "explain.schema.json"), "utf8");
  const schema = Compile(JSON.parse(text) as TSchema);
  const plain = JSON.parse(JSON.stringify(told)) as Readonly<Record<string, unknown>>;
  expect([...schema.Errors(plain)]).toEqual([]);
  expect(schema.Check({ ...plain, openid: "x" })).toBe(false);
  const lines = new ExplainText("Asia/Shanghai").of(plain).join("\n");
  expect(lines).toContain("in  high_value_interest 高价值兴趣群组, since 2026-11-02 12:02:00");
  expect(lines).toContain(
    "✓ count: 3 of 3 premium_view (product.viewed, sku.line = premium) within 30d",
  );
  expect(lines).toContain("under way: p1, due 2026-11-03 12:03:00");
  expect(lines).toContain("the very bytes that were published");
});

test("D02: nothing is explained of who was erased, whenever, nor what rests on consent that is gone", async () => {
  const outputs = await outputsOf(story);
  const rec = recIdOf(outputs, /^recommendation\.wecom\./);
  const erasure = {
    subject: "in.privacy.request.delete",
    data: { id: "ask-delete", ts: END, recv: END, ...ANNA },
  };
  const after = [...story, erasure];
  for (const asked of [ANNA, { person: personOf(rec) }, { rec, person: personOf(rec) }]) {
    for (const at of [NOON + 5 * MIN, END + MIN]) {
      const told = await explainedOf(asked, after, { at, outputs });
      expect(told).toMatchObject({ person: null });
      expect(JSON.stringify(told)).not.toContain(personOf(rec));
    }
  }
  const refused = [
    ...story,
    happens(4 * MIN, "privacy.consent", { purpose: "profiling", status: "withdrawn" }),
  ];
  const told = await explainedOf(ANNA, refused, { at: NOON + 5 * MIN, outputs });
  const shown = JSON.stringify([
    told["segments"],
    told["rules"],
    told["tags"],
    told["recommender"],
  ]);
  expect(shown).not.toContain('product.viewed","id');
  expect(shown).toContain("high_value_interest");
});
