import { connect, type NatsConnection } from "nats";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ShopMessage } from "../../operators/simulated-shop/message.ts";
import { minutes } from "../../src/time/event-time.ts";
import { textOf } from "../support/engine.ts";
import { Cli } from "../support/engine-process.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { openShop, shopMessages } from "../support/events.ts";
import { publishAll } from "../support/events-publisher.ts";
import { configWith, type TestConfig } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";
import { published, readStream, replayStored } from "../support/oracle.ts";

const lasts = minutes(30);
const messages: readonly ShopMessage[] = [
  ...shopMessages(openShop({ seed: 33, people: 500, items: 60, lasts }), lasts),
];
/** So that a run lasts a few seconds and a stop comes in the middle of it. */
const pace = messages.length / 4;
const settings = { "broker.duplicate_window": "1s", threads: 2 };
const STOP_MS = 10_000;

vi.setConfig({ testTimeout: 120_000 });

let server: TestServer;
let nc: NatsConnection;
let config: TestConfig;
const processes: Cli[] = [];

beforeEach(async () => {
  server = await TestServer.start();
  nc = await connect({ servers: server.url });
  config = configWith({ "time.trust_recv": true, ...settings });
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((cli) => cli.end("SIGKILL")));
  await nc.close();
  await server.stop();
  config.remove();
});

interface Running {
  readonly cli: Cli;
  metrics(): Promise<string>;
}

/** `freshet start` as a process of its own, once it runs. */
async function start(): Promise<Running> {
  const words = ["start", "--config", config.folder, "--http-port", "0"];
  const cli = new Cli(words, { env: { NATS_URL: server.url } });
  processes.push(cli);
  const { metrics } = await cli.runs();
  return { cli, metrics: () => textOf(metrics) };
}

/** SIGTERM, which a supervisor follows with SIGKILL when it takes too long. */
async function stop({ cli }: Running): Promise<void> {
  const impatient = setTimeout(() => cli.child.kill("SIGKILL"), STOP_MS);
  const { code, signal, stderr } = await cli.end("SIGTERM");
  clearTimeout(impatient);
  expect({ code, signal }, stderr).toEqual({ code: 0, signal: null });
  expect(stderr).toContain('"freshet has stopped"');
}

/** Publishes everything; `act` is called once, when so large a share is stored. */
async function publishWith(share: number, act: () => Promise<unknown>): Promise<void> {
  let acting: Promise<unknown> | undefined;
  await publishAll(nc, messages, {
    pace,
    onStored: (count) => {
      if (count >= share * messages.length) acting ??= act();
    },
  });
  expect(acting).toBeDefined();
  await acting;
}

/** What stands on the broker is what a replay of its `IN` says: nothing lost, nothing twice. */
async function expectExactlyOnce(): Promise<void> {
  const intake = await readStream(nc, "FRESHET_IN");
  const told = published(await readStream(nc, "FRESHET_OUT"), intake).sort();
  const wanted = (await replayStored(intake, { trustRecv: true, settings })).sort();
  expect(told.length).toBeGreaterThan(100);
  expect(told).toEqual(wanted);
}

test("stopped under load, it ends in time with 0; the next one goes on with nothing lost or doubled", async () => {
  let running = await start();
  await publishWith(0.5, async () => {
    await stop(running);
    running = await start();
  });
  await untilQuiet(nc, running.metrics);
  await stop(running);
  await expectExactlyOnce();
});

test("what it has read is finished: a start behind a clean stop has nothing to say", async () => {
  const first = await start();
  await publishAll(nc, messages);
  await untilQuiet(nc, first.metrics);
  await stop(first);
  const before = (await readStream(nc, "FRESHET_OUT")).length;
  const second = await start();
  await untilQuiet(nc, second.metrics);
  await stop(second);
  expect((await readStream(nc, "FRESHET_OUT")).length).toBe(before);
  await expectExactlyOnce();
});

test("a second engine on the same groups does no harm, nor does stopping either of them", async () => {
  const first = await start();
  const second = await start();
  await publishWith(0.5, () => stop(first));
  await untilQuiet(nc, second.metrics);
  await stop(second);
  await expectExactlyOnce();
});

test("a stop while the broker is away ends in time all the same", async () => {
  const running = await start();
  await publishWith(0.5, () => server.restart());
  await server.down();
  await stop(running);
  await server.up();
  const next = await start();
  await untilQuiet(nc, next.metrics);
  await expectExactlyOnce();
});
