import { connect, type NatsConnection } from "nats";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { engineOptions } from "../../src/cli/engine-options.ts";
import { openScoring } from "../../src/cli/open-job.ts";
import { Engine } from "../../src/engine.ts";
import { dealtOut } from "../../src/flow/job-part.ts";
import { decodeMarker } from "../../src/state/marker.ts";
import { Ensemble } from "../../src/threads/ensemble.ts";
import { partOf } from "../support/engine-part.ts";
import { openShipped } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";
import { readStream } from "../support/oracle.ts";

/** A stop while a group waits for another that has not read so far: their engines, without threads of their own. */

const SOON_MS = 120_000;
let server: TestServer;
let nc: NatsConnection;

beforeAll(async () => {
  server = await TestServer.start();
  nc = await connect({ servers: server.url });
});
afterAll(async () => {
  await nc?.close();
  await server?.stop();
});

/** Two that turn out to be one: whichever group the older is in, half of them wait for the other part. */
async function couples(count: number): Promise<void> {
  for (let pair = 0; pair < count; pair += 1) {
    const names = [
      { k: "unionid", v: `o-${pair}` },
      { k: "login", v: `member-${pair}` },
    ];
    for (const [n, ids] of [names.slice(0, 1), names.slice(1), names].entries()) {
      const ts = Date.parse("2026-09-12T05:00:00Z") + 10 * pair + n;
      const props = { sku: "sku-1", line: "premium", category: "tents" };
      const id = `couple-${pair}-${n}`;
      const event = { id, type: "product.viewed", ts, touchpoint: "mp", ids, props };
      await nc.jetstream().publish("freshet.in.event.mp.product.viewed", JSON.stringify(event));
    }
  }
}

test("parts that are behind read on to where others wait for them, and every group stops in order", async () => {
  const open = await openShipped({ trustRecv: true, settings: { groups: 2, demand_groups: 1 } });
  const parts = dealtOut(open.job, 2);
  const prepared = await Promise.all(
    parts.map(async (part) => {
      const scoring = openScoring(0);
      const connection = await connect({ servers: server.url });
      const log = pino({ level: "silent" });
      const options = engineOptions({ nc: connection, open, scoring, instance: "parts", log });
      const onFailure = (failure: unknown) => {
        throw failure;
      };
      return { connection, engine: await Engine.prepare({ ...options, part, onFailure }) };
    }),
  );
  const [main, other] = prepared.map(({ engine }) => engine) as [Engine, Engine];
  const ensemble = new Ensemble(main, [partOf(other)]);
  await couples(12);
  // The other part has read nothing when it is told to stop.
  main.run();
  await vi.waitFor(() => expect(main.halted().waitsFor).toBeGreaterThan(0), SOON_MS);
  expect(other.halted()).toEqual({ busy: false, read: 0, waitsFor: 0 });
  await ensemble.stop(60_000);
  expect(main.halted()).toMatchObject({ busy: false, waitsFor: 0 });
  for (const { connection } of prepared) await connection.close();

  const clean = new Map<string, boolean>();
  for (const { subject, data } of await readStream(nc, "FRESHET_STATE")) {
    const marker = subject.endsWith(".marker") ? decodeMarker(data) : undefined;
    if (marker !== undefined && marker.seq > 0) clean.set(marker.group, marker.clean);
  }
  expect(clean.get("collect-0")).toBe(true);
  expect(clean.get("shopper-0")).toBe(true);
  expect(clean.get("shopper-1")).toBe(true);
}, 240_000);
