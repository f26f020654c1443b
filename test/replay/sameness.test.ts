import { beforeAll, describe, expect, test } from "vitest";
import { minutes } from "../../src/time/event-time.ts";
import {
  firstLines,
  hasTaobao,
  NO_TAOBAO,
  openShop,
  shopLine,
  shopMessages,
  TAOBAO,
} from "../support/events.ts";
import { type Run, run } from "./run.ts";

/** Ways to run that no output may depend on, beside frames of 128 scored inline. */
const WAYS = [
  { frames: 1, workers: 1 },
  { frames: 7, workers: 2 },
] as const;

/** For a busy machine; nothing is judged by the clock. */
const PATIENCE = 300_000;

/** People may be asked about often, so that a small crowd gives the scorers enough to do. */
const settings = { "operators.shopper.recommend.every": "5s" };

describe("an hour of the simulated shop", () => {
  const lines: string[] = [];
  let first: Run;

  beforeAll(async () => {
    const of = { seed: 11, people: 2000, lasts: minutes(60) };
    const shop = openShop(of);
    const told = function* () {
      for (const message of shopMessages(shop, of.lasts)) {
        const line = shopLine(message);
        lines.push(line);
        yield line;
      }
    };
    first = await run({
      lines: told(),
      format: "events",
      frames: 128,
      settings,
      onLine: ({ subject, data }) => {
        const heard = { subject, data: data as Record<string, unknown> };
        if (subject.startsWith("recommendation.")) shop.onRecommendation(heard);
        else if (subject.startsWith("restock.")) shop.onRestock(heard);
      },
    });
    process.stdout.write(
      `${lines.length} messages, ${first.summary.scored} scored, ${first.count("recommendation")} recommended\n`,
    );
  }, PATIENCE);

  test("asks and recommends enough to tell", () => {
    expect(first.summary.scored).toBeGreaterThanOrEqual(3_000);
    expect(first.count("recommendation")).toBeGreaterThanOrEqual(1000);
    for (const token of ["intent", "segment", "trend", "restock", "deadletter"])
      expect(first.count(token), token).toBeGreaterThan(0);
  });

  test.each(WAYS)(
    "the same bytes with frames of $frames, $workers threads",
    async (way) => {
      const again = await run({ lines, format: "events", settings, ...way });
      expect(again.digest).toBe(first.digest);
    },
    PATIENCE,
  );
});

describe.skipIf(!hasTaobao)("the first 10,000 rows of the Taobao file", () => {
  let rows: string[];
  let first: Run;

  beforeAll(async () => {
    rows = await firstLines(TAOBAO, 10_000);
    first = await run({ lines: rows, format: "taobao", frames: 128 });
  }, PATIENCE);

  test.each(WAYS)(
    "the same bytes with frames of $frames, $workers threads",
    async (way) => {
      expect(first.summary.outputs).toBeGreaterThan(100);
      const again = await run({ lines: rows, format: "taobao", ...way });
      expect(again.digest).toBe(first.digest);
    },
    PATIENCE,
  );
});

test.runIf(!hasTaobao)("the Taobao file", ({ skip }) => skip(NO_TAOBAO));
