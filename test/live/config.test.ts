import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Cli, runCli } from "../support/engine-process.ts";
import { fed, published } from "../support/evidence.ts";
import { configWith, type TestConfig } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";

/** A running engine whose configuration is changed, as people do it. */

vi.setConfig({ testTimeout: 240_000 });

/** A guard against what never comes: on a busy machine a command alone takes seconds. */
const SOON_MS = 120_000;

interface Entry {
  readonly generation: number;
  readonly by: string;
  readonly note: string;
  readonly state: string;
  readonly restores: number | null;
}

let server: TestServer;
let nc: NatsConnection;
let config: TestConfig;
let engine: Cli;
let events = 0;
const heard: { readonly subject: string; readonly data: Readonly<Record<string, unknown>> }[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  nc = await connect({ servers: server.url });
  config = configWith({ "state.checkpoint_every": "1s" });
  const listen = async () => {
    for await (const { subject, data } of nc.subscribe("freshet.*.>")) {
      if (/^freshet\.(segment|audit)\./.test(subject))
        heard.push({ subject, data: JSON.parse(Buffer.from(data).toString()) });
    }
  };
  void listen();
  engine = await start();
});

afterAll(async () => {
  await engine?.end("SIGKILL");
  await nc?.close();
  await server?.stop();
  config?.remove();
});

async function start(): Promise<Cli> {
  const words = ["start", "--config", config.folder, "--http-port", "0"];
  const cli = new Cli(words, { env: { NATS_URL: server.url } });
  await cli.said(/"freshet runs"/);
  return cli;
}

const freshet = (...words: readonly string[]) => runCli(words, { env: { NATS_URL: server.url } });

async function said<T>(...words: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await freshet("config", ...words, "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

/** Changes a file of the engine's folder. */
function edit(file: string, from: string, to: string): void {
  const path = join(config.folder, file);
  const text = readFileSync(path, "utf8");
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

const DAY = 86_400_000;
const THREE = "premium_view, within: 30d, at_least: 3";
const TWO = "premium_view, within: 30d, at_least: 2";

async function looks(person: string, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    events += 1;
    const ids = [{ k: "unionid", v: person }];
    const props = { sku: "s1", line: "premium" };
    const event = { id: `c-${events}`, type: "product.viewed", ts: Date.now(), ids, props };
    await nc.jetstream().publish("freshet.in.event.mp.product.viewed", JSON.stringify(event));
  }
  fed(times);
}

const entries = () =>
  heard.filter(({ subject }) => subject === "freshet.segment.high_value_interest.entered");

test("F14, F15: a definition changes under an engine that runs, and who did it is told", async () => {
  await looks("before", 2);
  edit("segments.yaml", THREE, TWO);
  const dry = await said<object>("apply", config.folder, "--dry-run");
  expect(dry).toMatchObject({
    applied: false,
    generation: 0,
    looksBack: [{ file: "segments", id: "high_value_interest", window: 30 * DAY, known: 0 }],
  });
  const applied = await said<object>("apply", config.folder, "--by", "lin", "--note", "two do");
  expect(applied).toMatchObject({
    generation: 1,
    inForce: true,
    applied: true,
    changes: { segments: { changed: ["high_value_interest"], added: [], removed: [] } },
  });
  await looks("after", 2);
  await vi.waitFor(() => expect(published(entries()).length).toBeGreaterThan(0), SOON_MS);
  expect(published(entries())[0]?.data).toMatchObject({ reason: "count" });
  const audit = published(heard).filter(
    ({ subject }) => subject === "freshet.audit.config.applied",
  );
  expect(audit).toMatchObject([{ data: { generation: 1, by: "lin", note: "two do" } }]);
  // The same again is nothing new.
  expect(await said("apply", config.folder)).toMatchObject({ generation: 1, applied: false });
});

test("after kill -9 the log says what is in force, not the folder that was edited", async () => {
  await engine.end("SIGKILL");
  engine = await start();
  expect(await said<Entry[]>("history")).toMatchObject([
    { generation: 0, by: "start", state: "applied" },
    { generation: 1, by: "lin", note: "two do", state: "applied" },
  ]);
  const before = entries().length;
  await looks("again", 2);
  await vi.waitFor(() => expect(entries().length).toBe(before + 1), SOON_MS);
  // Who looked twice while it took three did not enter then, whatever the folder says by now.
  const explain = ["explain", "unionid=before", "--config", config.folder, "--json"];
  const { code, stdout } = await freshet(...explain, "--at", new Date().toISOString());
  expect(code, stdout).toBe(0);
  const { person, retold } = JSON.parse(stdout) as { person: string; retold: readonly object[] };
  expect(person).toMatch(/^p_/);
  expect(retold).toEqual(retold.map((one) => ({ ...one, reproduced: true })));
});

test("what cannot change under an engine is refused, with the files", async () => {
  const plan = readFileSync(join(config.folder, "tracking-plan.yaml"), "utf8");
  edit("tracking-plan.yaml", "events:", "# Another one.\nevents:");
  // A comment decides nothing.
  expect(await said("apply", config.folder)).toMatchObject({ applied: false });
  const other = configWith({ "time.max_age": "3d" });
  const refused = await freshet("config", "apply", other.folder);
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringMatching(/^CONFIG_FIXED: freshet\.yaml: not as the engine runs it/),
  ]);
  other.remove();
  writeFileSync(join(config.folder, "tracking-plan.yaml"), plan);
  edit("segments.yaml", TWO, "premium_view, within: 30d, at_least: none");
  const wrong = await freshet("config", "apply", config.folder);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("CONFIG_INVALID")]);
  edit("segments.yaml", "premium_view, within: 30d, at_least: none", TWO);
});

test("F14: rolled back by one command, and every output is what the log makes", async () => {
  const rolled = await said<object>("rollback", "--by", "wei", "--note", "too many");
  expect(rolled).toMatchObject({
    generation: 2,
    inForce: true,
    changes: { segments: { changed: ["high_value_interest"] } },
  });
  const history = await said<Entry[]>("history");
  expect(history.at(-1)).toMatchObject({ generation: 2, by: "wei", restores: 0, state: "applied" });
  expect(await said("diff", "1", "2")).toMatchObject({
    segments: { changed: ["high_value_interest"] },
  });
  const text = await freshet("config", "diff", "1", "2");
  expect(text.stdout).toContain("~ segments  high_value_interest  (starts anew)");
  expect(text.stdout).toMatch(/^- \d+ .*at_least: 2/m);
  const before = entries().length;
  await looks("back", 3);
  await vi.waitFor(() => expect(published(entries()).length).toBe(before + 1), SOON_MS);
  // A folder that the log has seen before changes nothing; one that is new to it comes into force.
  await engine.end("SIGTERM");
  engine = await start();
  await engine.said(/the log has another configuration in force than the folder/);
  await engine.end("SIGTERM");
  edit("tags.yaml", "on_at: 9", "on_at: 10");
  engine = await start();
  await engine.said(/the folder is new to the log and comes into force/);
  await vi.waitFor(async () => {
    const last = (await said<Entry[]>("history")).at(-1);
    expect(last).toMatchObject({ generation: 3, by: "start", state: "applied" });
  }, SOON_MS);
  const { code, signal } = await engine.end("SIGTERM");
  expect([code, signal]).toEqual([0, null]);
  const { stdout, stderr } = await freshet("verify", "--config", config.folder, "--json");
  expect(JSON.parse(stdout), stderr).toMatchObject({ equal: true, missing: 0, extra: 0, twice: 0 });
});
