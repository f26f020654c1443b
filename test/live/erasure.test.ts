import { connect, type NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openScoring } from "../../src/cli/open-job.ts";
import { BrokerLog } from "../../src/replay/broker-log.ts";
import { verify } from "../../src/replay/verify.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { makeLog } from "../../src/watch/log.ts";
import { startTestEngine, type TestEngine } from "../support/engine.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { openShipped } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";

const settings = { "state.checkpoint_every": "1s", groups: 2, demand_groups: 1 };
const ANNA = [{ k: "unionid", v: "o-anna-who-leaves" }];
const BERT = [{ k: "unionid", v: "o-bert-who-stays" }];
let server: TestServer;
let engine: TestEngine;
let nc: NatsConnection;
let said = 0;

async function acts(ids: readonly object[], type: string, props: object): Promise<void> {
  said += 1;
  const event = { id: `er-${said}`, type, ts: Date.now(), touchpoint: "mp", ids, props };
  await nc.jetstream().publish(`freshet.in.event.mp.${type}`, JSON.stringify(event));
}
async function holding(stream: string, text: string): Promise<string[]> {
  const found: string[] = [];
  const jsm = await nc.jetstreamManager();
  const { state } = await jsm.streams.info(stream);
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const stored = await jsm.streams.getMessage(stream, { seq }).catch(() => undefined);
    if (stored !== undefined && Buffer.from(stored.data).toString("latin1").includes(text))
      found.push(stored.subject);
  }
  return found;
}

beforeAll(async () => {
  server = await TestServer.start();
  engine = await startTestEngine({ url: server.url, settings });
  nc = await connect({ servers: server.url });
});
afterAll(async () => {
  await nc?.close();
  await engine?.stop();
  await server?.stop();
});

test("D02: a deletion reaches IN, the journal, OUT and the checkpoints; verify says what it can judge", async () => {
  for (const ids of [BERT, ANNA]) {
    for (let i = 0; i < 3; i += 1)
      await acts(ids, "product.viewed", { sku: "sku-1", line: "premium", category: "tents" });
    await acts(ids, "cart.added", { sku: "sku-1" });
  }
  await untilQuiet(nc, engine.metrics);
  const ask = async (ids: readonly object[]) =>
    (await nc.request("freshet.ask.profile", JSON.stringify({ ids }))).json<{
      person: string | null;
    }>();
  const { person } = await ask(ANNA);
  const { person: bert } = await ask(BERT);
  expect(await holding("FRESHET_OUT", person ?? "")).not.toEqual([]);
  expect(await holding("FRESHET_EVENTS", person ?? "")).not.toEqual([]);
  const noted = nc.subscribe("freshet.audit.erasure.*", { max: 1 });
  const request = JSON.stringify({ id: "leave-1", ids: ANNA });
  await nc.jetstream().publish("freshet.in.privacy.request.delete", request);
  for await (const message of noted)
    expect(message.json()).toMatchObject({ person, in: 5, events: expect.any(Number) });
  expect(await ask(ANNA)).toMatchObject({ person: null });
  expect(await ask(BERT)).toMatchObject({ person: bert });
  expect(await holding("FRESHET_IN", "o-anna-who-leaves")).toEqual([]);
  expect(await holding("FRESHET_IN", "o-bert-who-stays")).toHaveLength(4);
  const rest = await holding("FRESHET_OUT", person?.slice(2) ?? "");
  expect(rest.filter((subject) => !/^freshet\.(privacy|audit)\./.test(subject))).toEqual([]);
  // The one record that made the person forgotten names them in the journal and in the tombstone.
  expect((await holding("FRESHET_EVENTS", person ?? "")).length).toBeLessThanOrEqual(1);
  const states = await holding("FRESHET_STATE", person ?? "");
  expect(states.filter((subject) => !subject.startsWith("freshet.state.collect."))).toEqual([]);

  await engine.stop();
  const log = makeLog("fatal");
  const open = { prefix: "freshet", log };
  const out = await BrokerLog.open(nc, { stream: "FRESHET_OUT", filter: ">", ...open });
  const intake = await BrokerLog.open(nc, { stream: "FRESHET_IN", filter: "in.>", ...open });
  const { job } = await openShipped({ settings });
  const settled = (Date.now() - 3000) as EventTime;
  const verdict = await verify({
    definition: job,
    scoring: openScoring(0),
    intake,
    out,
    settled: { IN: settled, OUT: settled },
    erased: (message) => job.intake.erasedNames(message),
    examples: 5,
  });
  expect(verdict.examples).toEqual([]);
  expect(verdict).toMatchObject({ equal: true, erased: 5 });

  // A start after it goes on, and does not bring the person back.
  engine = await startTestEngine({ url: server.url, settings });
  await acts(ANNA, "product.viewed", { sku: "sku-1" });
  await untilQuiet(nc, engine.metrics);
  expect(await ask(ANNA)).toMatchObject({ person: null });
});
