import { afterAll, beforeAll, expect, test } from "vitest";
import { type Backtest, Tally } from "../../src/replay/backtest.ts";
import { BrokerLog } from "../../src/replay/broker-log.ts";
import { headerOf } from "../../src/replay/stored-message.ts";
import { makeLog } from "../../src/watch/log.ts";
import { runCli } from "../support/engine-process.ts";
import { type StoredAfternoon, storeAfternoon } from "../support/stored-afternoon.ts";

let shop: StoredAfternoon;
beforeAll(async () => {
  shop = await storeAfternoon({ seed: 8, people: 300 });
});
afterAll(() => shop.close());

/** Depends on what demand learned, which a backtest learns anew, a little sooner. */
const LEARNED = ["recommend", "koc_trial"];

test("what a backtest of the stream says is what the engine has published", async () => {
  const { code, stdout, stderr } = await runCli(
    ["backtest", "--config", shop.config.folder, "--from", "stream", "--json"],
    { env: { NATS_URL: shop.server.url } },
  );
  expect(code, stderr).toBe(0);
  const { draft } = JSON.parse(stdout) as Backtest;
  const published = new Tally("Asia/Shanghai", 0);
  const out = await BrokerLog.open(shop.nc, {
    stream: "FRESHET_OUT",
    prefix: "freshet",
    log: makeLog("silent"),
  });
  for await (const message of out.read()) {
    const data: unknown = JSON.parse(Buffer.from(message.data).toString("utf8"));
    const time = headerOf(message, "ce-time") ?? "";
    published.add({ subject: message.subject, id: "", time, data });
  }
  const told = published.account();
  const definitions = Object.keys(told.totals).filter((id) => !LEARNED.includes(id));
  expect(definitions.length).toBeGreaterThan(3);
  for (const id of definitions) {
    expect([id, draft.totals[id], draft.persons[id]]).toEqual([
      id,
      told.totals[id],
      told.persons[id],
    ]);
  }
  expect(Object.keys(draft.totals).filter((id) => !LEARNED.includes(id))).toEqual(definitions);
});
