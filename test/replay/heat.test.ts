import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "vitest";
import { runCli } from "../support/engine-process.ts";
import { firstLines, hasTaobao, NO_TAOBAO, TAOBAO } from "../support/events.ts";

const SIZE = 300;
const SLIDE = 10;

/** `item end` → events in [end − 300 s, end), from the rows alone. */
function recount(rows: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const [, item, , , stamp] = row.split(",");
    const at = Number(stamp);
    for (let end = at - (at % SLIDE) + SLIDE; end <= at + SIZE; end += SLIDE) {
      const window = `${item} ${end}`;
      counts.set(window, (counts.get(window) ?? 0) + 1);
    }
  }
  return counts;
}

describe.skipIf(!hasTaobao)("heat on the first 10,000 Taobao rows", () => {
  const folder = mkdtempSync(join(tmpdir(), "freshet-heat-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("for every slide, the 5 minute counts of every item are those of a recount", async () => {
    const rows = await firstLines(TAOBAO, 10_000);
    const file = join(folder, "rows.csv");
    const out = join(folder, "out.jsonl");
    writeFileSync(file, `${rows.join("\n")}\n`);
    const last = Math.max(...rows.map((row) => Number(row.split(",")[4])));
    const until = new Date((last + SIZE + SLIDE) * 1000).toISOString();
    const words = ["--format", "taobao", "--trace", "heat", "--until", until, "--out", out];
    const { code, stderr } = await runCli(["replay", file, ...words]);
    expect(code, stderr).toBe(0);

    const wanted = recount(rows);
    expect(wanted.size).toBeGreaterThan(100_000);
    const wrong: string[] = [];
    let told = 0;
    for await (const line of createInterface({ input: createReadStream(out) })) {
      if (!line.startsWith('{"subject":"trace.heat"')) continue;
      const { data } = JSON.parse(line) as { data: Record<string, unknown> };
      if (data["dim"] !== "item") continue;
      told += 1;
      const window = `${data["key"]} ${Number(data["end"]) / 1000}`;
      if (wanted.get(window) !== data["count"])
        wrong.push(`${window}: told ${data["count"]}, counted ${wanted.get(window) ?? 0}`);
    }
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(told).toBe(wanted.size);
  }, 300_000);
});

test.runIf(!hasTaobao)("the Taobao file", ({ skip }) => skip(NO_TAOBAO));
