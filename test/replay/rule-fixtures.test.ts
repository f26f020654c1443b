import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { replayFile } from "../support/file-replay.ts";
import { ROOT } from "../support/job.ts";

interface Expected {
  readonly pid: string;
  readonly sku?: string;
  readonly fires?: string;
  readonly channel?: string;
}
interface Line {
  readonly subject: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly ids?: readonly { readonly v: string }[];
}

const fixture = (name: string): string => join(ROOT, "test", "fixtures", name);

async function said(until: string): Promise<Line[]> {
  const file = fixture("E25-cart-24h.events.jsonl");
  const lines = await replayFile(file, "--format", "events", "--until", until, "--reveal");
  return (lines as readonly Line[]).filter(({ data }) => data["rule"] === "cart_24h_coupon");
}

test("E25: exactly the persons of the fixture get the coupon of their sku, once, for its moment", async () => {
  const { expect: wanted } = JSON.parse(
    readFileSync(fixture("E25-cart-24h.expect.json"), "utf8"),
  ) as { expect: readonly Expected[] };
  // 72 h after the first event, as the fixture's note asks.
  const told = await said("2026-11-03T16:00:00.000Z");
  const shown = told.map(({ subject, data, ids }) => [
    ids?.map(({ v }) => v).join("+"),
    subject,
    data["sku"],
    data["at"],
  ]);
  const expected = wanted.flatMap(({ pid, sku, fires }) =>
    fires === undefined ? [] : [[pid, "recommendation.wecom.activity", sku, fires]],
  );
  // Nothing else is said of the rule: not of those who never get it, not twice, not of other skus.
  expect(shown.sort()).toEqual(expected.sort());
  // It came true at midnight in Shanghai and went when quiet hours were over.
  expect(new Set(told.map(({ time }) => time))).toEqual(new Set(["2026-11-02T00:00:00.000Z"]));
});

test("E25: a millisecond before the quiet hours end it has not gone", async () => {
  expect(await said("2026-11-01T23:59:59.999Z")).toEqual([]);
  expect(await said("2026-11-02T00:00:00.000Z")).toHaveLength(4);
});
