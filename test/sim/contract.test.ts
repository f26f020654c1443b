import { setTimeout as sleep } from "node:timers/promises";
import {
  AckPolicy,
  type ConsumerMessages,
  connect,
  createInbox,
  DeliverPolicy,
  headers,
  type JsMsg,
  type NatsConnection,
  nanos,
  type PurgeOpts,
  StorageType,
} from "nats";
import { describe, expect, test } from "vitest";
import { TestServer } from "../support/nats-server.ts";
import { SimBroker } from "./broker.ts";
import { Owner, SimClock } from "./clock.ts";
import { SimConnection, type Weather } from "./connection.ts";

/** Milliseconds; long enough for a busy machine to send twice within it. */
const WINDOW = 1500;

const CALM: Weather = {
  latency: () => 0.5,
  loses: () => false,
  repeats: () => undefined,
  ackDelay: () => 0,
  reorders: () => false,
  chunk: () => 3,
  survivesCut: () => true,
};

/** Everything the engine asks of a broker, and what it is told; times and names left out. */
async function conversation(nc: NatsConnection, wait: (ms: number) => Promise<void>) {
  const told: unknown[] = [];
  const jsm = await nc.jetstreamManager({ timeout: 3000, checkAPI: false });
  const tell = async (what: string, answer: Promise<unknown>) => {
    told.push([what, await answer.catch((error: unknown) => `refused: ${String(error)}`)]);
  };
  const info = async (name: string) => {
    const { state } = await jsm.streams.info(name);
    return [state.messages, state.first_seq, state.last_seq];
  };
  const message = (name: string, query: { seq: number } | { last_by_subj: string }) =>
    jsm.streams.getMessage(name, query).then(({ subject, seq, data, header }) => {
      return [subject, seq, Buffer.from(data).toString(), header.get("Nats-Msg-Id")];
    });

  const inbox = createInbox();
  const waiting = new Map<string, (answer: unknown) => void>();
  nc.subscribe(`${inbox}.*`, {
    callback: (_error, { subject, data, headers: about }) => {
      const text = Buffer.from(data).toString();
      const answer = text === "" ? `status ${about?.code}` : JSON.parse(text);
      waiting.get(subject)?.(answer);
    },
  });
  let sent = 0;
  const publish = (subject: string, text: string, id?: string) =>
    new Promise<unknown>((resolve) => {
      const about = headers();
      if (id !== undefined) about.set("Nats-Msg-Id", id);
      const reply = `${inbox}.${++sent}`;
      waiting.set(reply, resolve);
      nc.publish(subject, Buffer.from(text), { headers: about, reply });
    });

  await tell("info of no stream", info("C_A"));
  await jsm.streams.add({
    name: "C_A",
    subjects: ["c.a.>"],
    storage: StorageType.File,
    duplicate_window: nanos(WINDOW),
  });
  await tell("info of an empty stream", info("C_A"));
  await tell("last of nothing", message("C_A", { last_by_subj: "c.a.x" }));
  await tell("first message", publish("c.a.x", "1", "one"));
  await tell("same id", publish("c.a.x", "1", "one"));
  await tell("same id, other subject", publish("c.a.y", "1", "one"));
  await tell("other id", publish("c.a.y", "2", "two"));
  await tell("no id", publish("c.a.x", "3"));
  await tell("no id again", publish("c.a.x", "3"));
  await tell("nobody's subject", publish("c.b.x", "4", "four"));
  await tell("by sequence", message("C_A", { seq: 1 }));
  await tell("without an id", message("C_A", { seq: 4 }));
  await tell("no such sequence", message("C_A", { seq: 9 }));
  await tell("last by subject", message("C_A", { last_by_subj: "c.a.y" }));
  await tell("last by pattern", message("C_A", { last_by_subj: "c.a.>" }));
  await tell("last of a subject without any", message("C_A", { last_by_subj: "c.a.z" }));
  await wait(2 * WINDOW);
  await tell("same id, behind the window", publish("c.a.x", "1", "one"));
  await tell("and once more", publish("c.a.x", "1", "one"));

  let names = 0;
  const read = async (options: object, count: number) => {
    const consumer = await jsm.consumers.add("C_A", {
      name: `reader_${++names}`,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      deliver_policy: DeliverPolicy.StartSequence,
      inactive_threshold: nanos(60_000),
      ...options,
    });
    const found = await nc.jetstream({ timeout: 3000 }).consumers.get("C_A", consumer.name);
    const messages = await found.consume({
      max_messages: 4,
      expires: 5000,
      idle_heartbeat: 2500,
    });
    return [consumer.num_pending, await take(messages, count)];
  };
  const late = new Date(Date.now() + 3_600_000).toISOString();
  await tell("read all", read({ opt_start_seq: 1 }, 5));
  await tell("read on", read({ opt_start_seq: 4 }, 2));
  await tell("filtered", read({ opt_start_seq: 1, filter_subject: "c.a.x" }, 4));
  await tell("by pattern", read({ opt_start_seq: 2, filter_subject: "c.a.*" }, 4));
  await tell("headers only", read({ opt_start_seq: 1, headers_only: true }, 2));
  const startTime = { deliver_policy: DeliverPolicy.StartTime };
  await tell("since ever", read({ ...startTime, opt_start_time: new Date(0).toISOString() }, 5));
  await tell("since the future", read({ ...startTime, opt_start_time: late }, 0));
  await tell("behind the end", read({ opt_start_seq: 6 }, 0));
  await tell(
    "no such consumer",
    nc
      .jetstream({ timeout: 3000 })
      .consumers.get("C_A", "nobody")
      .then(() => "found"),
  );

  for (const text of ["5", "6", "7"]) await publish("c.a.z", text);
  const purge = async (options?: PurgeOpts) => (await jsm.streams.purge("C_A", options)).purged;
  await tell("purge below", purge({ filter: "c.a.z", seq: 7 }));
  await tell("purge but one", purge({ filter: "c.a.x", keep: 1 }));
  await tell("info with holes", info("C_A"));
  await tell("a purged message", message("C_A", { seq: 1 }));
  await tell("last of a purged subject", message("C_A", { last_by_subj: "c.a.x" }));
  await tell("read over holes", read({ opt_start_seq: 1 }, 4));
  const ever = { ...startTime, opt_start_time: new Date(0).toISOString() };
  await tell("since ever, over holes", read(ever, 4));
  await tell("delete by sequence", jsm.streams.deleteMessage("C_A", 5, true));
  await tell("delete it again", jsm.streams.deleteMessage("C_A", 5, true));
  await tell("info behind deletions", info("C_A"));
  const subjects = async (filter: string) =>
    (await jsm.streams.info("C_A", { subjects_filter: filter })).state.subjects ?? {};
  await tell("messages by subject", subjects("c.a.>"));
  await tell("messages of no subject", subjects("c.a.nobody.>"));
  const acknowledged = nc.jetstream({ timeout: 3000 }).publish("c.a.y", "9");
  await tell(
    "publish and wait",
    acknowledged.then(({ stream, seq }) => [stream, seq]),
  );
  await tell("purge below the first", purge({ filter: "c.a.z", seq: 1 }));
  await tell("info after it", info("C_A"));
  await tell("purge everything", purge());
  await tell("info when empty again", info("C_A"));
  await tell("the next sequence", publish("c.a.x", "8"));
  await jsm.streams.delete("C_A");
  await tell("info of a deleted stream", info("C_A"));
  await tell(
    "delete it again",
    jsm.streams.delete("C_A").then(() => "deleted"),
  );
  return told;
}

async function take(messages: ConsumerMessages, count: number): Promise<unknown[]> {
  const taken: unknown[] = [];
  if (count > 0) {
    for await (const message of messages) {
      taken.push(shown(message));
      if (taken.length === count) break;
    }
  }
  // Of one that was never read this never resolves.
  void messages.close();
  return taken;
}

/** How many are still to come is left out: a server may be one off for a moment, and nobody asks. */
const shown = ({ subject, seq, data, headers: about, info }: JsMsg): unknown => [
  subject,
  seq,
  info.streamSequence,
  info.deliverySequence,
  Buffer.from(data).toString(),
  about?.get("Nats-Msg-Id") || undefined,
];

async function withSimulated(): Promise<readonly unknown[]> {
  const wire = new Owner("wire");
  const owner = new Owner("client");
  const clock = new SimClock(Date.parse("2026-09-12T05:00:00Z"), wire);
  const broker = new SimBroker();
  const { nc } = new SimConnection({ clock, broker, weather: CALM, owner, wire });
  const wait = (ms: number) =>
    new Promise<void>((resolve) => {
      clock.after(ms, owner, resolve);
    });
  let told: readonly unknown[] | undefined;
  const restore = clock.install();
  try {
    clock.as(owner, () => {
      void conversation(nc, wait).then((all) => {
        told = all;
      });
    });
    await clock.run(() => told !== undefined);
  } finally {
    restore();
  }
  return told ?? [];
}

async function withReal(): Promise<readonly unknown[]> {
  const server = await TestServer.start();
  const nc = await connect({ servers: server.url });
  try {
    return await conversation(nc, (ms) => sleep(ms));
  } finally {
    await nc.close();
    await server.stop();
  }
}

describe("the simulated broker", () => {
  test("answers what a real one answers, word for word", async () => {
    const real = await withReal();
    expect(real.length).toBeGreaterThan(30);
    expect(await withSimulated()).toEqual(real);
  });
});
