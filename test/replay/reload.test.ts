import { beforeAll, describe, expect, test } from "vitest";
import { scoringFunctions } from "../../operators/scoring.ts";
import type { GenerationRecord } from "../../src/config/generation-record.ts";
import type { IntakeMessage } from "../../src/flow/intake.ts";
import { eventsLine } from "../../src/replay/formats.ts";
import type { OutputLine } from "../../src/replay/replay.ts";
import { type EventTime, latest, minutes } from "../../src/time/event-time.ts";
import { DurableRun } from "../support/durable-run.ts";
import { openShop, SHOP_OPENS, shopLine, shopMessages } from "../support/events.ts";
import { changed, generation, generationLine, liveTexts } from "../support/generations.ts";
import { replayJob } from "../support/job.ts";
import { run } from "./run.ts";

/** For a busy machine; nothing is judged by the clock. */
const PATIENCE = 300_000;
const LASTS = minutes(20);
const settings = {
  groups: 2,
  demand_groups: 2,
  "operators.shopper.recommend.every": "5s",
  "operators.shopper.journal": {},
  "state.hot_rows": 16,
};

/** The lines with one more so far in; a tick is one that says nothing. */
const withLine = (lines: readonly string[], share: number, line: object = TICK) => {
  const place = Math.floor(lines.length * share);
  return [...lines.slice(0, place), JSON.stringify(line), ...lines.slice(place)];
};
const TICK = { subject: "in.tick", data: {} };
const withRecord = (lines: readonly string[], share: number, record: GenerationRecord) =>
  withLine(lines, share, generationLine(record));

async function outputsOf(lines: readonly string[]): Promise<OutputLine[]> {
  const outputs: OutputLine[] = [];
  await run({ lines, format: "events", settings, onLine: (line) => outputs.push(line) });
  return outputs;
}

const isAudit = ({ subject }: { readonly subject: string }) => subject.startsWith("audit.config.");
const textOf = (lines: readonly OutputLine[]) => lines.map((line) => JSON.stringify(line)).sort();
const without = (lines: readonly string[], others: readonly string[]) => {
  const known = new Set(others);
  return lines.filter((line) => !known.has(line));
};

/** A comment more: other bytes, the same definitions. */
const SAME = changed("segments", ["version: 1", "# A remark.\nversion: 1"]);
const STRICTER = changed("segments", [
  "count: { of: price_search, within: 14d, at_least: 2 }",
  "count: { of: price_search, within: 14d, at_least: 3 }",
]);

describe("a reload in the middle of a simulated afternoon", () => {
  let lines: string[];
  let plain: OutputLine[];

  beforeAll(async () => {
    const shop = openShop({ seed: 8, people: 800, lasts: LASTS });
    lines = [...shopMessages(shop, LASTS)].map(shopLine);
    // What is named by its place in the log has the same.
    plain = await outputsOf(withLine(lines, 0.5));
  }, PATIENCE);

  test(
    "of the same definitions changes not a byte of what is said",
    async () => {
      const reloaded = await outputsOf(withRecord(lines, 0.5, generation(1, SAME)));
      expect(reloaded.filter(isAudit).map(({ subject }) => subject)).toEqual([
        "audit.config.accepted",
        "audit.config.applied",
      ]);
      expect(plain.length).toBeGreaterThan(500);
      expect(textOf(reloaded.filter((line) => !isAudit(line)))).toEqual(textOf(plain));
    },
    PATIENCE,
  );

  test(
    "of one segment changes what is said of it and of what asks for it, and nothing before",
    async () => {
      const reloaded = await outputsOf(withRecord(lines, 0.5, generation(1, STRICTER)));
      const applied = reloaded.find(({ subject }) => subject === "audit.config.applied");
      const at = String((applied?.data as { at?: string })?.at);
      const [before, after] = [textOf(plain), textOf(reloaded)];
      const differ = [...without(before, after), ...without(after, before)].map(
        (line) => JSON.parse(line) as OutputLine,
      );
      const others = differ.filter(
        ({ subject, data }) =>
          !isAudit({ subject }) &&
          !subject.startsWith("segment.price_sensitive.") &&
          (data as { rule?: string }).rule !== "price_sensitive_offer" &&
          // Counts over what became of it.
          !/^(kpi|coverage)\./.test(subject),
      );
      expect(others.map(({ subject, data }) => [subject, data])).toEqual([]);
      expect(differ.some(({ subject }) => subject.startsWith("segment.price_sensitive."))).toBe(
        true,
      );
      expect(differ.filter((line) => line.time < at && !isAudit(line)).length).toBe(0);
    },
    PATIENCE,
  );

  test(
    "crashes and checkpoints around it change nothing",
    async () => {
      const some = withRecord(lines.slice(-1500), 0.5, generation(1, STRICTER));
      const more = withRecord(some, 0.75, generation(2, liveTexts(), { restores: 0 }));
      const input = messagesOf(more);
      const of = async (checkpointEvery: number, crashEvery: number) => {
        const define = () => replayJob(settings);
        const functions = scoringFunctions;
        const durable = new DurableRun({ define, functions, input, checkpointEvery, crashEvery });
        await durable.run();
        return durable;
      };
      const whole = await of(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
      const crashed = await of(41, 333);
      const said = (durable: DurableRun) =>
        [...durable.outputs.values()].map((output) => JSON.stringify(output)).sort();
      expect(said(whole).filter((line) => line.includes("audit.config.applied"))).toHaveLength(2);
      expect(said(crashed)).toEqual(said(whole));
      expect(crashed.crashes).toBeGreaterThan(5);
    },
    PATIENCE,
  );
});

test(
  "what is due between the last event and `--until` comes into force at its second",
  async () => {
    const at = "2026-11-02T12:30:00.000Z";
    const looks = Array.from({ length: 2 }, (_, i) => ({
      id: `look-${i}`,
      type: "searched",
      touchpoint: "mp",
      ts: Date.parse("2026-11-02T12:00:00Z") + i * 60_000,
      ids: [{ k: "unionid", v: "a" }],
      props: { query: "徒步鞋 便宜" },
    }));
    const lines = [...looks, generationLine(generation(1, STRICTER, { at }))].map((line) =>
      JSON.stringify(line),
    );
    const said = async (until: string, more: readonly string[] = []) => {
      const outputs: OutputLine[] = [];
      const onLine = (line: OutputLine) => void outputs.push(line);
      const to = Date.parse(until) as EventTime;
      await run({ lines: [...lines, ...more], format: "events", settings, until: to, onLine });
      return outputs;
    };
    const due = await said("2026-11-02T14:00:00Z");
    expect(due.filter(isAudit)).toMatchObject([
      { subject: "audit.config.accepted" },
      { subject: "audit.config.applied", time: at },
    ]);
    expect(due.filter(({ subject }) => subject.startsWith("segment.price"))).toMatchObject([
      { subject: "segment.price_sensitive.entered" },
      { subject: "segment.price_sensitive.exited" },
    ]);
    const tick = JSON.stringify({ ...TICK, data: { ts: at } });
    const ticked = await said("2026-11-02T14:00:00Z", [tick]);
    expect(textOf(due)).toEqual(textOf(ticked));
    const before = await said("2026-11-02T12:29:59Z");
    expect(before.filter(isAudit)).toHaveLength(1);
  },
  PATIENCE,
);

function messagesOf(lines: readonly string[]): IntakeMessage[] {
  let now = SHOP_OPENS;
  return lines.flatMap((line, i) => {
    const read = eventsLine(line, i);
    if (read === undefined || "bad" in read) return [];
    now = latest(now, read.time ?? now);
    const data = Buffer.from(read.body);
    const { subject } = read;
    const contentType = "application/json";
    return [{ subject, data, contentType, time: now, msgId: undefined, seq: i + 1 }];
  });
}
