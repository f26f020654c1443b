import { connect, type NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Backtest, Tally } from "../../src/replay/backtest.ts";
import { BrokerLog } from "../../src/replay/broker-log.ts";
import { headerOf } from "../../src/replay/stored-message.ts";
import { minutes } from "../../src/time/event-time.ts";
import { makeLog } from "../../src/watch/log.ts";
import { startTestEngine } from "../support/engine.ts";
import { runCli } from "../support/engine-process.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { openShop, shopMessages } from "../support/events.ts";
import { publishAll } from "../support/events-publisher.ts";
import { configWith, type TestConfig } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";

const settings = { groups: 4, demand_groups: 2 };
const lasts = minutes(15);
let config: TestConfig;
let server: TestServer;
let nc: NatsConnection;

beforeAll(async () => {
  config = configWith({ "time.trust_recv": true, ...settings });
  server = await TestServer.start();
  nc = await connect({ servers: server.url });
  const engine = await startTestEngine({ url: server.url, trustRecv: true, settings });
  await publishAll(nc, [...shopMessages(openShop({ seed: 8, people: 300, lasts }), lasts)]);
  await untilQuiet(nc, engine.metrics);
  await engine.stop();
});
afterAll(async () => {
  await nc.close();
  await server.stop();
  config.remove();
});

/** Depends on what demand learned, which a backtest learns anew, a little sooner. */
const LEARNED = ["recommend", "koc_trial"];

test("what a backtest of the stream says is what the engine has published", async () => {
  const { code, stdout, stderr } = await runCli(
    ["backtest", "--config", config.folder, "--from", "stream", "--json"],
    { env: { NATS_URL: server.url } },
  );
  expect(code, stderr).toBe(0);
  const { draft } = JSON.parse(stdout) as Backtest;
  const published = new Tally("Asia/Shanghai", 0);
  const out = await BrokerLog.open(nc, {
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
