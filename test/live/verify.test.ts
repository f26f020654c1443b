import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { connect, headers } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scoringFunctions } from "../../operators/scoring.ts";
import { BrokerLog } from "../../src/replay/broker-log.ts";
import { headerOf, type StoredLog, type StoredMessage } from "../../src/replay/stored-message.ts";
import { type Verdict, type VerifyOptions, verify } from "../../src/replay/verify.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { type EventTime, MAX_TIME, minus, seconds } from "../../src/time/event-time.ts";
import { makeLog } from "../../src/watch/log.ts";
import { startTestEngine } from "../support/engine.ts";
import { runCli } from "../support/engine-process.ts";
import { openShipped } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";
import { FEW_GROUPS, type StoredAfternoon, storeAfternoon } from "../support/stored-afternoon.ts";

/** For a busy machine; nothing is judged by the clock. */
const PATIENCE = 300_000;
const folder = mkdtempSync(join(tmpdir(), "freshet-verify-"));
const PREFIX = { prefix: "freshet", log: makeLog("silent") };
let shop: StoredAfternoon;
let intake: StoredLog;
let out: StoredLog;

beforeAll(async () => {
  shop = await storeAfternoon({ seed: 8, people: 300 }, (nc) =>
    nc.jetstream().publish("freshet.in.event.mp.test", "{not json"),
  );
  out = inMemory(await BrokerLog.open(shop.nc, { stream: "FRESHET_OUT", ...PREFIX }));
  intake = inMemory(await BrokerLog.open(shop.nc, { stream: "FRESHET_IN", ...PREFIX }));
}, PATIENCE);

afterAll(async () => {
  await shop.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Reads a log once; `change` makes another of what it holds. */
function inMemory(
  log: StoredLog,
  change: (messages: StoredMessage[]) => readonly StoredMessage[] = (messages) => messages,
): StoredLog {
  let read: Promise<readonly StoredMessage[]> | undefined;
  const load = async (): Promise<readonly StoredMessage[]> => {
    const messages: StoredMessage[] = [];
    for await (const message of log.read()) messages.push(message);
    return change(messages);
  };
  const all = () => {
    read ??= load();
    return read;
  };
  return {
    from: log.from,
    until: log.until,
    read: async function* () {
      yield* await all();
    },
    at: async (seq) => (await all()).find((message) => message.seq === seq),
  };
}

async function verdictOn(options: Partial<VerifyOptions> = {}): Promise<Verdict> {
  const { job } = await openShipped({ trustRecv: true, settings: FEW_GROUPS });
  return verify({
    definition: job,
    scoring: new InlineScoring(scoringFunctions),
    intake,
    out,
    settled: { IN: MAX_TIME, OUT: MAX_TIME },
    examples: 3,
    ...options,
  });
}

const CLEAN = { missing: 0, extra: 0, different: 0, twice: 0, inFlight: 0, agedOut: 0, beyond: 0 };

const withData = (message: StoredMessage, data: unknown): StoredMessage => ({
  ...message,
  data: Buffer.from(JSON.stringify(data)),
});
const json = ({ data }: StoredMessage) => JSON.parse(Buffer.from(data).toString()) as object;

test("what an engine has published is what its log says, knowledge on IN included", async () => {
  const { job } = await openShipped({ trustRecv: true, settings: FEW_GROUPS });
  const verdict = await verdictOn({ definition: job });
  expect(verdict).toMatchObject({ equal: true, ...CLEAN });
  // Knowledge fed a second time would be older than itself.
  expect(job.intake.counts.stale).toBe(0);
  let learned = 0;
  let records = 0;
  for await (const { subject } of intake.read()) {
    records += 1;
    if (subject.startsWith("in.knowledge.")) learned += 1;
  }
  let published = 0;
  for await (const _ of out.read()) published += 1;
  expect(learned).toBeGreaterThan(0);
  expect(verdict.records).toBe(records);
  expect(verdict.expected).toBe(published + learned);
  expect(verdict.same).toBe(verdict.expected);
});

test("whatever is done to OUT is found, and nothing else", async () => {
  const size = (await verdictOn()).expected;
  /** What becomes of a message: most stay. */
  const fate = fc.oneof(
    { weight: 20, arbitrary: fc.constant("stays") },
    fc.constantFrom("missing", "different", "twice", "extra"),
  );
  const run = async (fates: readonly string[]) => {
    const count = { missing: 0, extra: 0, different: 0, twice: 0 };
    const changed = inMemory(out, (messages) =>
      messages.flatMap((message, i) => {
        const what = fates[i % fates.length] ?? "stays";
        if (what === "stays") return [message];
        count[what as keyof typeof count] += 1;
        if (what === "missing") return [];
        if (what === "different") return [withData(message, { ...json(message), probability: 2 })];
        if (what === "twice") return [message, { ...message, seq: message.seq + 1_000_000 }];
        const stranger = { ...message.headers, "ce-id": [`stranger-${i}`] };
        return [message, { ...message, headers: stranger, seq: message.seq + 1_000_000 }];
      }),
    );
    const verdict = await verdictOn({ out: changed });
    const clean = Object.values(count).every((n) => n === 0);
    expect(verdict).toMatchObject({ ...count, equal: clean });
    expect(verdict.same).toBe(verdict.expected - count.missing - count.different);
  };
  const fates = fc.array(fate, { minLength: Math.min(size, 97), maxLength: 97 });
  await fc.assert(fc.asyncProperty(fates, run), { numRuns: 4 });
});

test("a changed field, subject or time is named", async () => {
  const changed = inMemory(out, (messages) =>
    messages.map((message, i) => {
      if (i === 5) return withData(message, { ...json(message), at: "never", more: [1] });
      if (i === 6) return { ...message, subject: "intent.none" };
      const late = { ...message.headers, "ce-time": ["2026-01-01T00:00:00.000Z"] };
      return i === 7 ? { ...message, headers: late } : message;
    }),
  );
  const verdict = await verdictOn({ out: changed });
  expect(verdict).toMatchObject({ equal: false, different: 3, missing: 0, extra: 0 });
  const said = verdict.examples.flatMap(({ differences }) => differences ?? []);
  expect(said).toContainEqual(
    expect.stringMatching(/^data\.at: "never" published, "2026-.*expected$/),
  );
  expect(said).toContain("data.more: [1] published, nothing expected");
  expect(said).toContainEqual(expect.stringMatching(/^subject: "intent\.none" published, /));
  expect(said).toContainEqual(
    expect.stringMatching(/^time: "2026-01-01T00:00:00\.000Z" published/),
  );
});

test("knowledge that was altered on IN is different, where it stands", async () => {
  let place = 0;
  const altered = inMemory(intake, (messages) => {
    place = messages.findIndex(({ subject }) => subject.startsWith("in.knowledge."));
    return messages.map((message, i) =>
      i === place ? withData(message, { ...json(message), more: true }) : message,
    );
  });
  const verdict = await verdictOn({ intake: altered });
  const example = verdict.examples.find(({ kind }) => kind === "different");
  expect(example).toMatchObject({ at: { log: "IN", seq: place + 1 } });
  expect(example?.differences).toEqual(["data.more: true published, nothing expected"]);
});

describe("what cannot be there yet or any more", () => {
  test("is told apart from what is missing", async () => {
    const messages: StoredMessage[] = [];
    for await (const message of out.read()) messages.push(message);
    const cut = (messages[Math.floor(messages.length / 2)] as StoredMessage).time;
    const kept = messages.filter(({ time }) => time >= cut);
    const aged = { ...inMemory(out, () => kept), from: cut };
    const late = await verdictOn({ out: aged });
    expect(late).toMatchObject({ equal: true, extra: 0, missing: 0 });
    expect(late.agedOut).toBe(messages.length - kept.length);

    const lost = messages.filter(({ time }) => time < cut);
    const settled = { IN: MAX_TIME, OUT: 0 as EventTime };
    const lately = await verdictOn({ out: inMemory(out, () => lost), settled });
    expect(lately).toMatchObject({ equal: true, inFlight: messages.length - lost.length });
    const missing = await verdictOn({ out: inMemory(out, () => lost) });
    expect(missing).toMatchObject({ equal: false, missing: messages.length - lost.length });
  });

  test("nothing is said of outputs behind the end of IN, and nothing without its beginning", async () => {
    const stop = { ...inMemory(intake), until: 0 as EventTime };
    const added = inMemory(out, (messages) => [
      ...messages,
      { ...(messages[0] as StoredMessage), headers: { "ce-id": ["later"] }, seq: 1_000_000 },
    ]);
    expect(await verdictOn({ intake: stop, out: added })).toMatchObject({ equal: true, beyond: 1 });
    await expect(verdictOn({ intake: { ...intake, from: 5 as EventTime } })).rejects.toMatchObject({
      code: "LOG_INCOMPLETE",
    });
  });
});

test("an engine that runs on the broker's time is equal while it runs, ticks and all", async () => {
  const live = await TestServer.start();
  const client = await connect({ servers: live.url });
  const running = await startTestEngine({ url: live.url, settings: FEW_GROUPS });
  try {
    const js = client.jetstream();
    for (let i = 0; i < 300; i += 1) {
      const ids = [{ k: "unionid", v: `person-${i % 20}` }];
      const props = { sku: `s-${i % 7}`, line: "premium", section: "spec" };
      const view = { id: `e-${i}`, type: "product.viewed", ts: Date.now() - (i % 5), ids, props };
      await js.publish("freshet.in.event.mp.product.viewed", JSON.stringify(view));
      if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 1200));
    }
    const log = { prefix: "freshet", log: makeLog("silent") };
    const { job } = await openShipped({ settings: FEW_GROUPS });
    const outNow = await BrokerLog.open(client, { stream: "FRESHET_OUT", ...log });
    const inNow = await BrokerLog.open(client, { stream: "FRESHET_IN", ...log });
    const settled = minus(outNow.until, seconds(5));
    const verdict = await verify({
      definition: job,
      scoring: new InlineScoring(scoringFunctions),
      intake: inNow,
      out: outNow,
      settled: { IN: settled, OUT: settled },
      examples: 3,
    });
    expect(verdict.examples).toEqual([]);
    expect(verdict).toMatchObject({ equal: true, missing: 0, extra: 0, twice: 0 });
    expect(verdict.same).toBeGreaterThan(10);
  } finally {
    await running.stop();
    await client.close();
    await live.stop();
  }
});

describe("freshet verify", () => {
  const settled = ["--settle", "0s", "--json"];
  const run = (command: string, ...words: string[]) =>
    runCli([command, "--config", shop.config.folder, ...words], {
      env: { NATS_URL: shop.server.url },
    });

  test("against the broker, against dumps, against dumps in parts: equal, 0", async () => {
    const [to, outTo] = [join(folder, "in.dump.gz"), join(folder, "out.dump.gz")];
    expect((await run("dump", "--to", to, "--out", outTo)).code).toBe(0);
    let middle = 0;
    for await (const { time, seq } of intake.read()) if (seq === 300) middle = time;
    const cut = new Date(middle).toISOString();
    const parts = [join(folder, "1.dump"), join(folder, "2.dump")] as const;
    expect((await run("dump", "--to", parts[0], "--until", cut)).code).toBe(0);
    expect((await run("dump", "--to", parts[1], "--from", cut)).code).toBe(0);
    for (const words of [[], ["--in", to, "--out", outTo], ["--in", ...parts]]) {
      const { code, stdout, stderr } = await run("verify", ...settled, ...words);
      expect(code, `${stdout}${stderr}`).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ equal: true, ...CLEAN });
    }
    const { code, stdout } = await run("verify");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/\nequal\n$/)]);
    const later = await run("verify", "--in", parts[1]);
    expect([later.code, later.stderr]).toEqual([1, expect.stringContaining("LOG_INCOMPLETE")]);
  });

  test("names one that was deleted, one that was changed and one that was added: 1", async () => {
    const jsm = await shop.nc.jetstreamManager();
    const js = shop.nc.jetstream();
    const all: StoredMessage[] = [];
    for await (const message of out.read()) all.push(message);
    const [gone, changed] = [all[10] as StoredMessage, all[20] as StoredMessage];
    await jsm.streams.deleteMessage("FRESHET_OUT", gone.seq);
    await jsm.streams.deleteMessage("FRESHET_OUT", changed.seq);
    const said = headers();
    for (const name of ["ce-id", "ce-time"]) said.set(name, headerOf(changed, name) ?? "");
    const forged = JSON.stringify({ ...json(changed), person: "p_0000000000000000" });
    await js.publish(`freshet.${changed.subject}`, forged, { headers: said });
    const { seq } = await js.publish("freshet.restock.nowhere", "{}");
    const { code, stdout } = await run("verify", ...settled);
    expect(code).toBe(1);
    const verdict = JSON.parse(stdout) as Verdict;
    expect(verdict).toMatchObject({ equal: false, missing: 1, extra: 1, different: 1, twice: 0 });
    expect(verdict.examples).toContainEqual(
      expect.objectContaining({
        kind: "missing",
        id: headerOf(gone, "ce-id"),
        subject: gone.subject,
        data: json(gone),
      }),
    );
    expect(verdict.examples).toContainEqual(
      expect.objectContaining({
        kind: "different",
        id: headerOf(changed, "ce-id"),
        differences: [expect.stringMatching(/^data\.person: "p_0000000000000000" published/)],
      }),
    );
    expect(verdict.examples).toContainEqual(
      expect.objectContaining({ kind: "extra", at: { log: "OUT", seq } }),
    );
    const plain = await run("verify", "--settle", "0s");
    expect([plain.code, plain.stdout]).toEqual([1, expect.stringMatching(/\nNOT EQUAL\n$/)]);
  });
});
