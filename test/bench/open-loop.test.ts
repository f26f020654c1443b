import { headers, type NatsConnection } from "nats";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { OpenLoop } from "../../bench/open-loop.ts";
import { eventId } from "../../operators/collect/event-id.ts";
import { connectBroker } from "../../src/nats/connect.ts";
import { eventTime } from "../../src/time/event-time.ts";
import { TestServer } from "../support/nats-server.ts";

let server: TestServer;
let load: NatsConnection;
let engine: NatsConnection;

beforeAll(async () => {
  server = await TestServer.start();
  load = await connectBroker({ url: server.url }, "load");
  engine = await connectBroker({ url: server.url }, "engine");
});
afterAll(async () => {
  await load.close();
  await engine.close();
  await server.stop();
});

const EVENTS = Array.from({ length: 7 }, (_, i) => ({
  subject: "in.event.mp.product.viewed",
  body: { id: `e${i}`, ids: [{ k: "unionid", v: `o${i}` }] },
}));

test("nothing waits for an answer, and what an event led to is known by its cause", async () => {
  const pace = { rate: 100, seconds: 0.2, listenMs: 3000 };
  const questions: { respond(data: Uint8Array): void }[] = [];
  const ids: string[] = [];
  const recommend = (cause: string): void => {
    const about = headers();
    about.set("ce-causationid", cause);
    engine.publish("t.recommendation.wecom.product", "{}", { headers: about });
  };
  engine.subscribe("t.in.event.>", {
    callback: (_, message) => {
      const { id, ts, recv } = message.json<{ id: string; ts: number; recv: number }>();
      expect(recv).toBe(ts);
      ids.push(id);
      // One in three leads to something, by itself or by way of another key.
      if (ids.length % 3 === 0) recommend(`${eventId("", id, recv, 0)}+1`);
    },
  });
  engine.subscribe("t.ask.profile", {
    callback: (_, message) => {
      questions.push(message);
      if (questions.length < 20) return;
      recommend("rule/absent@1/p_1");
      // Whoever waited for the first answer would never have come to the last question; one is left out.
      for (const question of questions.slice(1)) question.respond(new Uint8Array());
    },
  });
  await engine.flush();
  const loop = new OpenLoop({ trackers: load, pages: load }, "t", EVENTS, eventTime(1_000_000));
  await loop.run({ ...pace, listenMs: 0 });
  await vi.waitFor(() => expect(ids).toHaveLength(20), 60_000);
  ids.length = 0;
  const paced = await loop.run({ ...pace, asks: { of: "profile", rate: 100 } });
  expect(ids).toHaveLength(20);
  expect(new Set(ids).size).toBe(20);
  expect(paced.recommendations.count).toBe(6);
  expect(paced.others).toBe(1);
  expect(paced.asks).toMatchObject({ count: 20, unanswered: 1 });
});
