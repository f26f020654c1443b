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
import { BUILT_MAIN, CONFIG_DIR, configWith, type TestConfig } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";

type Fields = Readonly<Record<string, unknown>>;
interface Told extends Fields {
  readonly person: string | null;
  readonly error?: { readonly code: string };
  readonly segments: readonly Fields[];
  readonly rules: readonly Fields[];
  readonly decisions: readonly (Fields & { readonly rec_id: string | null })[];
  readonly retold: readonly Fields[];
}

const T = SHOP_OPENS + minutes(30);
const WHO = { k: "unionid", v: "o-whom-we-explain" };
let server: TestServer;
let engine: TestEngine;
let config: TestConfig;
let nc: NatsConnection;
let happened = 0;

const ask = async (body: unknown): Promise<Told> =>
  (await nc.request("freshet.ask.explain", JSON.stringify(body), { timeout: 5000 })).json();

async function acts(type: string, props: object): Promise<void> {
  happened += 1;
  const at = T + happened * 1000;
  const event = {
    id: `x-${happened}`,
    type,
    ts: at,
    recv: at,
    touchpoint: "mp",
    ids: [WHO],
    props,
  };
  await nc.jetstream().publish(`freshet.in.event.mp.${type}`, JSON.stringify(event));
}
const freshet = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [BUILT_MAIN, "explain", ...args], {
    env: { ...process.env, NATS_URL: server.url },
  });

beforeAll(async () => {
  server = await TestServer.start();
  config = configWith({ "time.trust_recv": true });
  engine = await startTestEngine({ url: server.url, trustRecv: true });
  nc = await connect({ servers: server.url });
  const goods = { sku: "sku-1", line: "premium", category: "tents" };
  for (let i = 0; i < 3; i += 1) await acts("product.viewed", goods);
  await acts("order.received", { order_id: "o-1", sku: "sku-1" });
  await acts("page.viewed", { path: "pages/home" });
  await untilQuiet(nc, engine.metrics);
});

afterAll(async () => {
  await nc?.close();
  await engine?.stop();
  config?.remove();
  await server?.stop();
});

test("D02: ask.explain tells of a person and of a decision, as the published schema has it", async () => {
  const text = readFileSync(join(CONFIG_DIR, "schemas", "explain.schema.json"), "utf8");
  const schema = Compile(JSON.parse(text) as TSchema);
  const told = await ask({ ids: [WHO] });
  expect([...schema.Errors(told)]).toEqual([]);
  expect(await ask({ person: told.person })).toEqual(told);
  expect(JSON.stringify(told)).not.toMatch(/whom-we-explain/);
  const interest = told.segments.find(({ segment }) => segment === "high_value_interest");
  expect(interest).toMatchObject({
    member: true,
    when: { of: [{ have: 3, need: 3 }, { have: 0 }] },
  });
  const only = await ask({ person: told.person, of: "high_value_interest" });
  expect(only).toMatchObject({ segments: [interest], rules: [], decisions: [] });
  const sent = told.decisions.find(({ rule }) => rule === "post_tutorial");
  expect(sent).toMatchObject({ outcome: "sent", reason: { evidence: [{ id: "x-4" }] } });
  const decision = await ask({ rec_id: sent?.rec_id });
  expect([...schema.Errors(decision)]).toEqual([]);
  expect(decision).toMatchObject({
    person: told.person,
    decisions: [sent],
    rules: [{ rule: "post_tutorial" }],
  });
});

test("nobody and no such decision are told apart from what is no request", async () => {
  expect(await ask({ person: "p_0000000000000000" })).toMatchObject({ person: null });
  expect(await ask({ rec_id: "r_0000000000000000_000000000000" })).toMatchObject({ person: null });
  for (const body of [{}, { rec_id: "x" }, { person: "sku-1" }, { ids: [WHO], of: 1 }])
    expect((await ask(body)).error?.code).toBe("BAD_REQUEST");
});

test("D02: freshet explain asks the engine, and makes a decision again from the stored log", async () => {
  const now = await freshet("unionid=o-whom-we-explain", "--json");
  const told = JSON.parse(now.stdout) as Told;
  expect(told).toEqual(await ask({ ids: [WHO] }));
  const rec = told.decisions.find(({ outcome }) => outcome === "sent")?.rec_id ?? "";
  const again = await freshet(rec, "--config", config.folder);
  expect(again.stdout).toContain("the very bytes that were published");
  expect(again.stdout).toMatch(/order\.received +x-4/);
  const past = await freshet(
    ...["unionid=o-whom-we-explain", "--config", config.folder, "--json"],
    ...["--at", new Date(T + 2500).toISOString()],
  );
  const then = JSON.parse(past.stdout) as Told;
  const interest = then.segments.find(({ segment }) => segment === "high_value_interest");
  expect(interest).toMatchObject({ member: false, when: { of: [{ have: 2, need: 3 }, {}] } });
  await expect(freshet("unionid=o-never-met")).rejects.toMatchObject({ code: 1 });
});

test("D02: of who was erased nothing is explained any more", async () => {
  const { person, decisions } = await ask({ ids: [WHO] });
  const at = T + 60_000;
  const request = { id: "ask-delete", ts: at, recv: at, ids: [WHO] };
  await nc.jetstream().publish("freshet.in.privacy.request.delete", JSON.stringify(request));
  await untilQuiet(nc, engine.metrics);
  const rec = decisions.find(({ outcome }) => outcome === "sent")?.rec_id;
  for (const body of [{ ids: [WHO] }, { person }, { rec_id: rec }])
    expect(await ask(body)).toMatchObject({ person: null });
  const { stdout } = await freshet(String(rec), "--config", config.folder).catch(
    (failed: { readonly stdout: string }) => failed,
  );
  expect(stdout).toBe("nobody, or no such decision, is known by that\n");
});
