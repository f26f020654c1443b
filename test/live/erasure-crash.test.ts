import { setTimeout as sleep } from "node:timers/promises";
import { headers, type NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeIdentifier } from "../../src/codec/identifier.ts";
import { keyGroup } from "../../src/flow/key-group.ts";
import type { Verdict } from "../../src/replay/verify.ts";
import { type Cli, runCli } from "../support/engine-process.ts";
import { untilCaughtUp } from "../support/engine-quiet.ts";
import { configWith, openShipped, type TestConfig } from "../support/job.ts";
import { LiveEngine } from "../support/live-engine.ts";
import { readStream } from "../support/oracle.ts";

/** Somebody known under two names until they are linked leaves, and the engine is killed at it. */

/** On two threads: an erasure waits for the checkpoints of both. */
const settings = { "state.checkpoint_every": "1s", groups: 2, demand_groups: 1, threads: 2 };
const ANNA = { k: "unionid", v: "o-anna-who-leaves" };
/** Of another key group than Anna's: what was known of her moves. */
let ANNA_TOO = { k: "openid:wx-mp", v: "" };
const BERT = { k: "unionid", v: "o-bert-who-stays" };
let config: TestConfig;
let live: LiveEngine;
let nc: NatsConnection;
let said = 0;

beforeAll(async () => {
  config = configWith(settings);
  const { tenantKey = "" } = (await openShipped()).config.job.collect;
  const identifier = makeIdentifier({ key: tenantKey });
  const groupOf = ({ k, v }: { k: string; v: string }) =>
    keyGroup(`p_${identifier.identify(k, v).slice(0, 16)}`, settings.groups);
  for (let i = 0; ANNA_TOO.v === "" || groupOf(ANNA_TOO) === groupOf(ANNA); i += 1)
    ANNA_TOO = { ...ANNA_TOO, v: `o-anna-before-${i}` };
  live = await LiveEngine.open();
  nc = live.nc;
});
afterAll(async () => {
  await live?.close();
  config?.remove();
});

const start = () => live.start(config);
const quiet = () => untilCaughtUp(nc, live.metrics);

async function acts(ids: readonly object[], type: string, props: object): Promise<void> {
  said += 1;
  const event = { id: `er-${said}`, type, ts: Date.now(), touchpoint: "mp", ids, props };
  await nc.jetstream().publish(`freshet.in.event.mp.${type}`, JSON.stringify(event));
}
const personOf = async (id: object) => {
  const asked = await nc.request("freshet.ask.profile", JSON.stringify({ ids: [id] }));
  return asked.json<{ person: string | null }>().person;
};
/** Kills the engine as it is about to overwrite a message of this log, so many into it. */
async function killedAt(cli: Cli, log: string, nth: number): Promise<void> {
  const deletions = nc.subscribe(`$JS.API.STREAM.MSG.DELETE.FRESHET_${log}`, { max: nth });
  for await (const _ of deletions);
  expect((await cli.end("SIGKILL")).signal).toBe("SIGKILL");
}
async function holding(log: string, text: string): Promise<string[]> {
  const stored = await readStream(nc, `FRESHET_${log}`);
  return stored
    .filter(({ data }) => Buffer.from(data).toString("latin1").includes(text))
    .map(({ subject }) => subject);
}
async function verified(): Promise<Verdict> {
  const words = ["verify", "--config", config.folder, "--settle", "3s", "--json"];
  const { stdout, stderr } = await runCli(words, { env: live.env });
  expect(stderr).not.toMatch(/error/);
  return JSON.parse(stdout) as Verdict;
}

test("D02: an engine that is killed while it erases somebody leaves nothing of them; verify still finds an extra", async () => {
  let cli = await start();
  for (const id of [BERT, ANNA, ANNA_TOO]) {
    for (let i = 0; i < 3; i += 1)
      await acts([id], "product.viewed", { sku: "sku-1", line: "premium", category: "tents" });
    await acts([id], "cart.added", { sku: "sku-1" });
  }
  await quiet();
  const names = [await personOf(ANNA), await personOf(ANNA_TOO)].map((name) => name ?? "none");
  const bert = (await personOf(BERT)) ?? "none";
  await acts([ANNA, ANNA_TOO], "id.link", {});
  await acts([ANNA_TOO], "product.viewed", { sku: "sku-2" });
  await quiet();
  expect(await personOf(ANNA_TOO)).toBe(names[0]);
  for (const name of names) {
    expect(await holding("OUT", name)).not.toEqual([]);
    expect(await holding("EVENTS", name)).not.toEqual([]);
  }
  expect(await readStream(nc, "FRESHET_MOVES")).not.toEqual([]);

  const request = JSON.stringify({ id: "leave-1", ids: [ANNA] });
  await nc.jetstream().publish("freshet.in.privacy.request.delete", request);
  const noted = nc.subscribe("freshet.audit.erasure.*", { max: 1 });
  for (const [log, nth] of [
    ["IN", 2],
    ["EVENTS", 2],
    ["OUT", 3],
  ] as const) {
    await killedAt(cli, log, nth);
    cli = await start();
  }
  for await (const message of noted) expect(message.json()).toMatchObject({ person: names[0] });

  for (const id of [ANNA, ANNA_TOO]) expect(await personOf(id)).toBeNull();
  expect(await personOf(BERT)).toBe(bert);
  for (const raw of [ANNA.v, ANNA_TOO.v]) expect(await holding("IN", raw)).toEqual([]);
  expect(await holding("IN", BERT.v)).toHaveLength(4);
  expect(await readStream(nc, "FRESHET_MOVES")).toEqual([]);
  for (const name of names) {
    const told = await holding("OUT", name.slice(2));
    expect(told.filter((subject) => !/^(privacy|audit)\./.test(subject))).toEqual([]);
    // The record that made the person forgotten, which is the last of its frame's subject, may stay.
    expect((await holding("EVENTS", name)).length).toBeLessThanOrEqual(1);
    expect(await holding("DEMAND", name)).toEqual([]);
    const states = await holding("STATE", name);
    expect(states.filter((subject) => !subject.startsWith("state.collect."))).toEqual([]);
  }

  // Of the one who stays more is said after it; and the engine stops in order.
  await acts([BERT], "cart.added", { sku: "sku-2" });
  await quiet();
  await sleep(4000);
  expect((await cli.end()).code).toBe(0);
  const verdict = await verified();
  expect(verdict.examples).toEqual([]);
  expect(verdict).toMatchObject({ equal: true, erased: 11 });
  expect(verdict.same).toBeGreaterThan(5);

  const stored = await readStream(nc, "FRESHET_OUT");
  const theirs = stored.filter(({ data }) => Buffer.from(data).toString().includes(bert));
  expect(theirs.length).toBeGreaterThan(3);
  for (const [i, { subject, data, header }] of theirs.entries()) {
    const about = headers();
    for (const name of ["ce-time", "ce-causationid", "freshet-group", "freshet-stored"])
      about.set(name, header(name) ?? "");
    about.set("ce-id", `planted-${i}`);
    await nc.jetstream().publish(`freshet.${subject}`, data, { headers: about });
  }
  expect(await verified()).toMatchObject({
    equal: false,
    extra: theirs.length,
    unsettled: verdict.unsettled,
  });
}, 400_000);
