import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsConnection } from "nats";
import { afterEach, expect, test } from "vitest";
import { startTestEngine, type TestEngine } from "../support/engine.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { fed, published } from "../support/evidence.ts";
import { TestServer } from "../support/nats-server.ts";

/** One of each kind; nothing else of the test is spelt like them. */
const RAW = {
  unionid: "o6RAWunionidOfAnna",
  "openid:wx1": "oRAWopenidOfAnna",
  external_userid: "wmRAWexternalOfAnna",
  login: "RAWloginOfAnna",
  mobile_hash: "RAWmobileHashOfAnna",
  device: "RAWdeviceOfAnna",
  anon: "RAWanonymousOfAnna",
} as const;
const IDS = Object.entries(RAW).map(([k, v]) => ({ k, v }));
const settings = {
  "collect.keep_raw": "1s",
  "state.checkpoint_every": "1s",
  groups: 2,
  demand_groups: 1,
};

let server: TestServer | undefined;
let engine: TestEngine | undefined;
let nc: NatsConnection | undefined;
afterEach(async () => {
  await nc?.close();
  await engine?.stop();
  await server?.stop();
});

/** Files of the broker's store, as they lie on the disk, that hold one of the texts. */
function filesWith(folder: string, texts: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path);
      return texts.some((text) => bytes.includes(text));
    });
}

const stateOf = async (connection: NatsConnection, log: string) =>
  (await (await connection.jetstreamManager()).streams.info(`FRESHET_${log}`)).state;

test("D03: once messages are read and old enough, no file of an unencrypted store has an identifier", async () => {
  // In clear on the disk: what is found there is all that there is.
  server = await TestServer.start();
  const store = join(server.folder, "store");
  engine = await startTestEngine({ url: server.url, settings });
  nc = await connect({ servers: server.url });
  const heard: unknown[] = [];
  nc.subscribe("freshet.segment.>", { callback: (_, message) => void heard.push(message.json()) });
  for (let i = 0; i < 4; i += 1) {
    const event = {
      id: `raw-${i}`,
      type: i === 3 ? "cart.added" : "product.viewed",
      ts: Date.now(),
      touchpoint: "mp",
      ids: IDS.slice(0, i + 4),
      props: { sku: "sku-1", line: "premium", category: "tents" },
    };
    await nc.jetstream().publish(`freshet.in.event.mp.${event.type}`, JSON.stringify(event));
    fed(1);
  }
  await untilQuiet(nc, engine.metrics);
  expect(filesWith(store, Object.values(RAW))).not.toEqual([]);
  expect(published(heard).length).toBeGreaterThan(0);

  // Ticks go on behind them; what is past the checkpoint goes within two looks of the engine.
  const last = (await stateOf(nc, "IN")).last_seq;
  const deadline = Date.now() + 90_000;
  while ((await stateOf(nc, "IN")).first_seq <= last) {
    if (Date.now() > deadline) throw new Error(`the messages up to ${last} of IN are still there`);
    await sleep(200);
  }
  expect((await stateOf(nc, "STATE")).messages).toBeGreaterThan(0);
  const profile = await nc.request("freshet.ask.profile", JSON.stringify({ ids: IDS }));
  expect(published([profile.json<{ person: string }>()])[0]?.person).toMatch(/^p_/);
  await engine.stop();
  engine = undefined;
  await nc.close();
  nc = undefined;
  await server.down();
  expect(filesWith(store, Object.values(RAW))).toEqual([]);
});
