import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "nats";
import { afterAll, describe, expect, test } from "vitest";
import { Cli, runCli } from "../support/engine-process.ts";
import { CONFIG_DIR, configWith, ROOT } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";

const folder = mkdtempSync(join(tmpdir(), "freshet-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COMMANDS = [
  "start",
  "demo",
  "replay",
  "lint",
  "graph",
  "tap",
  "dump",
  "verify",
  "deadletter",
  "recover",
] as const;

describe("help and wrong usage", () => {
  test("--help names every command and the exit codes", async () => {
    const { code, stdout, stderr } = await runCli(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(stdout).toContain("Exit codes");
  });

  test("every command's --help has examples", async () => {
    const helps = await Promise.all(COMMANDS.map((command) => runCli([command, "--help"])));
    for (const { code, stdout } of helps) {
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples?:/);
    }
  });

  test.each([
    [["no-such-command"]],
    [["replay"]],
    [["lint", "--no-such-option"]],
    [["demo", "--for", "soon"]],
    [["demo", "--for", "30d"]],
    [["demo", "--people", "many"]],
    [["demo", "--speed", "0"]],
    [["demo", "--seed", "one"]],
    [["tap", "--count", "few"]],
    [["tap", "freshet..intent"]],
    [["replay", "package.json", "--workers", "many"]],
  ])("%j is wrong usage: 2, and nothing on stdout", async (args) => {
    const { code, stdout, stderr } = await runCli(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).not.toBe("");
  });

  test("--version says the package's", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(await runCli(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  test("what fails says its code and its remedy: 1", async () => {
    const { code, stdout, stderr } = await runCli(["replay", join(folder, "nowhere.jsonl")]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^FILE_UNREADABLE: .*\n {2}\S/);
    expect(stderr).not.toContain("INTERNAL");
  });
});

test("a port that is none: 2, and what it takes", async () => {
  for (const port of ["99999", "-1", "http"]) {
    const { code, stderr } = await runCli(["start", "--http-port", port]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("USAGE: --http-port takes")]);
  }
});

describe("lint and graph", () => {
  test("a broken folder: every mistake with file, line and column: 1", async () => {
    const broken = join(folder, "broken");
    cpSync(CONFIG_DIR, broken, { recursive: true });
    const path = join(broken, "freshet.yaml");
    const lines = readFileSync(path, "utf8").split("\n");
    const at = lines.findIndex((line) => line.startsWith("groups:"));
    lines[at] = "groups: sixteen";
    writeFileSync(path, lines.join("\n"));
    const { code, stdout } = await runCli(["lint", broken]);
    expect(code).toBe(1);
    expect(stdout).toContain(`freshet.yaml:${at + 1}:9`);
    expect(stdout).toMatch(/^1 error, \d+ warnings?$/m);
    const json = await runCli(["lint", broken, "--json"]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toContainEqual(
      expect.objectContaining({ line: at + 1, column: 9, remedy: expect.any(String) }),
    );
  });

  test("the shipped configuration has no errors: 0", async () => {
    const { code, stdout } = await runCli(["lint", CONFIG_DIR]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("no errors")]);
  });

  test("graph shows the three flows and every operator", async () => {
    const { code, stdout } = await runCli(["graph", "--config", CONFIG_DIR]);
    expect(code).toBe(0);
    for (const name of ["collect", "shopper", "demand", "session", "recommend", "heat", "restock"])
      expect(stdout).toContain(name);
    const { stdout: drawn } = await runCli(["graph", "--config", CONFIG_DIR, "--mermaid"]);
    expect(drawn).toMatch(/^flowchart LR\n/);
  });
});

test("demo --for --json: one JSON object is the only thing on stdout", async () => {
  const words = ["demo", "--for", "15s", "--json", "--http-port", "0"];
  const { code, stdout, stderr } = await runCli([...words, "--data", join(folder, "demo")]);
  expect(code, stderr).toBe(0);
  const told = JSON.parse(stdout) as Record<string, unknown>;
  expect(Object.keys(told).sort()).toEqual([
    "deadLetters",
    "events",
    "eventsPerSecond",
    "intents",
    "latencyMs",
    "recommendations",
    "restocks",
    "segmentChanges",
    "served",
    "trends",
  ]);
  expect(told["events"]).toBeGreaterThan(0);
  expect(told["intents"]).toBeGreaterThan(0);
  expect(told["latencyMs"]).toEqual({ p50: expect.any(Number), p99: expect.any(Number) });
});

test("start stops at SIGTERM, in order and within ten seconds; tap shows what passes", async () => {
  const server = await TestServer.start();
  const config = configWith({ "time.trust_recv": true });
  const env = { NATS_URL: server.url };
  const start = new Cli(["start", "--config", config.folder, "--http-port", "0"], { env });
  const nc = await connect({ servers: server.url });
  try {
    await start.said(/"freshet runs"/);
    const tap = new Cli(["tap", "freshet.in.event.>", "--count", "2"], { env });
    const event = { id: "e", type: "page.viewed", ts: 1, ids: [], props: { path: "p" } };
    const js = nc.jetstream();
    // Until the tap listens, what is said passes unheard.
    const saying = setInterval(() => {
      js.publish("freshet.in.event.mp.page.viewed", JSON.stringify(event)).catch(() => undefined);
    }, 100);
    const tapped = await tap.finished;
    clearInterval(saying);
    expect(tapped.code, tapped.stderr).toBe(0);
    const lines = tapped.stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      subject: "freshet.in.event.mp.page.viewed",
      data: event,
    });

    const asked = Date.now();
    const { code, stdout, stderr } = await start.end("SIGTERM");
    expect(Date.now() - asked).toBeLessThan(10_000);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toContain("freshet has stopped");
  } finally {
    await start.end("SIGKILL");
    await nc.close();
    config.remove();
    await server.stop();
  }
});

test("start without a broker to be reached says so: 1", async () => {
  const env = { NATS_URL: "nats://127.0.0.1:1" };
  const { code, stderr } = await runCli(["start", "--config", CONFIG_DIR, "--http-port", "0"], {
    env,
  });
  expect(code).toBe(1);
  expect(stderr).toContain("BROKER_UNREACHABLE");
});

test("tap and recover find the broker of the engine that runs on a folder; of none, tap says so", async () => {
  const data = join(folder, "data");
  const config = configWith({});
  const run = ["--config", config.folder, "--data", data];
  const silent = await runCli(["tap", ...run]);
  expect([silent.code, silent.stdout]).toEqual([1, ""]);
  expect(silent.stderr).toMatch(/^ENGINE_SILENT: no engine runs on the data folder .*\n {2}\S/);
  const start = new Cli(["start", ...run, "--http-port", "0"]);
  try {
    await start.said(/"freshet runs"/);
    // The engine's own ticks pass.
    const { code, stdout, stderr } = await runCli([
      "tap",
      "freshet.in.tick",
      "--count",
      "1",
      ...run,
    ]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ subject: "freshet.in.tick" });
    const recover = await runCli(["recover", ...run]);
    expect(recover.stdout).toMatch(/^FRESHET_OUT: empty$/m);
    expect(recover.stdout).toMatch(/^demand-0: at (the beginning|\d+ \(\d{1,2} s old)/m);
    expect(recover.stdout).not.toMatch(/\d{6} s old/);
  } finally {
    await start.end("SIGTERM");
    config.remove();
  }
});
