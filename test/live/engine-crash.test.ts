import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsConnection } from "nats";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ShopMessage } from "../../operators/simulated-shop/message.ts";
import { minutes } from "../../src/time/event-time.ts";
import { startTestEngine, type TestEngine, textOf } from "../support/engine.ts";
import { Cli } from "../support/engine-process.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { openShop, shopMessages } from "../support/events.ts";
import { publishAll } from "../support/events-publisher.ts";
import { configWith, type Settings, type TestConfig } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";
import { published, readStream, replayStored } from "../support/oracle.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";

const lasts = minutes(30);
const messages: readonly ShopMessage[] = [
  ...shopMessages(openShop({ seed: 21, people: 500, items: 60, lasts }), lasts),
];
/** So that a run lasts a few seconds and faults hit the middle of it. */
const pace = messages.length / 4;

vi.setConfig({ testTimeout: 420_000 });

let server: TestServer;
let nc: NatsConnection;
const configs: TestConfig[] = [];
const processes: Cli[] = [];
const engines: TestEngine[] = [];

beforeEach(async () => {
  server = await TestServer.start();
  nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((cli) => cli.end("SIGKILL")));
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  await nc.close();
  await server.stop();
  for (const config of configs.splice(0)) config.remove();
});

interface Child {
  readonly cli: Cli;
  metrics(): Promise<string>;
}

/** `freshet start` as a process of its own, once it runs. */
async function startChild(settings: Settings, url = server.url): Promise<Child> {
  const config = configWith({ "time.trust_recv": true, ...settings });
  configs.push(config);
  const words = ["start", "--config", config.folder, "--http-port", "0"];
  const cli = new Cli(words, { env: { NATS_URL: url } });
  processes.push(cli);
  const { metrics } = await cli.runs();
  return { cli, metrics: () => textOf(metrics) };
}

/** Publishes everything, and acts when so large a share of it is stored. */
async function publishWith(
  acts: readonly (readonly [share: number, act: () => Promise<unknown>])[],
) {
  const left = [...acts];
  let acting: Promise<unknown> = Promise.resolve();
  await publishAll(nc, messages, {
    pace,
    onStored: (count) => {
      const next = left[0];
      if (next === undefined || count < next[0] * messages.length) return;
      left.shift();
      acting = acting.then(next[1]);
    },
  });
  await acting;
  expect(left).toEqual([]);
}

/** Nothing lost, nothing twice: what was published is, as a list, what a replay of `IN` says. */
async function expectExactlyOnce(settings: Settings = {}): Promise<void> {
  const intake = await readStream(nc, "FRESHET_IN");
  const stored = new Set(intake.map(({ header }) => header("Nats-Msg-Id")));
  expect(messages.every((_, place) => stored.has(`test-${place}`))).toBe(true);
  const told = published(await readStream(nc, "FRESHET_OUT"), intake).sort();
  const wanted = (await replayStored(intake, { trustRecv: true, settings })).sort();
  const twice = told.filter((line, i) => line === told[i - 1]);
  expect(twice.slice(0, 3)).toEqual([]);
  const known = new Set(told);
  expect(wanted.filter((line) => !known.has(line)).slice(0, 3)).toEqual([]);
  expect(told).toEqual(wanted);
  for (const token of ["intent", "segment", "recommendation", "restock", "in.knowledge"]) {
    expect(
      told.some((line) => line.startsWith(`${token}.`)),
      token,
    ).toBe(true);
  }
}

test("the broker is killed and comes back, twice, in the middle of a run", async () => {
  const engine = await startTestEngine({ url: server.url, trustRecv: true });
  engines.push(engine);
  await publishWith([
    [0.3, () => server.restart(300)],
    [0.7, () => server.restart(1500)],
  ]);
  await untilQuiet(nc, engine.metrics);
  expect(engine.engine.ready).toBe(true);
  await expectExactlyOnce();
});

describe.each([{ window: "2m" }, { window: "1s" }])(
  "with a duplicate window of $window",
  ({ window }) => {
    const settings = { "broker.duplicate_window": window };

    test("the engine is killed, twice; the next start makes good what is missing", async () => {
      let { cli } = await startChild(settings);
      const die = async () => {
        await cli.end("SIGKILL");
        // Longer than the shorter window, which has then forgotten every id it knew.
        await sleep(1200);
        cli = (await startChild(settings)).cli;
      };
      await publishWith([
        [0.4, die],
        [0.8, die],
      ]);
      await cli.end("SIGKILL");
      await server.restart();
      const last = await startChild(settings);
      await untilQuiet(nc, last.metrics);
      await expectExactlyOnce(settings);
    });

    test("an engine that was asleep while another took over does no harm, nor does the death of that one", async () => {
      const first = await startChild(settings);
      const second = await startChild(settings);
      const sleepAndWake = async () => {
        first.cli.child.kill("SIGSTOP");
        // The other one has then published what this one still believes to be its own to say.
        await sleep(5000);
        first.cli.child.kill("SIGCONT");
        await sleep(500);
        await second.cli.end("SIGKILL");
      };
      await publishWith([[0.2, sleepAndWake]]);
      await untilQuiet(nc, first.metrics);
      await expectExactlyOnce(settings);
    });

    test("what was stored, but never acknowledged, is not stored again", async () => {
      const proxy = await TcpProxy.start(server.port);
      try {
        const child = await startChild(settings, proxy.url);
        const silence = async () => {
          const breakOff = proxy.swallowReplies();
          await sleep(4000);
          breakOff();
        };
        await publishWith([[0.4, silence]]);
        await untilQuiet(nc, child.metrics);
      } finally {
        await proxy.stop();
      }
      await expectExactlyOnce(settings);
    });
  },
);
