import { connect, headers, type NatsConnection } from "nats";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isFault } from "../../src/faults.ts";
import { minutes } from "../../src/time/event-time.ts";
import { startTestEngine, type TestEngine } from "../support/engine.ts";
import { Cli, runCli } from "../support/engine-process.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { openShop, shopMessages } from "../support/events.ts";
import { publishAll } from "../support/events-publisher.ts";
import { configWith, type Settings, type TestConfig } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";
import { readStream, type Stored } from "../support/oracle.ts";

vi.setConfig({ testTimeout: 120_000 });

const settings = {
  groups: 2,
  demand_groups: 1,
  "time.trust_recv": true,
  "state.checkpoint_every": "1s",
};
const lasts = minutes(6);
const messages = [...shopMessages(openShop({ seed: 13, people: 300, lasts }), lasts)];
const half = Math.floor(messages.length / 2);

let config: TestConfig;
let server: TestServer;
let nc: NatsConnection;
let engine: TestEngine | undefined;

beforeEach(async () => {
  config = configWith(settings);
  server = await TestServer.start();
  nc = await connect({ servers: server.url });
  await start();
  await publishAll(nc, messages.slice(0, half));
  await stop();
});
afterEach(async () => {
  await engine?.stop();
  engine = undefined;
  await nc.close();
  await server.stop();
  config.remove();
});

async function start(other: Settings = {}): Promise<TestEngine> {
  const all = { ...settings, ...other };
  engine = await startTestEngine({ url: server.url, settings: all, trustRecv: true });
  return engine;
}
/** What stops an engine as it starts, or soon after. */
async function failure(other: Settings = {}): Promise<unknown> {
  try {
    return await (await start(other)).failed;
  } catch (error) {
    return error;
  } finally {
    await engine?.stop();
    engine = undefined;
  }
}
/** Its code. */
async function refusal(other: Settings = {}): Promise<string> {
  const why = await failure(other);
  return isFault(why) ? why.code : String(why);
}
async function stop(): Promise<void> {
  if (engine !== undefined) await untilQuiet(nc, engine.metrics);
  await engine?.stop();
  engine = undefined;
}

interface Told {
  readonly troubles: readonly { readonly what: string; readonly stops: boolean }[];
  readonly groups: readonly {
    readonly name: string;
    readonly checkpoints: readonly { readonly seq: number; readonly torn: string | null }[];
  }[];
}
const run = (command: string, ...words: string[]) =>
  runCli([command, "--config", config.folder, ...words], { env: { NATS_URL: server.url } });
async function recover(code: number, ...words: string[]): Promise<Told> {
  const { code: got, stdout, stderr } = await run("recover", "--json", ...words);
  expect(got, stdout + stderr).toBe(code);
  return JSON.parse(stdout) as Told;
}
async function verdict(): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await run("verify", "--settle", "0s", "--json");
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Record<string, unknown>;
}
const notes = async () =>
  (await readStream(nc, "FRESHET_OUT"))
    .filter(({ subject }) => subject === "audit.recover")
    .map(({ data }) => (JSON.parse(Buffer.from(data).toString()) as { choice: string }).choice);

test("after a clean stop all is well; a torn checkpoint is told, and the one before it serves", async () => {
  const well = await recover(0);
  expect(well.troubles).toEqual([]);
  expect(well.groups.map(({ name }) => name)).toEqual([
    "collect-0",
    "shopper-0",
    "shopper-1",
    "demand-0",
  ]);
  const ends = (await readStream(nc, "FRESHET_IN")).at(-1)?.seq;
  expect(well.groups[0]?.checkpoints[0]).toMatchObject({ seq: ends, torn: null });
  const { code, stdout } = await run("recover");
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/clean stop(.|\n)*An engine can start\.\n$/),
  ]);

  const pieces = (await readStream(nc, "FRESHET_STATE")).filter(
    ({ subject }) => subject === "state.collect.0.chunk",
  );
  const jsm = await nc.jetstreamManager();
  await jsm.streams.deleteMessage("FRESHET_STATE", pieces.at(-2)?.seq ?? 0);
  const torn = await recover(0);
  expect(torn.troubles.map(({ what }) => what)).toContainEqual(
    expect.stringMatching(
      /^The checkpoint of collect-0 at \d+ is torn \(1 of \d+ pieces are missing\)/,
    ),
  );
  await start();
  await publishAll(nc, messages);
  await stop();
  expect(await verdict()).toMatchObject({ equal: true, missing: 0 });
});

test("records of IN that are gone: refused, told, and accepted as a gap", async () => {
  await publishAll(nc, messages.slice(0, half + 100));
  const [marker] = (await recover(0)).groups[0]?.checkpoints ?? [];
  const first = (marker?.seq ?? 0) + 41;
  await (await nc.jetstreamManager()).streams.purge("FRESHET_IN", { seq: first });
  expect(await refusal()).toBe("LOG_TRUNCATED");
  const told = await recover(1);
  expect(told.troubles[0]?.what).toContain(`FRESHET_IN begins at ${first}`);
  expect(told.troubles[0]?.what).toContain("40 records are gone");
  const { code, stdout } = await run("recover");
  expect([code, stdout]).toEqual([1, expect.stringContaining("freshet recover --accept-gap: ")]);

  await recover(0, "--accept-gap");
  expect(await notes()).toEqual(["accept-gap"]);
  const before = (await readStream(nc, "FRESHET_OUT")).length;
  await start();
  await publishAll(nc, messages);
  await stop();
  const out = await readStream(nc, "FRESHET_OUT");
  expect(out.length).toBeGreaterThan(before + 10);
  const ids = out.map(({ header, seq }) => header("ce-id") ?? seq);
  expect(new Set(ids).size).toBe(ids.length);
  const again = await run("recover", "--accept-gap");
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("no gap")]);

  const jsm = await nc.jetstreamManager();
  const { state } = await jsm.streams.info("FRESHET_IN");
  await jsm.streams.purge("FRESHET_IN", { seq: state.last_seq - 99 });
  await jsm.streams.purge("FRESHET_STATE");
  expect(await refusal()).toBe("LOG_TRUNCATED");
  expect((await recover(1)).troubles[0]?.what).toContain("must go on from 1");
  const rebuilt = await recover(0, "--rebuild");
  expect(rebuilt.groups[0]?.checkpoints[0]?.seq).toBe(state.last_seq - 100);
  await start();
  await stop();
  expect((await recover(0)).groups[0]?.checkpoints[0]?.seq).toBeGreaterThanOrEqual(state.last_seq);
});

test.each([
  ["freshet.hop.shopper.0.collect-0", "garbage"],
  ["freshet.hop.demand.0.nobody", new Uint8Array([0x90])],
  ["freshet.hop.shopper.7.collect-0", "a group that there is not"],
])("what is no frame on %s: refused as nobody's, and made anew", async (subject, data) => {
  const stood = await readStream(nc, "FRESHET_OUT");
  const { stream, seq } = await nc.jetstream().publish(subject, data);
  const foreign = { code: "FRAME_FOREIGN", details: { stream, subject, seq } };
  expect(await failure()).toMatchObject(foreign);
  expect(await failure()).toMatchObject(foreign);
  await recover(0, "--rebuild");
  await start();
  await publishAll(nc, messages);
  await stop();
  expect(await verdict()).toMatchObject({ equal: true, missing: 0 });
  expect((await readStream(nc, "FRESHET_OUT")).length).toBeGreaterThan(stood.length);
});

/** As a broker that lost the end of what it had acknowledged, and was written to again. */
async function fillAgain(stored: readonly Stored[]): Promise<void> {
  const jsm = await nc.jetstreamManager();
  const { config: of } = await jsm.streams.info("FRESHET_IN");
  await jsm.streams.delete("FRESHET_IN");
  await jsm.streams.add(of);
  await republish(stored);
}

/** One behind the other, as they were stored. */
async function republish(stored: readonly Stored[]): Promise<void> {
  const js = nc.jetstream();
  const sent = stored.map(({ subject, data, header }) => {
    const about = headers();
    for (const name of ["Content-Type", "Nats-Msg-Id", "ce-id", "ce-time", "freshet-group"]) {
      const value = header(name);
      if (value !== undefined) about.set(name, value);
    }
    return js.publish(`freshet.${subject}`, data, { headers: about });
  });
  await Promise.all(sent);
}

test("an IN that lost its end, or was filled again: refused, told, and made anew", async () => {
  const stored = await readStream(nc, "FRESHET_IN");
  await fillAgain(stored.slice(0, -200));
  expect(await refusal()).toBe("LOG_LOST_TAIL");
  expect((await recover(1)).troubles[0]?.what).toContain("the broker lost 200 records");
  await republish(stored.slice(-200));
  expect(await refusal()).toBe("LOG_REWRITTEN");
  expect((await recover(1)).troubles[0]?.what).toContain("holds other records");

  expect((await recover(0, "--rebuild")).troubles).toEqual([]);
  expect(await notes()).toEqual(["rebuild"]);
  await start();
  await publishAll(nc, messages.slice(half));
  await stop();
  expect(await verdict()).toMatchObject({ missing: 0, different: 0, twice: 0 });
});

test("a log between the flows that is gone is made again from IN, and nothing is said twice", async () => {
  const jsm = await nc.jetstreamManager();
  await jsm.streams.delete("FRESHET_EVENTS");
  expect((await recover(1)).troubles[0]?.what).toContain("EVENTS is not there");
  await recover(0, "--rebuild");
  await start();
  await publishAll(nc, messages);
  await stop();
  expect(await verdict()).toMatchObject({ equal: true, twice: 0 });
});

test.each(["rebuild", "accept-loss"])(
  "outputs that are gone: refused, told, and --%s",
  async (choice) => {
    await start();
    await publishAll(nc, messages);
    await stop();
    const out = await readStream(nc, "FRESHET_OUT");
    await (await nc.jetstreamManager()).streams.delete("FRESHET_OUT");
    expect((await recover(1)).troubles[0]?.what).toContain("FRESHET_OUT is not there");
    await recover(0, `--${choice}`);
    expect(await notes()).toEqual([choice]);
    await start();
    await stop();
    const lost = choice === "rebuild" ? 0 : out.length;
    expect(await verdict()).toMatchObject({ missing: lost, different: 0, extra: 0, twice: 0 });
  },
);

test("a group whose checkpoints are forgotten reads its log anew, and nothing is said twice", async () => {
  const told = await recover(0, "--forget", "shopper-1");
  const of = (group: string) => told.groups.find(({ name }) => name === group)?.checkpoints.length;
  expect([of("shopper-0"), of("shopper-1")]).toEqual([expect.any(Number), 0]);
  expect(of("shopper-0")).toBeGreaterThan(0);
  await start();
  await publishAll(nc, messages);
  await stop();
  expect(await verdict()).toMatchObject({ equal: true, twice: 0 });
  const unknown = await run("recover", "--forget", "shopper-7");
  expect([unknown.code, unknown.stderr]).toEqual([
    2,
    expect.stringContaining("no group shopper-7"),
  ]);
});

test("another configuration where the former one died: refused, told, and accepted", async () => {
  const words = ["start", "--config", config.folder, "--http-port", "0"];
  const child = new Cli(words, { env: { NATS_URL: server.url } });
  await child.said(/"freshet runs"/);
  // Long enough for checkpoints in the middle of the log; the first half is known already.
  await publishAll(nc, messages.slice(0, -100), { pace: messages.length / 6 });
  await child.end("SIGKILL");
  config.remove();
  config = configWith({ ...settings, seed: 7 });
  expect(await refusal({ seed: 7 })).toBe("VERSION_MISMATCH");
  const told = await recover(1);
  expect(told.troubles[0]?.what).toContain("under another build or configuration");
  expect((await recover(0, "--accept-build")).troubles).toEqual([]);
  await start({ seed: 7 });
  await publishAll(nc, messages);
  await stop();
  const out = await readStream(nc, "FRESHET_OUT");
  const ids = out.map(({ header, seq }) => header("ce-id") ?? seq);
  expect(new Set(ids).size).toBe(ids.length);
  expect((await recover(0)).troubles).toEqual([]);
});

test("nothing is changed under an engine that runs", async () => {
  await start();
  const { code, stderr } = await run("recover", "--rebuild");
  expect([code, stderr]).toEqual([1, expect.stringContaining("ENGINE_RUNS")]);
  expect(await notes()).toEqual([]);
  await stop();
  const both = await run("recover", "--rebuild", "--accept-gap");
  expect(both.code).toBe(2);
});
