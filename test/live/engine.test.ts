import { execFileSync, spawnSync } from "node:child_process";
import { connect, type NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ShopMessage } from "../../operators/simulated-shop/message.ts";
import { minutes } from "../../src/time/event-time.ts";
import { samples, startTestEngine, type TestEngine } from "../support/engine.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { openShop, SHOP_OPENS, shopMessages } from "../support/events.ts";
import { publishAll } from "../support/events-publisher.ts";
import { TestServer } from "../support/nats-server.ts";
import { published, readStream, replayStored } from "../support/oracle.ts";

interface Heard {
  readonly subject: string;
  readonly text: string;
  readonly data: Record<string, unknown>;
  readonly id: string | undefined;
}

let server: TestServer;
let engine: TestEngine;
let nc: NatsConnection;
const heard: Heard[] = [];
const of = (token: string) =>
  heard.filter(({ subject }) => subject.startsWith(`freshet.${token}.`));

/** A canonical event at a second of the afternoon, behind everything the shop said. */
const late = SHOP_OPENS + 3_600_000;
const event = (id: string, second: number, more: Record<string, unknown>) => ({
  id,
  ts: late + second * 1000,
  touchpoint: "mp",
  ids: [{ k: "unionid", v: "o-secret-unionid-of-anna" }],
  ...more,
});
const viewed = (id: string, second: number) =>
  event(id, second, { type: "product.viewed", props: { sku: "S1", line: "premium" } });

const BAD: readonly (readonly [reason: RegExp, body: string])[] = [
  [/./, "{not json"],
  [/./, JSON.stringify(event("bad-1", 1, { type: "no.such.type", props: {} }))],
  [/./, JSON.stringify(event("bad-2", 1, { type: "product.viewed", props: {} }))],
  [/./, JSON.stringify(event("bad-3", 1, { type: "searched", props: { query: 7 } }))],
  [/./, JSON.stringify(event("bad-4", 1, { type: "searched", props: { query: "x" }, ids: [] }))],
];

let messages: ShopMessage[];
let extra = 0;

beforeAll(async () => {
  server = await TestServer.start();
  engine = await startTestEngine({ url: server.url, trustRecv: true });
  nc = await connect({ servers: server.url });
  for (const token of ["intent", "segment", "recommendation", "restock", "deadletter", "late"]) {
    nc.subscribe(`freshet.${token}.>`, {
      callback: (_error, message) => {
        heard.push({
          subject: message.subject,
          text: message.string(),
          data: message.json(),
          id: message.headers?.get("ce-id"),
        });
      },
    });
  }
  await nc.flush();
  const lasts = minutes(40);
  messages = [...shopMessages(openShop({ seed: 5, people: 700, lasts }), lasts)];
  await publishAll(nc, messages);
  const js = nc.jetstream();
  const say = async (body: string) => {
    extra += 1;
    await js.publish("freshet.in.event.mp.test", body);
  };
  for (const [place, second] of [1, 2, 3].entries()) {
    await say(JSON.stringify(viewed(`anna-${place}`, second)));
  }
  await say(JSON.stringify(viewed("anna-1", 2)));
  await say(
    JSON.stringify({ ...viewed("anna-old", 4), ts: late - 30 * 86_400_000, recv: late + 5000 }),
  );
  for (const [, body] of BAD) await say(body);
  await say(
    JSON.stringify(event("after", 20, { type: "page.viewed", props: { path: "pages/a" } })),
  );
  await untilQuiet(nc, engine.metrics);
});

afterAll(async () => {
  await nc?.close();
  await engine?.stop();
  await server?.stop();
});

describe("a client that knows nothing but NATS and JSON", () => {
  test("receives intents, segments, recommendations and restock signals", () => {
    for (const token of ["intent", "segment", "recommendation", "restock"]) {
      expect(of(token).length, token).toBeGreaterThan(0);
    }
    for (const { data } of of("recommendation")) {
      expect(data).toMatchObject({
        rec_id: expect.stringMatching(/^r_[0-9a-f]{16}_[0-9a-f]{12}$/),
        person: expect.stringMatching(/^p_[0-9a-f]{16}$/),
        channel: expect.any(String),
        kind: expect.any(String),
        items: expect.any(Array),
        score: expect.any(Number),
      });
    }
    for (const { data } of of("restock")) {
      expect(data).toMatchObject({ sku: expect.any(String), qty: expect.any(Number) });
    }
  });

  test("sees its own three views make a segment", () => {
    const entered = heard.filter(({ data }) => data["at"] === new Date(late + 3000).toISOString());
    expect(entered.map(({ subject }) => subject)).toContain(
      "freshet.segment.high_value_interest.entered",
    );
  });

  test("is told what was refused, why, and what to do", () => {
    const letters = of("deadletter").filter(({ data }) => data["subject"] === "in.event.mp.test");
    expect(letters).toHaveLength(BAD.length);
    for (const { subject, data } of letters) {
      expect(subject).toBe(`freshet.deadletter.${data["reason"]}`);
      expect(data).toMatchObject({ remedy: expect.any(String), seq: expect.any(Number) });
    }
    expect(of("late").some(({ data }) => data["client_id"] === "anna-old")).toBe(true);
  });

  test("hears every output once", () => {
    const ids = heard.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain(undefined);
  });
});

describe("the books", () => {
  test("in = applied + duplicate + late + dead-lettered, and in is what was published", async () => {
    const counts = samples(await engine.metrics(), "freshet_collect_total");
    const count = (outcome: string) => counts.get(`outcome="${outcome}"`) ?? 0;
    expect(count("in")).toBe(
      count("applied") + count("duplicate") + count("late") + count("deadLettered"),
    );
    const intake = await readStream(nc, "FRESHET_IN");
    const stored = (subject: string) => intake.filter((m) => m.subject.startsWith(subject)).length;
    const learned = stored("in.knowledge.");
    expect(learned).toBeGreaterThan(0);
    // What the first start found in its folder.
    expect(stored("in.config")).toBe(1);
    expect(count("in")).toBe(messages.length + extra + learned + 1);
    expect(count("late")).toBe(1);
    expect(count("duplicate")).toBeGreaterThanOrEqual(1);
    expect(count("deadLettered")).toBe(of("deadletter").length);
  });

  test("what stands on the broker is what a replay of the stored IN says", async () => {
    const intake = await readStream(nc, "FRESHET_IN");
    const told = published(await readStream(nc, "FRESHET_OUT"), intake);
    const wanted = await replayStored(intake, { trustRecv: true });
    expect(wanted.length).toBeGreaterThan(500);
    expect(told.sort()).toEqual(wanted.sort());
  });

  test("no identifier of a person is in outputs, metrics or log", async () => {
    const identifiers = new Set<string>(["o-secret-unionid-of-anna"]);
    for (const { body } of messages) {
      const ids = body["ids"] as readonly { readonly v: string }[] | undefined;
      for (const { v } of ids ?? []) if (identifiers.size < 400) identifiers.add(v);
    }
    expect(identifiers.size).toBe(400);
    const text = [...heard.map(({ text }) => text), await engine.metrics(), ...engine.logged].join(
      "\n",
    );
    expect([...identifiers].filter((v) => text.includes(v))).toEqual([]);
  });
});

describe("/metrics", () => {
  const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

  test.skipIf(!hasPromtool)("is what promtool accepts", async () => {
    // It exits with an error for every naming rule that is broken, too.
    const input = await engine.metrics();
    execFileSync("promtool", ["check", "metrics"], { input, stdio: ["pipe", "pipe", "pipe"] });
  });
  test.runIf(!hasPromtool)("promtool", ({ skip }) => skip("promtool is not installed"));

  test("has Node's own save those whose names promtool refuses", async () => {
    const text = await engine.metrics();
    expect(text).toContain("nodejs_eventloop_lag_seconds");
    expect(text).not.toMatch(/nodejs_active_\w+_total/);
    expect(samples(text, "freshet_event_to_output_seconds_count").get("")).toBeGreaterThan(0);
  });

  test("health and readiness", async () => {
    expect((await fetch(`${engine.http.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${engine.http.url}/readyz`)).status).toBe(200);
  });
});
