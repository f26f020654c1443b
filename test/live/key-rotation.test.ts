import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Verdict } from "../../src/replay/verify.ts";
import { runCli } from "../support/engine-process.ts";
import { untilCaughtUp } from "../support/engine-quiet.ts";
import { configWith, type TestConfig } from "../support/job.ts";
import { LiveEngine } from "../support/live-engine.ts";
import { readStream } from "../support/oracle.ts";

/** A tenant key is changed, the engine is killed soon after it, and raw records go while it runs. */

const SECRETS = {
  KEY_ONE: "the first secret of this shop",
  KEY_TWO: "the second secret of this shop",
};
const FEW = { "state.checkpoint_every": "1s", groups: 2, demand_groups: 1 };
const [ANNA, BERT, CARL] = ["anna", "bert", "carl"].map((v) => ({ k: "unionid", v: `o-${v}` }));
const configs: TestConfig[] = [];
let live: LiveEngine;
let nc: NatsConnection;
let said = 0;

beforeAll(async () => {
  live = await LiveEngine.open(SECRETS);
  nc = live.nc;
});
afterAll(async () => {
  await live?.close();
  for (const config of configs) config.remove();
});

function withKeys(collect: object): TestConfig {
  const config = configWith({ ...FEW, collect });
  configs.push(config);
  return config;
}
const start = (config: TestConfig) => live.start(config);
const quiet = () => untilCaughtUp(nc, live.metrics);
async function acts(id: object | undefined, type = "product.viewed"): Promise<void> {
  said += 1;
  const props = { sku: "sku-1", line: "premium", category: "tents" };
  const event = { id: `k-${said}`, type, ts: Date.now(), touchpoint: "mp", ids: [id], props };
  await nc.jetstream().publish(`freshet.in.event.mp.${type}`, JSON.stringify(event));
}
async function person(id: object | undefined): Promise<string | null> {
  const asked = await nc.request("freshet.ask.profile", JSON.stringify({ ids: [id] }));
  return asked.json<{ person: string | null }>().person;
}
const keysTold = async () =>
  (await readStream(nc, "FRESHET_IN")).filter(({ subject }) => subject === "in.key").length;

test("a new tenant key: whoever is known keeps the pseudonym, through a kill; the log gives the same outputs", async () => {
  const one = withKeys({ tenant_key_env: "KEY_ONE" });
  const two = withKeys({ tenant_key_env: "KEY_TWO", previous_key_env: "KEY_ONE" });
  let cli = await start(one);
  for (const id of [ANNA, BERT]) for (let i = 0; i < 3; i += 1) await acts(id);
  await quiet();
  const known = [await person(ANNA), await person(BERT)];
  expect(known.every((name) => name !== null)).toBe(true);
  expect((await cli.end()).code).toBe(0);

  cli = await start(two);
  expect(await keysTold()).toBe(1);
  await acts(ANNA, "cart.added");
  await acts(CARL);
  // Before the checkpoint: what the key in force is has to come from the log again.
  expect((await cli.end("SIGKILL")).signal).toBe("SIGKILL");
  cli = await start(two);
  await acts(ANNA);
  await acts(BERT, "cart.added");
  await quiet();
  const carl = await person(CARL);
  expect([await person(ANNA), await person(BERT)]).toEqual(known);
  expect(carl).toMatch(/^p_/);
  await sleep(3000);
  expect((await cli.end()).code).toBe(0);

  const words = ["verify", "--config", two.folder, "--settle", "3s", "--json"];
  const { stdout } = await runCli(words, { env: live.env });
  expect(JSON.parse(stdout) as Verdict).toMatchObject({ equal: true, erased: 0, unsettled: 0 });
  // Without the key that the log began under, it cannot be read.
  const three = withKeys({ tenant_key_env: "KEY_TWO" });
  const blind = await runCli(["verify", "--config", three.folder], { env: live.env });
  expect([blind.code, blind.stdout]).toEqual([1, expect.stringMatching(/\nNOT EQUAL\n$/)]);

  // From here on raw records go; a kill in between loses nobody.
  const short = withKeys({
    ...{ tenant_key_env: "KEY_TWO", previous_key_env: "KEY_ONE" },
    keep_raw: "1s",
  });
  cli = await start(short);
  const last = async () => (await (await nc.jetstreamManager()).streams.info("FRESHET_IN")).state;
  const then = (await last()).last_seq;
  const deadline = Date.now() + 90_000;
  while ((await last()).first_seq <= then) {
    if (Date.now() > deadline) throw new Error(`the messages up to ${then} of IN are still there`);
    await sleep(200);
  }
  await acts(ANNA);
  expect((await cli.end("SIGKILL")).signal).toBe("SIGKILL");
  cli = await start(short);
  await acts(CARL);
  await quiet();
  expect([await person(ANNA), await person(BERT), await person(CARL)]).toEqual([...known, carl]);
  const told = await runCli(["verify", "--config", short.folder], { env: live.env });
  expect([told.code, told.stderr]).toEqual([1, expect.stringContaining("LOG_INCOMPLETE")]);
}, 400_000);
