import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { connect } from "nats";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startEmbeddedServer } from "../../src/nats/embedded-server.ts";
import { markOf, programsOnConfig } from "../../src/nats/process-mark.ts";
import { StoreLock } from "../../src/nats/store-lock.ts";

/** An engine reduced to its broker, in a process of its own so that it can be killed. */
const ENGINE = `
import { connect } from ${JSON.stringify(import.meta.resolve("nats"))};
import { startEmbeddedServer } from ${JSON.stringify(
  pathToFileURL(join(process.cwd(), "dist/src/nats/embedded-server.js")).href,
)};
const say = (told) => process.stdout.write(JSON.stringify(told) + "\\n");
const [dataDir] = process.argv.slice(1);
try {
  const server = await startEmbeddedServer({ dataDir, log: { info() {}, warn() {} } });
  process.on("SIGINT", async () => {
    const nc = await connect({ servers: server.url, reconnect: false, timeout: 3000 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await nc.flush();
    await nc.close();
    await server.stop();
    say({ finished: true });
    process.exit(0);
  });
  process.stdin.on("data", () => process.exit(0));
  say({ url: server.url, pid: server.pid, adopted: server.adopted });
} catch (error) {
  say({ fault: error.code ?? String(error) });
  process.exit(1);
}`;

interface Told {
  readonly url?: string;
  readonly pid?: number;
  readonly adopted?: boolean;
  readonly fault?: string;
  readonly finished?: boolean;
}

interface Engine {
  readonly child: ChildProcess;
  hear(): Promise<Told>;
}

const silent = { info: () => {}, warn: () => {} };
const engines: ChildProcess[] = [];
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freshet-owners-"));
});

afterEach(() => {
  for (const engine of engines.splice(0)) engine.kill("SIGKILL");
  for (const { pid } of brokers()) process.kill(pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const brokers = () => programsOnConfig(join(folder, "nats-server.conf"));

function engine(): Engine {
  const words = ["--input-type=module", "-e", ENGINE, folder];
  const child = spawn(process.execPath, words, {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  engines.push(child);
  const lines = createInterface({ input: child.stdout ?? process.stdin })[Symbol.asyncIterator]();
  return {
    child,
    hear: async () => JSON.parse((await lines.next()).value ?? '{"fault":"silent"}'),
  };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

async function publishOne(url = ""): Promise<number> {
  const nc = await connect({ servers: url });
  const manager = await nc.jetstreamManager();
  await manager.streams.add({ name: "KEPT", subjects: ["kept"] });
  const { seq } = await nc.jetstream().publish("kept", "one more");
  await nc.close();
  return seq;
}

async function untilNoBroker(): Promise<void> {
  for (let wait = 0; wait < 200 && brokers().length > 0; wait += 1) await sleep(50);
  expect(brokers()).toEqual([]);
}

test("after kill -9 of the engine the next one adopts its broker", async () => {
  const first = engine();
  const before = await first.hear();
  expect(await publishOne(before.url)).toBe(1);
  await kill(first.child);
  expect(brokers().map(({ pid }) => pid)).toEqual([before.pid]);

  const next = await startEmbeddedServer({ dataDir: folder, log: silent, respawn: false });
  expect({ url: next.url, pid: next.pid }).toEqual({ url: before.url, pid: before.pid });
  expect(next.adopted).toBe(true);
  expect(await publishOne(next.url)).toBe(2);
  process.kill(next.pid, "SIGKILL");
  expect(await next.exited).toMatchObject({ asked: false });
  await next.restart();
  expect(await publishOne(next.url)).toBe(3);
  await next.stop();
  await untilNoBroker();
});

test("an orphan that is not as it should be is stopped before the store is opened", async () => {
  const first = engine();
  const before = await first.hear();
  await publishOne(before.url);
  await kill(first.child);

  const next = await startEmbeddedServer({ dataDir: folder, log: silent, token: "a-new-token" });
  expect(next.adopted).toBe(false);
  expect(brokers().map(({ pid }) => pid)).toEqual([next.pid]);
  expect(next.pid).not.toBe(before.pid);
  await next.stop();
});

test("an orphan that hangs is killed", async () => {
  const first = engine();
  const before = await first.hear();
  await publishOne(before.url);
  await kill(first.child);
  process.kill(before.pid ?? 0, "SIGSTOP");

  const next = await startEmbeddedServer({ dataDir: folder, log: silent });
  expect(next.adopted).toBe(false);
  expect(brokers().map(({ pid }) => pid)).toEqual([next.pid]);
  expect(await publishOne(next.url)).toBe(2);
  await next.stop();
});

test("an orphan that nothing recorded is found all the same", async () => {
  const first = engine();
  const before = await first.hear();
  await kill(first.child);
  rmSync(join(folder, "nats-server.json"));

  const next = await startEmbeddedServer({ dataDir: folder, log: silent });
  expect(next.adopted).toBe(false);
  expect(markOf(before.pid ?? 0)).toBeUndefined();
  expect(brokers().map(({ pid }) => pid)).toEqual([next.pid]);
  await next.stop();
});

test("of engines that start at once exactly one gets the store, a stale lock or not", async () => {
  for (let round = 0; round < 3; round += 1) {
    const rivals = [engine(), engine(), engine(), engine()];
    const told = await Promise.all(rivals.map((rival) => rival.hear()));
    expect(told.filter(({ fault }) => fault === "STORE_LOCKED")).toHaveLength(3);
    expect(told.filter(({ url }) => url !== undefined)).toHaveLength(1);
    expect(brokers()).toHaveLength(1);
    // The winner leaves its lock behind for the next round to fight over.
    await Promise.all(rivals.map(({ child }) => kill(child)));
  }
});

test("Ctrl-C reaches the engine alone: the broker is there until it has finished", async () => {
  const only = engine();
  await only.hear();
  process.kill(-(only.child.pid ?? 0), "SIGINT");
  expect(await only.hear()).toEqual({ finished: true });
  await untilNoBroker();
});

test("an engine that exits without stopping its broker takes it along", async () => {
  const only = engine();
  await only.hear();
  only.child.stdin?.write("go\n");
  await once(only.child, "exit");
  await untilNoBroker();
  expect(readdirSync(folder)).not.toContain("engine.lock");
});

test("two starts at once inside one process: one wins", async () => {
  const results = await Promise.allSettled(
    [1, 2, 3].map(() => startEmbeddedServer({ dataDir: folder, log: silent })),
  );
  const won = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  expect(won).toHaveLength(1);
  await Promise.all(won.map((server) => server.stop()));
});

/** A lock as an engine in another container would have left it on a shared volume. */
function lockOfElsewhere(path: string): void {
  mkdirSync(path);
  const owner = { pid: 1, started: "1", realm: "elsewhere", token: "their-token" };
  writeFileSync(join(path, "owner.json"), JSON.stringify(owner));
}

test("a lock of another machine counts while it is touched, and no longer", async () => {
  const path = join(folder, "engine.lock");
  lockOfElsewhere(path);
  const touching = setInterval(() => {
    utimesSync(join(path, "owner.json"), new Date(), new Date());
  }, 50);
  await expect(StoreLock.acquire(path, 2_000)).rejects.toMatchObject({ code: "STORE_LOCKED" });
  clearInterval(touching);
  const lock = await StoreLock.acquire(path, 300);
  lock.release();
});

test("a lock that cannot be read is left behind by nobody alive", async () => {
  const path = join(folder, "engine.lock");
  mkdirSync(path);
  writeFileSync(join(path, "owner.json"), "");
  const lock = await StoreLock.acquire(path);
  await expect(StoreLock.acquire(path)).rejects.toMatchObject({ code: "STORE_LOCKED" });
  lock.release();
});
