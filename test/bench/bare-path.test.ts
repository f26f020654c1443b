import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { barePath } from "../../bench/bare-path.ts";
import { OpenLoop } from "../../bench/open-loop.ts";
import { connectBroker } from "../../src/nats/connect.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../../src/nats/embedded-server.ts";
import { eventTime } from "../../src/time/event-time.ts";
import { makeLog } from "../../src/watch/log.ts";

const folder = mkdtempSync(join(tmpdir(), "freshet-test-"));
let server: EmbeddedServer;
let load: NatsConnection;

beforeAll(async () => {
  server = await startEmbeddedServer({ dataDir: folder, log: makeLog("warn") });
  load = await connectBroker({ url: server.url }, "load");
});
afterAll(async () => {
  await load.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const EVENTS = Array.from({ length: 7 }, (_, i) => ({
  subject: "in.event.mp.product.viewed",
  body: { id: `e${i}`, ids: [{ k: "unionid", v: `o${i}` }] },
}));

test("every event arrives after its intended moment, every ask is answered, one pace after another", async () => {
  const at = { trackers: load, pages: load };
  const loop = new OpenLoop(at, "bare", EVENTS, eventTime(1_000_000));
  for (const [rate, asks] of [
    [100, undefined],
    [50, 100],
  ] as const) {
    const pace = { rate, seconds: 0.2, ...(asks === undefined ? {} : { asks }) };
    const bare = await barePath(server, (order) => loop.run(order), pace);
    expect(bare.arrivals.count).toBe(rate * 0.2);
    expect(bare.arrivals.p50).toBeGreaterThan(0);
    expect(bare.asks?.count).toBe(asks === undefined ? undefined : asks * 0.2);
    expect(bare.asks?.p99 ?? 1).toBeGreaterThan(0);
  }
});
