import { connect, type NatsConnection } from "nats";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { decodeMarker, type Marker } from "../../src/state/marker.ts";
import { minutes } from "../../src/time/event-time.ts";
import { samples, startTestEngine, type TestEngine } from "../support/engine.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { openShop, shopMessages } from "../support/events.ts";
import { publishAll } from "../support/events-publisher.ts";
import type { Settings } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";
import { published, readStream, replayStored } from "../support/oracle.ts";

vi.setConfig({ testTimeout: 180_000 });

const lasts = minutes(30);
const messages = [...shopMessages(openShop({ seed: 33, people: 1200, items: 50, lasts }), lasts)];
const OFTEN: Settings = { "state.checkpoint_every": "200ms", "state.hot_rows": 50 };

let server: TestServer;
let nc: NatsConnection;
const engines: TestEngine[] = [];

beforeEach(async () => {
  server = await TestServer.start();
  nc = await connect({ servers: server.url });
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  await nc.close();
  await server.stop();
});

async function start(settings: Settings = OFTEN): Promise<TestEngine> {
  const engine = await startTestEngine({ url: server.url, trustRecv: true, settings });
  engines.push(engine);
  return engine;
}
async function stop(engine: TestEngine): Promise<void> {
  engines.splice(engines.indexOf(engine), 1);
  await engine.stop();
}
/** Publishes this share of the messages. */
function publish(from: number, to: number, pace = Number.POSITIVE_INFINITY): Promise<void> {
  const [first, end] = [from, to].map((share) => Math.floor(messages.length * share));
  return publishAll(nc, messages.slice(first, end), { first: first ?? 0, pace });
}

/** Of each group the latest marker. */
async function markers(): Promise<Map<string, Marker>> {
  const latest = new Map<string, Marker>();
  for (const { subject, data } of await readStream(nc, "FRESHET_STATE")) {
    const marker = subject.endsWith(".marker") ? decodeMarker(data) : undefined;
    if (marker !== undefined) latest.set(marker.group, marker);
  }
  return latest;
}
const count = async (engine: TestEngine, metric: string): Promise<number> =>
  samples(await engine.metrics(), metric).get("") ?? Number.NaN;

async function expectExactlyOnce(): Promise<void> {
  const intake = await readStream(nc, "FRESHET_IN");
  const told = published(await readStream(nc, "FRESHET_OUT"), intake).sort();
  const wanted = (await replayStored(intake, { trustRecv: true, settings: OFTEN })).sort();
  expect(told.length).toBeGreaterThan(50);
  expect(told).toEqual(wanted);
}

test("after a clean stop every group goes on from its end, and nothing is read again", async () => {
  const first = await start();
  await publish(0, 0.5);
  await untilQuiet(nc, first.metrics);
  await stop(first);
  const { in: ends } = first.engine.positions;
  const stored = await markers();
  expect(stored.size).toBe(21);
  expect([...stored.values()].every(({ clean }) => clean)).toBe(true);
  expect(stored.get("collect-0")?.seq).toBe(ends);
  const second = await start();
  expect(second.engine.positions.in).toEqual(first.engine.positions.in);
  await publish(0.5, 1);
  await untilQuiet(nc, second.metrics);
  await expectExactlyOnce();
});

test("checkpoints in full flight; one whose piece is gone is passed over, loudly", async () => {
  const first = await start();
  await publish(0, 0.7, 1000);
  await untilQuiet(nc, first.metrics);
  expect(await count(first, "freshet_checkpoints_total")).toBeGreaterThan(10);
  await stop(first);
  const jsm = await nc.jetstreamManager();
  const torn = [...(await markers()).values()].filter(({ group }) => group !== "shopper-3");
  for (const { pieces } of torn) {
    const seq = Math.max(...pieces.map((piece) => piece.seq));
    await jsm.streams.deleteMessage("FRESHET_STATE", seq);
  }
  const second = await start();
  expect(await count(second, "freshet_checkpoints_torn_total")).toBeGreaterThanOrEqual(20);
  expect(second.logged.some((line) => line.includes("a checkpoint is torn"))).toBe(true);
  await publish(0.7, 1);
  await untilQuiet(nc, second.metrics);
  await expectExactlyOnce();
});

test("state another configuration left in mid-log is refused; a clean stop lets it go on", async () => {
  const first = await start();
  await publish(0, 0.3);
  await untilQuiet(nc, first.metrics);
  await stop(first);
  const other = { ...OFTEN, "operators.shopper.recommend.every": "5s" };
  const second = await start(other);
  await publish(0.3, 0.6, 1000);
  await untilQuiet(nc, second.metrics);
  expect(await count(second, "freshet_checkpoints_total")).toBeGreaterThan(0);
  // As a crash would leave it: the checkpoints of the clean stop have not come about.
  const before = await markers();
  await stop(second);
  const jsm = await nc.jetstreamManager();
  for (const { subject, data, seq } of await readStream(nc, "FRESHET_STATE")) {
    const marker = subject.endsWith(".marker") ? decodeMarker(data) : undefined;
    const known = marker === undefined ? 0 : (before.get(marker.group)?.cut ?? 0);
    if (marker !== undefined && marker.cut > known) {
      await jsm.streams.deleteMessage("FRESHET_STATE", seq);
    }
  }
  await expect(start()).rejects.toMatchObject({ code: "VERSION_MISMATCH" });
  await expect(start({ ...other, groups: 8 })).rejects.toMatchObject({ code: "STATE_INVALID" });
  const third = await start(other);
  expect(third.engine.ready).toBe(true);
});

test("another configuration does not start behind a clean stop while a twin still reads", async () => {
  const rarely = { ...OFTEN, "state.checkpoint_every": "1h" };
  const first = await start(rarely);
  const twin = await start(rarely);
  await publish(0, 0.2);
  await untilQuiet(nc, first.metrics);
  await stop(first);
  expect((await markers()).get("collect-0")).toMatchObject({ clean: true });
  const other = { ...OFTEN, "operators.shopper.recommend.every": "5s" };
  await expect(start(other)).rejects.toMatchObject({ code: "ENGINE_RUNS" });
  await stop(twin);
  expect((await start(other)).engine.ready).toBe(true);
});

test("a broker that lost what it had acknowledged, or holds something else there, is not gone on with", async () => {
  const first = await start();
  await publish(0, 0.3);
  await untilQuiet(nc, first.metrics);
  await stop(first);
  const jsm = await nc.jetstreamManager();
  const { config, state } = await jsm.streams.info("FRESHET_OUT");
  expect(state.last_seq).toBeGreaterThan(10);
  await jsm.streams.delete("FRESHET_OUT");
  await jsm.streams.add(config);
  await expect(start()).rejects.toMatchObject({ code: "LOG_LOST_TAIL" });
  for (let i = 0; i <= state.last_seq; i += 1) {
    await nc.jetstream().publish("freshet.trend.other.things", "{}", { msgID: `other-${i}` });
  }
  await expect(start()).rejects.toMatchObject({ code: "LOG_REWRITTEN" });
});

test("a log that begins behind the checkpoint, or ends before it, is not gone on with", async () => {
  const first = await start();
  await publish(0, 0.2);
  await untilQuiet(nc, first.metrics);
  await stop(first);
  const jsm = await nc.jetstreamManager();
  await publish(0.2, 0.3);
  const { state } = await jsm.streams.info("FRESHET_IN");
  await jsm.streams.purge("FRESHET_IN", { seq: state.last_seq });
  await expect(start().then((engine) => engine.failed)).resolves.toMatchObject({
    code: "LOG_TRUNCATED",
  });
});

test.each(["FRESHET_IN", "FRESHET_EVENTS", "FRESHET_DEMAND"])(
  "a running engine whose %s is removed stops and says so",
  async (stream) => {
    const engine = await start();
    await publish(0, 0.1);
    await untilQuiet(nc, engine.metrics);
    await (await nc.jetstreamManager()).streams.delete(stream);
    await expect(engine.failed).resolves.toMatchObject({
      code: "LOG_LOST_TAIL",
      details: { stream },
    });
  },
);
