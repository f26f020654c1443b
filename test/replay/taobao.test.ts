import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Finished, runCli } from "../support/engine-process.ts";
import { hasTaobao, NO_TAOBAO, TAOBAO } from "../support/events.ts";
import { PlainPopularity } from "./popularity-baseline.ts";
import { type Question, runTaobao, type TaobaoRun } from "./taobao-run.ts";

const MINUTES = 60_000;

describe.skipIf(!hasTaobao)("the whole Taobao file", () => {
  const folder = mkdtempSync(join(tmpdir(), "freshet-replay-"));
  const out = join(folder, "out.jsonl");
  let finished: Finished;
  let inMemory: TaobaoRun;
  const hits = { asked: 0, candidates: 0, popularity: 0 };

  beforeAll(async () => {
    const seen = new Map<string, Set<string>>();
    const popularity = new PlainPopularity(200);
    const ask = ({ user, item, candidates }: Question) => {
      const own = seen.get(user);
      if (own === undefined) seen.set(user, new Set([item]));
      else if (!own.has(item)) {
        hits.asked += 1;
        if (candidates().slice(0, 20).includes(item)) hits.candidates += 1;
        if (popularity.top(20, own).includes(item)) hits.popularity += 1;
        own.add(item);
      }
      popularity.add(item);
    };
    [finished, inMemory] = await Promise.all([
      runCli(["replay", TAOBAO, "--format", "taobao", "--out", out]),
      runTaobao(TAOBAO, ask),
    ]);
  }, 10 * MINUTES);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("96,168 events come in, and one bad line is told", () => {
    expect(finished.code, finished.stderr).toBe(0);
    const told = JSON.parse(finished.stdout) as Record<string, unknown>;
    expect(told).toMatchObject({ lines: 96_169, badLines: 1 });
    expect(told["collect"]).toMatchObject({
      events: 96_168,
      duplicate: 0,
      late: 0,
      deadLettered: 0,
    });
    const bad = finished.stderr.split("\n").filter((line) => line.includes("bad line"));
    expect(bad).toHaveLength(1);
    expect(bad[0]).toContain(`${TAOBAO}:96169:`);
  });

  test("behaviour totals are those of a recount", () => {
    const recount: Record<string, number> = {};
    let last = 0;
    const rows = readFileSync(TAOBAO, "utf8").trimEnd().split("\n").slice(0, -1);
    for (const row of rows) last = Math.max(last, Number(row.split(",")[4]));
    for (const row of rows) {
      const [, , , behaviour = "", stamp] = row.split(",");
      // Seconds that the watermark has not passed by the last row are not told to the demand flow yet.
      if (Number(stamp) < last - 5) recount[behaviour] = (recount[behaviour] ?? 0) + 1;
    }
    const [views, touches, carts, favs, orders] = inMemory.totals;
    expect({ pv: views, cart: carts, fav: favs, buy: orders }).toEqual(recount);
    expect(touches).toBe(0);
  });

  test("two runs, one of them the command's, give the same bytes", () => {
    const bytes = readFileSync(out);
    expect(bytes.length).toBeGreaterThan(1_000_000);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(inMemory.digest);
  });

  test("every output has an id of its own", () => {
    expect(new Set(inMemory.outputs.map(({ id }) => id)).size).toBe(inMemory.outputs.length);
  });

  test("outputs come in the order of what caused them", () => {
    const { outputs, rowOf } = inMemory;
    const rows = outputs.flatMap(({ cause }) => rowOf.get(cause) ?? []);
    expect(rows.length).toBeGreaterThan(1000);
    expect(rows.findIndex((row, i) => row < (rows[i - 1] ?? 0))).toBe(-1);
    // What timers and windows cause comes when time does.
    const trends = outputs.filter(({ subject }) => subject.startsWith("trend."));
    expect(trends.findIndex(({ time }, i) => time < (trends[i - 1]?.time ?? 0))).toBe(-1);
  });

  test("the next item is found more often than by plain popularity", () => {
    const { asked, candidates, popularity } = hits;
    const rate = (n: number) => `${((100 * n) / asked).toFixed(2)} %`;
    process.stdout.write(
      `next new item in 20, of ${asked}: candidates ${rate(candidates)}, plain popularity ${rate(popularity)}\n`,
    );
    expect(asked).toBeGreaterThan(10_000);
    expect(candidates).toBeGreaterThan(popularity);
  });
});

test.runIf(!hasTaobao)("the Taobao file", ({ skip }) => skip(NO_TAOBAO));
