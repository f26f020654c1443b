import type { NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Verdict } from "../../src/replay/verify.ts";
import { minutes } from "../../src/time/event-time.ts";
import { samples } from "../support/engine.ts";
import { runCli } from "../support/engine-process.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { openShop, SHOP_OPENS, shopMessages } from "../support/events.ts";
import { publishAll } from "../support/events-publisher.ts";
import { configWith, type TestConfig } from "../support/job.ts";
import { LiveEngine } from "../support/live-engine.ts";
import { readStream } from "../support/oracle.ts";

/** One engine on several threads: other threads at each start, stopped in order and killed. */

const PAIRS = 8;
const LASTS = minutes(12);
const configs: TestConfig[] = [];
let live: LiveEngine;
let nc: NatsConnection;

beforeAll(async () => {
  live = await LiveEngine.open();
  nc = live.nc;
});
afterAll(async () => {
  await live?.close();
  for (const config of configs) config.remove();
});

function on(threads: number): TestConfig {
  const few = { groups: 4, demand_groups: 2, "state.checkpoint_every": "1s" };
  const config = configWith({ "time.trust_recv": true, ...few, threads });
  configs.push(config);
  return config;
}
const start = (config: TestConfig) => live.start(config);
const quiet = () => untilQuiet(nc, live.metrics);

/** Somebody known by two names, who turns out to be one person: a link between groups, mostly. */
async function couple(pair: number): Promise<void> {
  const names = [
    { k: "unionid", v: `o-${pair}` },
    { k: "login", v: `member-${pair}` },
  ];
  const says = async (n: number, ids: readonly object[]): Promise<void> => {
    const [id, ts] = [`couple-${pair}-${n}`, SHOP_OPENS + LASTS + n];
    const props = { sku: `sku-${n}`, line: "premium", category: "tents" };
    const event = { id, type: "product.viewed", ts, touchpoint: "mp", ids, props };
    await nc.jetstream().publish("freshet.in.event.mp.product.viewed", JSON.stringify(event));
  };
  for (let n = 0; n < 6; n += 1) await says(n, names.slice(n % 2, (n % 2) + 1));
  await says(6, names);
}
async function asked(about: string, body: object) {
  const reply = await nc.request(`freshet.ask.${about}`, JSON.stringify(body), { timeout: 20_000 });
  return reply.json<Readonly<Record<string, unknown>>>();
}
/** Groups by the thread they would be on are asked alike: each pair is one person of seven events. */
async function expectCouplesKnown(): Promise<ReadonlySet<unknown>> {
  const groups = new Set<unknown>();
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const one = await asked("profile", { ids: [{ k: "unionid", v: `o-${pair}` }] });
    const other = await asked("profile", { ids: [{ k: "login", v: `member-${pair}` }] });
    expect(one["person"]).toMatch(/^p_/);
    expect(other).toEqual(one);
    expect(JSON.stringify(one)).toContain(`sku-6`);
    const told = await asked("explain", { person: one["person"] });
    expect(told).toMatchObject({ person: one["person"], group: one["group"] });
    groups.add(one["group"]);
  }
  return groups;
}

test("on three threads, then one, then two: nothing lost, nothing twice, links between threads made", async () => {
  const messages = [...shopMessages(openShop({ seed: 5, people: 400, lasts: LASTS }), LASTS)];
  const cut = Math.floor(messages.length / 2);
  let cli = await start(on(3));
  await publishAll(nc, messages.slice(0, cut));
  for (let pair = 0; pair < PAIRS; pair += 1) await couple(pair);
  await quiet();
  expect((await expectCouplesKnown()).size).toBeGreaterThan(1);
  expect(await asked("config", {})).toMatchObject({ generation: 0 });
  const text = await live.metrics();
  const published = [...samples(text, "freshet_outputs_total").values()].reduce((a, b) => a + b, 0);
  const stands = await readStream(nc, "FRESHET_OUT");
  const learned = (await readStream(nc, "FRESHET_IN")).filter(({ subject }) =>
    subject.startsWith("in.knowledge."),
  );
  expect(published).toBe(stands.length + learned.length);
  expect(samples(text, "freshet_event_to_output_seconds_count").get("")).toBeGreaterThan(100);
  expect(samples(text, "freshet_watermark_seconds").size).toBe(2);
  const first = await cli.end();
  expect([first.code, first.signal]).toEqual([0, null]);

  cli = await start(on(1));
  await expectCouplesKnown();
  const rest = publishAll(nc, messages.slice(cut), { first: cut, pace: 400 });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect((await cli.end("SIGKILL")).signal).toBe("SIGKILL");
  cli = await start(on(2));
  await rest;
  await quiet();
  await expectCouplesKnown();
  expect((await cli.end()).code).toBe(0);
  const last = on(3);
  const words = ["verify", "--config", last.folder, "--json"];
  const { stdout, stderr } = await runCli(words, { env: live.env });
  const verdict = JSON.parse(stdout) as Verdict;
  expect(verdict, stderr).toMatchObject({ equal: true, missing: 0, extra: 0, twice: 0 });
  expect(verdict.expected).toBeGreaterThan(200);
}, 400_000);

test("a thread that fails stops the engine, and says why", async () => {
  const cli = await start(on(2));
  const jsm = await nc.jetstreamManager();
  await jsm.streams.delete("FRESHET_DEMAND");
  const { code, stderr } = await cli.finished;
  expect(code).toBe(1);
  expect(stderr).toContain("LOG_");
}, 240_000);
