import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scoringFunctions } from "../../operators/scoring.ts";
import { openJob } from "../../src/cli/open-job.ts";
import { FORMATS, replay } from "../../src/replay/replay.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { type RunOptions, run } from "../replay/run.ts";
import { configWith } from "../support/job.ts";

const NOON = Date.UTC(2026, 10, 2, 4);
const SEC = 1000;
const MIN = 60 * SEC;
const DAY = 1440 * MIN;

type Props = Readonly<Record<string, unknown>>;
let ids = 0;
const event = (ms: number, type: string, props: Props = {}) => {
  ids += 1;
  const who = [{ k: "unionid", v: "ann" }];
  return { id: `i${ids}`, type, ts: NOON + ms, touchpoint: "mp", ids: who, props };
};

interface Told {
  readonly subject: string;
  readonly at: string;
  readonly intent: string;
  readonly probability: number;
  readonly probabilities: Readonly<Record<string, number>>;
  readonly purchase: number;
  readonly evidence: readonly { readonly event: string; readonly why: string }[];
}

function collector() {
  const told: Told[] = [];
  const onLine: NonNullable<RunOptions["onLine"]> = ({ subject, data }) => {
    if (subject.startsWith("intent.")) told.push({ ...(data as Told), subject });
  };
  return { told, onLine };
}

async function intents(events: readonly unknown[]): Promise<Told[]> {
  const { told, onLine } = collector();
  await run({ lines: events.map((line) => JSON.stringify(line)), format: "events", onLine });
  return told;
}

test("C17: the event that makes an intent likely is the one at which it is told", async () => {
  const events = [
    event(0, "product.listed", { category: "tent" }),
    event(10 * SEC, "searched", { query: "帐篷" }),
    event(20 * SEC, "product.viewed", { sku: "a", category: "tent", dwell_ms: 8000 }),
    event(40 * SEC, "searched", { query: "帐篷退货" }),
    event(80 * SEC, "page.viewed", { path: "pages/aftersale/apply", dwell_ms: 30_000 }),
  ];
  const told = await intents(events);
  expect(told.map(({ intent }) => intent)).toEqual(["seek_aftersales", "seek_aftersales"]);
  expect(told.map(({ at }) => Date.parse(at) - NOON)).toEqual([40 * SEC, 80 * SEC]);
  expect(told[1]?.evidence.map(({ event: id }) => id)).toEqual([events[3]?.id, events[4]?.id]);
  expect(told[1]?.probability).toBeGreaterThan(told[0]?.probability ?? 1);
  const total = Object.values(told[1]?.probabilities ?? {}).reduce((sum, p) => sum + p, 0);
  expect(total).toBeCloseTo(1, 3);
});

test("C18: three goods of a category looked at and listed by price are a comparison of prices", async () => {
  const view = (i: number) =>
    event(i * MIN, "product.viewed", { sku: `s${i}`, category: "tent", dwell_ms: 9000 });
  const sorted = event(4 * MIN, "product.listed", { category: "tent", sort: "price_asc" });
  const told = await intents([view(1), view(2), view(3), sorted]);
  expect(told.map(({ subject }) => subject)).toEqual(["intent.compare_price"]);
  expect(told[0]?.evidence[0]?.why).toBe("sort:price");
  expect(await intents([view(1), view(2), view(3)])).toEqual([]);
});

test("C19: 90 seconds on the specification is learning the features", async () => {
  const view = (dwell_ms: number, section?: string) =>
    event(0, "product.viewed", { sku: "s1", category: "tent", dwell_ms, section });
  const told = await intents([view(90_000, "spec")]);
  expect(told.map(({ intent }) => intent)).toEqual(["learn_features"]);
  expect(await intents([view(90_000)])).toEqual([]);
  expect(await intents([view(3000, "spec")])).toEqual([]);
});

test("C20: who searches 退货 seeks after-sales service, and a chat says so only after an order", async () => {
  const told = await intents([event(0, "searched", { query: "退货" })]);
  expect(told.map(({ intent }) => intent)).toEqual(["seek_aftersales"]);
  const chat = event(2 * DAY, "cs.started");
  const query = event(2 * DAY + MIN, "searched", { query: "快递" });
  const order = event(0, "order.paid", { order_id: "o1", sku: "s1" });
  expect(await intents([chat, query])).toEqual([]);
  expect((await intents([order, chat, query])).map(({ intent }) => intent)).toEqual([
    "seek_aftersales",
  ]);
});

test("B18: an intent comes with its evidence and how likely a purchase is", async () => {
  const look = event(0, "product.viewed", { sku: "s1", category: "tent" });
  const [before] = await intents([look, event(MIN, "searched", { query: "退货" })]);
  const [told] = await intents([look, event(MIN, "cart.added", { sku: "s1" })]);
  expect(told).toMatchObject({ intent: "buy", evidence: [{ why: "cart" }] });
  expect(told?.purchase).toBeGreaterThan(before?.purchase ?? 1);
});

test("an intent that configuration adds is told without code, by evidence and by words", async () => {
  const config = configWith({});
  try {
    const add = (name: string, before: string, block: string) => {
      const path = join(config.folder, name);
      writeFileSync(path, readFileSync(path, "utf8").replace(before, `${block}${before}`));
    };
    add(
      "intents.yaml",
      "  compare_price:\n",
      "  find_gift:\n    evidence: [{ of: { event: page.viewed, where: { path: { prefix: pages/gift } } }, weight: 2.4, why: gift }]\n",
    );
    add("lexicon.yaml", "  compare_price:\n", "  find_gift: [{ term: 送丈母娘, weight: 2.5 }]\n");
    const { job } = await openJob(config.folder, {}, { quiet: true, trustRecv: true });
    const { told, onLine } = collector();
    const lines = [
      event(0, "searched", { query: "送丈母娘的茶具" }),
      event(MIN, "page.viewed", { path: "pages/gift/list" }),
    ].map((line) => JSON.stringify(line));
    const scoring = new InlineScoring(scoringFunctions);
    const format = FORMATS["events"];
    if (format === undefined) throw new Error("no format of events");
    await replay({ lines, format, definition: job, scoring, onLine, onBadLine: () => undefined });
    expect(told.at(-1)).toMatchObject({ subject: "intent.find_gift" });
    const why = told.at(-1)?.evidence.map((clue) => clue.why);
    expect(why?.toSorted()).toEqual(["gift", "query:送丈母娘"]);
  } finally {
    config.remove();
  }
});
