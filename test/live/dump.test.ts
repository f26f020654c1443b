import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, headers, type NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DumpFile } from "../../src/replay/dump.ts";
import type { OutputLine } from "../../src/replay/replay.ts";
import type { StoredMessage } from "../../src/replay/stored-message.ts";
import { textOf } from "../support/engine.ts";
import { Cli, runCli } from "../support/engine-process.ts";
import { readStream, type Stored } from "../support/oracle.ts";
import { type StoredAfternoon, storeAfternoon } from "../support/stored-afternoon.ts";

const folder = mkdtempSync(join(tmpdir(), "freshet-dump-"));
let shop: StoredAfternoon;

/** Bodies no text can hold, headers said twice, and nothing at all. */
async function publishOddities(nc: NatsConnection): Promise<void> {
  const twice = headers();
  twice.append("X-Said", "一");
  twice.append("X-Said", "二");
  twice.append("Content-Type", "application/json");
  const js = nc.jetstream();
  await js.publish("freshet.in.event.mp.odd", Buffer.from([0xff, 0x00, 0xfe, 0x81]));
  await js.publish("freshet.in.event.mp.odd", new Uint8Array());
  await js.publish("freshet.in.event.mp.odd", '\ufeff{"€": "😀\\u0000"}', { headers: twice });
}

beforeAll(async () => {
  shop = await storeAfternoon({ seed: 3, people: 400 }, publishOddities);
});

afterAll(async () => {
  await shop.close();
  rmSync(folder, { recursive: true, force: true });
});

const dump = (...words: string[]) =>
  runCli(["dump", "--config", shop.config.folder, ...words], {
    env: { NATS_URL: shop.server.url },
  });

async function read(path: string, log: "IN" | "OUT"): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for await (const message of (await DumpFile.open(path, log)).read()) messages.push(message);
  return messages;
}

const bytes = ({ subject, seq, time, data }: Pick<Stored, "subject" | "seq" | "time" | "data">) =>
  `${seq} ${time} ${subject} ${Buffer.from(data).toString("base64")}`;

test("IN and OUT come whole and byte for byte, zipped or not", async () => {
  const [to, out] = [join(folder, "in.dump.gz"), join(folder, "out.dump")];
  const { code, stderr, stdout } = await dump("--to", to, "--out", out);
  expect([code, stdout], stderr).toEqual([0, ""]);
  expect([to, out].map((path) => statSync(path).mode & 0o077)).toEqual([0, 0]);
  const intake = await readStream(shop.nc, "FRESHET_IN");
  expect(intake.length).toBeGreaterThan(500);
  const dumped = await read(to, "IN");
  expect(dumped.map(bytes)).toEqual(intake.map(bytes));
  expect((await read(out, "OUT")).map(bytes)).toEqual(
    (await readStream(shop.nc, "FRESHET_OUT")).map(bytes),
  );
  expect(dumped.find(({ headers: said }) => said["X-Said"] !== undefined)?.headers).toEqual({
    "X-Said": ["一", "二"],
    "Content-Type": ["application/json"],
  });
  for (const { seq, headers: kept } of dumped.slice(0, 20))
    for (const name of ["Nats-Msg-Id", "Content-Type"])
      expect(kept[name]?.[0]).toBe(intake[seq - 1]?.header(name));
});

test("a replay of the dump says what stands on OUT", async () => {
  const [to, outputs] = [join(folder, "again.dump"), join(folder, "outputs.jsonl")];
  expect((await dump("--to", to)).code).toBe(0);
  const words = [
    "replay",
    to,
    "--format",
    "dump",
    "--out",
    outputs,
    "--config",
    shop.config.folder,
  ];
  const { code, stdout, stderr } = await runCli(words);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ badLines: 0 });
  const told = readFileSync(outputs, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as OutputLine)
    .map(({ subject, id, time, data }) => `${subject} ${id} ${time} ${JSON.stringify(data)}`);
  const published = (await readStream(shop.nc, "FRESHET_OUT")).map(
    ({ subject, data, header }) =>
      `${subject} ${header("ce-id")} ${header("ce-time")} ${Buffer.from(data).toString()}`,
  );
  expect(published.length).toBeGreaterThan(100);
  expect(told.sort()).toEqual(published.sort());
});

test("--from and --until take what was stored between, and say so", async () => {
  const intake = await readStream(shop.nc, "FRESHET_IN");
  const [from, until] = [intake.at(200)?.time ?? 0, intake.at(-200)?.time ?? 0];
  const to = join(folder, "part.dump");
  const iso = (time: number) => new Date(time).toISOString();
  const { code, stderr } = await dump("--to", to, "--from", iso(from), "--until", iso(until));
  expect(code, stderr).toBe(0);
  const wanted = intake.filter(({ time }) => time >= from && time <= until);
  expect((await read(to, "IN")).map(bytes)).toEqual(wanted.map(bytes));
  expect(await DumpFile.open(to, "IN")).toMatchObject({ from, until });
  const later = await dump("--to", to, "--from", iso(Date.now() + 60_000));
  expect(later.code, later.stderr).toBe(0);
  expect(await read(to, "IN")).toEqual([]);
});

test("messages that were removed, also the last, stop no dump", async () => {
  const jsm = await shop.nc.jetstreamManager();
  const before = await readStream(shop.nc, "FRESHET_OUT");
  const gone = [before.at(0), before.at(7), before.at(-1)].map((message) => message?.seq ?? 0);
  for (const seq of gone) await jsm.streams.deleteMessage("FRESHET_OUT", seq);
  const out = join(folder, "holes.dump");
  const { code, stderr } = await dump("--to", join(folder, "holes-in.dump"), "--out", out);
  expect(code, stderr).toBe(0);
  const wanted = before.filter(({ seq }) => !gone.includes(seq));
  expect((await read(out, "OUT")).map(bytes)).toEqual(wanted.map(bytes));
});

test("without NATS_URL it is the engine's own broker, while it runs and afterwards", async () => {
  const data = join(folder, "data");
  const own = ["--config", shop.config.folder, "--data", data];
  const none = await runCli(["dump", ...own]);
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("LOG_MISSING")]);
  expect(existsSync(data)).toBe(false);
  const engine = new Cli(["start", ...own, "--http-port", "0"]);
  try {
    const { broker, metrics } = await engine.runs();
    const client = await connect({ servers: broker });
    const body = JSON.stringify({ id: "e-1", type: "page.viewed", ts: Date.now() });
    await client.jetstream().publish("freshet.in.event.mp.page.viewed", body);
    await client.close();
    const running = await runCli(["dump", ...own, "--to", join(folder, "running.dump")]);
    expect(running.code, running.stderr).toBe(0);
    expect((await textOf(`${new URL(metrics).origin}/readyz`)).length).not.toBe(0);
    await sleep(100);
    expect((await engine.end()).code).toBe(0);
    const stopped = await runCli(["dump", ...own, "--to", join(folder, "stopped.dump")]);
    expect(stopped.code, stopped.stderr).toBe(0);
  } finally {
    await engine.end("SIGKILL");
  }
  for (const name of ["running.dump", "stopped.dump"]) {
    const stored = await read(join(folder, name), "IN");
    // Before any event a log holds what it begins with.
    const subjects = stored.map(({ subject }) => subject).filter((one) => one !== "in.tick");
    expect(subjects.sort()).toEqual(["in.config", "in.event.mp.page.viewed"]);
  }
});
