import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { textOf } from "../support/engine.ts";
import { Cli, runCli } from "../support/engine-process.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { configWith, type TestConfig } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";
import { readStream } from "../support/oracle.ts";

/** Counts a person's views. It breaks on goods the catalog does not name, and whenever its timer fires. */
const COUNTING = `export const spec = {
  name: "counting", flow: "shopper", summary: "Counts views.", from: ["events"],
  options: { type: "object", properties: {} },
  make: () => ({
    name: "counting", version: 1, order: "arrival",
    key: (event) => event.type === "product.viewed" ? event.person : undefined,
    init: () => ({ views: 0 }),
    onEvent({ person, props: { sku } }, state, ctx) {
      state.views += 1;
      if (ctx.facts.get("catalog", sku) === undefined) throw new Error("no catalog entry for " + sku);
      if (sku === "ticking") ctx.setTimer("tick", ctx.now + 1000);
      ctx.emit({ person, sku, views: state.views });
      return state;
    },
    onTimer() { throw new Error("tick"); },
    publish: (out) => ({ subject: "tag.views.on", data: out }),
  }),
};`;
/** Gets what the other emits under another key, and breaks on some of it. */
const SHARING = `export const spec = {
  name: "sharing", flow: "shopper", summary: "Takes its share.", from: ["counting"],
  options: { type: "object", properties: {} },
  make: () => ({
    name: "sharing", version: 1, order: "arrival",
    key: ({ sku }) => sku,
    init: () => ({}),
    onEvent({ sku }, state) {
      if (sku === "shared") throw new Error("not shared");
      return state;
    },
  }),
};`;

let config: TestConfig;
let server: TestServer;
let engine: Cli;
let nc: NatsConnection;
let metrics: () => Promise<string>;

function addOperators(folder: string): void {
  const path = join(folder, "freshet.yaml");
  const job = parse(readFileSync(path, "utf8")) as { operators: Record<string, object> };
  job.operators["shopper"] = {
    ...job.operators["shopper"],
    counting: { module: "./counting.mjs" },
    sharing: { module: "./sharing.mjs" },
  };
  writeFileSync(path, stringify(job));
  writeFileSync(join(folder, "counting.mjs"), COUNTING);
  writeFileSync(join(folder, "sharing.mjs"), SHARING);
}

const START = Date.parse("2026-09-12T13:00:00Z");
const SECRET = "o-secret-unionid-of-anna";
let said = 0;

async function say(subject: string, body: unknown): Promise<number> {
  const data = typeof body === "string" ? body : JSON.stringify(body);
  said += 1;
  const { seq } = await nc.jetstream().publish(`freshet.${subject}`, data, { msgID: `t-${said}` });
  return seq;
}
const viewed = (id: string, second: number, sku: string) => ({
  id,
  type: "product.viewed",
  ts: START + second * 1000,
  touchpoint: "mp",
  ids: [{ k: "unionid", v: SECRET }],
  props: { sku },
});
const know = (sku: string) => say(`in.fact.catalog.${sku}`, { sku, line: "any" });

/** `sku views`, in the order of publication. */
async function counted(): Promise<string[]> {
  await untilQuiet(nc, metrics);
  const out = await readStream(nc, "FRESHET_OUT");
  return out
    .filter(({ subject }) => subject === "tag.views.on")
    .map(({ data }) => JSON.parse(Buffer.from(data).toString()) as Record<string, unknown>)
    .map(({ sku, views }) => `${sku} ${views}`);
}

const run = (command: string, ...words: string[]) =>
  runCli([...command.split(" "), ...words, "--config", config.folder], {
    env: { NATS_URL: server.url },
  });
async function listed(...words: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await run("deadletter list", "--json", ...words);
  expect(code, stderr).toBe(0);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
const idOf = (letter: Record<string, unknown> | undefined) => String(letter?.["id"]);

beforeAll(async () => {
  config = configWith({ "time.trust_recv": true, groups: 2, demand_groups: 1 });
  addOperators(config.folder);
  server = await TestServer.start();
  nc = await connect({ servers: server.url });
  engine = new Cli(["start", "--config", config.folder, "--http-port", "0"], {
    env: { NATS_URL: server.url },
  });
  const started = await engine.runs();
  metrics = () => textOf(started.metrics);
});
afterAll(async () => {
  await engine.end("SIGKILL");
  await nc.close();
  await server.stop();
  config.remove();
});

describe("an event that breaks an operator", () => {
  test("is dead-lettered; the key is as before it and the flow goes on", async () => {
    await know("known");
    await say("in.event.mp.product.viewed", viewed("e-1", 1, "known"));
    await say("in.event.mp.product.viewed", [
      viewed("e-2", 2, "known"),
      { ...viewed("e-3", 3, "poison"), sent: START + 4000, recv: START + 5000 },
    ]);
    await say("in.event.mp.product.viewed", viewed("e-4", 6, "known"));
    expect(await counted()).toEqual(["known 1", "known 2", "known 3"]);
    const [letter, ...more] = await listed("--reason", "operator");
    expect(more).toEqual([]);
    const { code, stdout } = await run("deadletter show", idOf(letter).slice(0, 8));
    expect(code).toBe(0);
    expect(stdout).not.toContain(SECRET);
    expect(JSON.parse(stdout)).toMatchObject({
      reason: "operator",
      data: {
        operator: "counting",
        error: "no catalog entry for poison",
        stack: [expect.stringContaining("counting.mjs")],
        key: expect.stringMatching(/^p_[0-9a-f]{16}$/),
        event: { type: "product.viewed", clientId: "e-3", props: { sku: "poison" } },
      },
    });
  });

  test("is replayed once it can be handled, with its own time, and only once", async () => {
    const [letter] = await listed("--reason", "operator");
    const id = idOf(letter);
    const short = id.slice(0, 12);
    await know("poison");
    const first = await run("deadletter replay", id);
    expect([first.code, first.stdout], first.stderr).toEqual([
      0,
      expect.stringMatching(new RegExp(`^${short} {2}replayed as IN \\d+\n$`)),
    ]);
    expect(await counted()).toEqual(["known 1", "known 2", "known 3", "poison 4"]);
    const again = await run("deadletter replay", id);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("was replayed as IN")]);
    const all = await run("deadletter replay", "--all", "--reason", "operator");
    expect([all.code, all.stdout]).toEqual([0, ""]);
    expect(await counted()).toHaveLength(4);
    const intake = await readStream(nc, "FRESHET_IN");
    const sent = intake.filter(({ header }) => header("freshet-replay-of") === id);
    expect(sent.map(({ data }) => JSON.parse(Buffer.from(data).toString()))).toEqual([
      { ...viewed(`replay-${id}`, 4, "poison"), recv: START + 5000 },
    ]);
    const list = await run("deadletter list");
    expect(list.stdout).toContain(`${short}  `);
    expect(list.stdout).toContain(`(replayed as IN ${sent[0]?.seq})`);
  });

  test("a timer and a share of an event cannot be replayed, and it says why: 1", async () => {
    await know("shared");
    await know("ticking");
    await say("in.event.mp.product.viewed", viewed("e-5", 10, "ticking"));
    await say("in.event.mp.product.viewed", viewed("e-6", 11, "shared"));
    await say("in.event.mp.product.viewed", viewed("e-7", 60, "known"));
    await untilQuiet(nc, metrics);
    const { code, stdout } = await run("deadletter replay", "--all");
    expect(code).toBe(1);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.slice(12))
        .sort(),
    ).toEqual([
      "  cannot be replayed: a timer failed: there is no event to send again",
      "  cannot be replayed: the operator got it from another operator, and the rest of the event was applied",
    ]);
  });
});

test("with dead letters and replays, what was published is still what the log says", async () => {
  await untilQuiet(nc, metrics);
  const { code, stdout } = await run("verify", "--settle", "0s");
  expect([code, stdout]).toEqual([0, expect.stringMatching(/\nequal\n$/)]);
});

describe("what was refused at the door", () => {
  test("is sent again as it was sent; what is still refused is told again", async () => {
    const seq = await say("in.event.mp.test", [
      viewed("e-8", 61, "known"),
      { ...viewed("e-9", 62, "known"), type: "brand.new" },
    ]);
    await untilQuiet(nc, metrics);
    const before = await listed();
    const refused = before.filter(({ data }) => (data as { seq?: number }).seq === seq);
    expect(refused).toHaveLength(1);
    const id = idOf(refused[0]);
    const { code, stdout, stderr } = await run("deadletter replay", id);
    expect(code, stderr).toBe(0);
    const sent = Number(/IN (\d+)/.exec(stdout)?.[1]);
    await untilQuiet(nc, metrics);
    const stored = (await readStream(nc, "FRESHET_IN"))[sent - 1];
    expect(stored?.subject).toBe("in.event.mp.test");
    expect(JSON.parse(Buffer.from(stored?.data ?? []).toString())).toEqual([
      { ...viewed("e-9", 62, "known"), type: "brand.new" },
    ]);
    const after = await listed();
    expect(after).toHaveLength(before.length + 1);
    expect(after.at(-1)).toMatchObject({ data: { seq: sent, reason: refused[0]?.["reason"] } });
  });

  test("cannot be replayed when IN no longer has it: 1", async () => {
    const seq = await say("in.event.mp.test", "{not json");
    await untilQuiet(nc, metrics);
    const letter = (await listed()).find(({ data }) => (data as { seq?: number }).seq === seq);
    const jsm = await nc.jetstreamManager();
    const kept = await jsm.streams.getMessage("FRESHET_IN", { seq });
    expect(kept.seq).toBe(seq);
    await jsm.streams.deleteMessage("FRESHET_IN", seq);
    const { code, stdout } = await run("deadletter replay", idOf(letter));
    expect([code, stdout]).toEqual([1, expect.stringContaining("no longer on IN")]);
  });

  test("an id nobody has, or nothing named, is said", async () => {
    const unknown = await run("deadletter show", "nosuch");
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("LETTER_UNKNOWN")]);
    for (const words of [[], ["abc", "--all"]])
      expect((await run("deadletter replay", ...words)).code).toBe(2);
  });
});
