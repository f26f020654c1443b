import { describe, expect, test } from "vitest";
import { judged, macroF1, readQueries } from "../../../bench/intent-queries.ts";
import { INTENTS } from "../../../operators/event.ts";
import { openShipped } from "../../support/job.ts";

const queries = readQueries();
const { config } = await openShipped();

describe("what people type", () => {
  test("there are 200 lines and more, 30 and more of each intent, a fifth of them not plain", () => {
    expect(queries.length).toBeGreaterThanOrEqual(200);
    expect(new Set(queries.map(({ text }) => text)).size).toBe(queries.length);
    for (const intent of INTENTS) {
      const lines = queries.filter((query) => query.intent === intent);
      expect(lines.length).toBeGreaterThanOrEqual(30);
      const plain = lines.filter(({ manner }) => manner === "plain");
      expect(plain.length / lines.length).toBeLessThanOrEqual(0.8);
      const scored = lines.filter(({ half }) => half === "score");
      expect(Math.abs(scored.length / lines.length - 0.5)).toBeLessThan(0.05);
    }
  });

  test("is taken for what they are after: macro-F1 of 0.8 and more where it is only scored", async () => {
    const lines = await judged(queries, config);
    expect(macroF1(lines.filter(({ half }) => half === "score"))).toBeGreaterThanOrEqual(0.8);
    expect(macroF1(lines)).toBeGreaterThanOrEqual(0.8);
  });

  test("without the words nothing is taken for anything", async () => {
    const lexicon = { ...config.lexicon, intents: {} };
    const lines = await judged(queries, { ...config, lexicon });
    expect(macroF1(lines)).toBeLessThan(0.2);
  });
});
