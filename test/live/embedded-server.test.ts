import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "nats";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type EmbeddedServer, startEmbeddedServer } from "../../src/nats/embedded-server.ts";
import { freePort } from "../../src/nats/free-port.ts";
import { programsOnConfig } from "../../src/nats/process-mark.ts";
import type { EmbeddedServerOptions } from "../../src/nats/server-launch.ts";
import { TestServer } from "../support/nats-server.ts";

const SECRET = "PLAINTEXT-OF-A-SHOPPER";
const silent = { info: () => {}, warn: () => {} };

let folder = "";
const started: EmbeddedServer[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freshet-broker-"));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(more: Partial<EmbeddedServerOptions> = {}): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer({ dataDir: folder, log: silent, ...more });
  started.push(server);
  return server;
}

async function within<T>(
  url: string,
  act: (nc: NatsConnection) => Promise<T>,
  token?: string,
): Promise<T> {
  const nc = await connect({ servers: url, ...(token === undefined ? {} : { token }) });
  try {
    return await act(nc);
  } finally {
    await nc.close();
  }
}

async function store(nc: NatsConnection, count: number): Promise<void> {
  const manager = await nc.jetstreamManager();
  await manager.streams.add({ name: "KEPT", subjects: ["kept.>"] });
  const js = nc.jetstream();
  for (let i = 0; i < count; i += 1) await js.publish("kept.it", `${SECRET} ${i}`);
}

const countStored = async (nc: NatsConnection): Promise<number> =>
  (await (await nc.jetstreamManager()).streams.info("KEPT")).state.messages;

function filesUnder(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test("a plain client stores messages, and no file holds them, or the key, in clear", async () => {
  const server = await start();
  await within(server.url, (nc) => store(nc, 200));
  await server.stop();

  const files = filesUnder(folder);
  const key = readFileSync(join(folder, "store.key"), "utf8").trim();
  expect(files.some((file) => file.endsWith(".blk"))).toBe(true);
  const holding = (text: string) => files.filter((file) => readFileSync(file).includes(text));
  expect(holding(SECRET)).toEqual([]);
  expect(holding(key)).toEqual([join(folder, "store.key")]);
  for (const name of ["store.key", "nats-server.conf", "nats-server.json", "store.check"]) {
    expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
  }
});

test("a broker without a key would have shown them", async () => {
  const plain = await TestServer.start();
  try {
    await within(plain.url, (nc) => store(nc, 5));
    await plain.restart();
    expect(await within(plain.url, countStored)).toBe(5);
    await plain.down();
    const files = filesUnder(join(plain.folder, "store"));
    expect(files.some((file) => readFileSync(file).includes(SECRET))).toBe(true);
  } finally {
    await plain.stop();
  }
});

test("the next start finds what was stored, on the same port", async () => {
  const first = await start();
  await within(first.url, (nc) => store(nc, 20));
  await first.stop();
  const second = await start();
  expect(second.url).toBe(first.url);
  expect(second.adopted).toBe(false);
  expect(await within(second.url, countStored)).toBe(20);
});

test("a folder's first run has the port it is given for that, and another where it is taken", async () => {
  const firstPort = await freePort();
  const first = await start({ firstPort });
  expect(first.port).toBe(firstPort);
  const second = await start({ dataDir: join(folder, "second"), firstPort });
  expect(second.port).not.toBe(firstPort);
  await second.stop();
  await first.stop();
  const again = await start({ dataDir: join(folder, "second"), firstPort });
  expect(again.port).toBe(second.port);
});

test("another key than the store's is refused before the broker sees it", async () => {
  const first = await start({ storeKey: "the-right-store-key" });
  await within(first.url, (nc) => store(nc, 20));
  await first.stop();
  await expect(start({ storeKey: "the-wrong-store-key" })).rejects.toThrow(/another key/);
  await expect(start()).rejects.toThrow(/key file .* is not/);
  const again = await start({ storeKey: "the-right-store-key" });
  expect(await within(again.url, countStored)).toBe(20);
});

test("a key with quotes and backslashes is the same key to the broker", async () => {
  const storeKey = `1"2\\3$4#5'6{7}8\\"90`;
  const first = await start({ storeKey });
  await within(first.url, (nc) => store(nc, 5));
  await first.stop();
  const second = await start({ storeKey });
  expect(await within(second.url, countStored)).toBe(5);
});

test("with a token, who does not know it stays outside", async () => {
  const server = await start({ token: "only-for-friends" });
  await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow(/Authoriz/i);
  await within(server.url, (nc) => store(nc, 1), "only-for-friends");
});

test("a restart is a kill -9 that loses nothing acknowledged, on the same port", async () => {
  const server = await start();
  await within(server.url, (nc) => store(nc, 50));
  const { pid, exited } = server;
  await server.restart();
  expect(await exited).toMatchObject({ asked: true, signal: "SIGKILL" });
  expect(server.pid).not.toBe(pid);
  expect(await within(server.url, countStored)).toBe(50);
});

test("a broker that ends unasked is started again, where its clients look for it", async () => {
  const server = await start();
  await within(server.url, async (nc) => {
    await store(nc, 5);
    process.kill(server.pid, "SIGKILL");
    expect(await server.exited).toMatchObject({ asked: false });
    const manager = await nc.jetstreamManager({ checkAPI: false });
    const found = async () => (await manager.streams.info("KEPT")).state.messages;
    await expect.poll(found, { timeout: 60_000 }).toBe(5);
  });
});

test("an end that nobody asked for is told, and the broker can be had again", async () => {
  const server = await start({ respawn: false });
  await within(server.url, (nc) => store(nc, 5));
  process.kill(server.pid, "SIGKILL");
  expect(await server.exited).toEqual({ asked: false, code: null, signal: "SIGKILL" });
  await server.restart();
  expect(await within(server.url, countStored)).toBe(5);
});

test("stop ends the broker and frees the folder", async () => {
  const server = await start();
  await server.stop();
  expect(programsOnConfig(join(folder, "nats-server.conf"))).toEqual([]);
  expect(readdirSync(folder)).not.toContain("engine.lock");
});

test("a taken port is named, and nothing is left running", async () => {
  const other = await start();
  const second = join(folder, "second");
  await expect(start({ dataDir: second, port: other.port })).rejects.toThrow(/port \d+ .* taken/);
  expect(programsOnConfig(join(second, "nats-server.conf"))).toEqual([]);
});

test("a folder that takes no files is told as that", async () => {
  await expect(start({ dataDir: "/sys/kernel" })).rejects.toMatchObject({
    code: "FILE_UNWRITABLE",
    message: expect.stringMatching(/^cannot write in the data folder \/sys\/kernel: E/),
  });
});

test("a program that is no nats-server is refused with the way out", async () => {
  await expect(start({ binary: "/nowhere/nats-server" })).rejects.toMatchObject({
    code: "BROKER_MISSING",
  });
  await expect(start({ binary: "/bin/true" })).rejects.toMatchObject({ code: "BROKER_MISSING" });
  expect(readdirSync(folder)).not.toContain("engine.lock");
});
