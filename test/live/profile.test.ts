import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect, type NatsConnection } from "nats";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { afterAll, beforeAll, expect, test } from "vitest";
import { minutes } from "../../src/time/event-time.ts";
import { startTestEngine, type TestEngine } from "../support/engine.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { SHOP_OPENS } from "../support/events.ts";
import { BUILT_MAIN, CONFIG_DIR } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";

interface Profile {
  readonly person: string | null;
  readonly error?: { readonly code: string };
  readonly counters: Readonly<Record<string, number>>;
}

const T = SHOP_OPENS + minutes(30);
const UNION = { k: "unionid", v: "o-whom-we-describe" };
const OPEN = { k: "openid:wx1", v: "open-whom-we-describe" };
let server: TestServer;
let engine: TestEngine;
let nc: NatsConnection;
let asked = 0;

const ask = async (body: unknown): Promise<Profile> =>
  (await nc.request("freshet.ask.profile", JSON.stringify(body), { timeout: 5000 })).json();

async function acts(type: string, props: object, ids: readonly object[] = [UNION]): Promise<void> {
  asked += 1;
  const at = T + asked * 1000;
  const event = { id: `p-${asked}`, type, ts: at, recv: at, touchpoint: "mp", ids, props };
  await nc.jetstream().publish(`freshet.in.event.mp.${type}`, JSON.stringify(event));
}

beforeAll(async () => {
  server = await TestServer.start();
  engine = await startTestEngine({ url: server.url, trustRecv: true });
  nc = await connect({ servers: server.url });
  await acts("product.viewed", { sku: "sku-1", category: "tents" }, [UNION, OPEN]);
  await acts("product.viewed", { sku: "sku-1", category: "tents" });
  await acts("cart.added", { sku: "sku-1" });
  await acts("survey.answered", { topic: "home", attribute: "household", value: "3" });
  await untilQuiet(nc, engine.metrics);
});

afterAll(async () => {
  await nc?.close();
  await engine?.stop();
  await server?.stop();
});

test("C15: one document as the published schema has it, found by identifier and by person", async () => {
  const text = readFileSync(join(CONFIG_DIR, "schemas", "profile.schema.json"), "utf8");
  const schema = Compile(JSON.parse(text) as TSchema);
  const profile = await ask({ ids: [OPEN] });
  expect([...schema.Errors(profile)]).toEqual([]);
  expect(await ask({ person: profile.person })).toEqual(profile);
  expect(profile).toMatchObject({
    person: expect.stringMatching(/^p_[0-9a-f]{16}$/),
    version: 1,
    ids: { unionid: [expect.any(String)], "openid:wx1": [expect.any(String)] },
    counters: { "product.viewed": 2, "cart.added": 1 },
    traits: { household: "3", origin: "mp" },
    consent: { purposes: { profiling: { granted: true } } },
    seq: expect.any(Number),
  });
  // What knows no key of the schema is found out.
  expect(schema.Check({ ...profile, openid: "x" })).toBe(false);
});

test("a profile changes nothing, holds no identifier, and says so when nobody is known", async () => {
  const profile = await ask({ ids: [UNION] });
  expect(JSON.stringify(profile)).not.toMatch(/whom-we-describe/);
  expect(await ask({ ids: [UNION] })).toEqual(profile);
  const stranger = { ids: [{ k: "unionid", v: "o-never-met" }] };
  expect(await ask(stranger)).toMatchObject({ person: null });
  expect(await ask({ person: "p_0000000000000000" })).toMatchObject({ person: null });
  for (const body of [{}, [], { person: "sku-1" }]) {
    expect((await ask(body)).error?.code).toBe("BAD_REQUEST");
  }
});

test("freshet profile prints it for people, and as JSON", async () => {
  const freshet = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [BUILT_MAIN, "profile", ...args], {
      env: { ...process.env, NATS_URL: server.url },
    });
  const { stdout } = await freshet("unionid=o-whom-we-describe", "--json");
  expect(JSON.parse(stdout)).toEqual(await ask({ ids: [UNION] }));
  const told = await freshet("unionid=o-whom-we-describe");
  expect(told.stdout).toMatch(/^counters$/m);
  expect(told.stdout).toMatch(/^ {2}product\.viewed {2}2$/m);
  await expect(freshet("unionid=o-never-met")).rejects.toMatchObject({ code: 1 });
});
