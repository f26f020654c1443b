import { headers, type NatsConnection } from "nats";
import { afterEach, expect, test } from "vitest";
import { AckInbox } from "../../src/nats/ack-inbox.ts";
import { makeLog } from "../../src/watch/log.ts";

/** A connection that notes what it is given, and in which turn of the thread. */
class Wire {
  readonly published: { readonly subject: string; readonly turn: number }[] = [];
  turn = 0;
  readonly nc = {
    subscribe: () => ({ unsubscribe: () => undefined }),
    isClosed: () => false,
    publish: (subject: string) => {
      this.published.push({ subject, turn: this.turn });
      // As the client does: what is published before the next microtask is one write.
      queueMicrotask(() => {
        this.turn = this.published.length;
      });
    },
  } as unknown as NatsConnection;
}

let inbox: AckInbox;
afterEach(() => inbox.close());

const send = (subject: string): void =>
  inbox.send({
    subject,
    payload: new Uint8Array(),
    headers: headers(),
    onAck: () => undefined,
  });
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("what several steps of a turn send is one write, in the order of sending", async () => {
  const wire = new Wire();
  inbox = new AckInbox(wire.nc, makeLog("silent"));
  for (let step = 0; step < 5; step += 1) {
    send(`step.${step}`);
    await Promise.resolve();
  }
  await nextTurn();
  expect(wire.published.map(({ subject }) => subject)).toEqual(
    [0, 1, 2, 3, 4].map((n) => `step.${n}`),
  );
  expect(new Set(wire.published.map(({ turn }) => turn)).size).toBe(1);
});

test("what the end of a turn sends leaves with what the turn sent", async () => {
  const wire = new Wire();
  inbox = new AckInbox(wire.nc, makeLog("silent"));
  inbox.atEndOfTurn(() => send("frame.1"));
  send("output");
  inbox.atEndOfTurn(() => send("frame.2"));
  await nextTurn();
  expect(wire.published).toEqual(
    ["output", "frame.1", "frame.2"].map((subject) => ({ subject, turn: 0 })),
  );
});

test("what stands already by the end of the turn is not sent, and counts as acknowledged", async () => {
  const wire = new Wire();
  inbox = new AckInbox(wire.nc, makeLog("silent"));
  let stands = false;
  let acknowledged = 0;
  inbox.send({
    subject: "output",
    payload: new Uint8Array(),
    headers: headers(),
    onAck: () => {
      acknowledged += 1;
    },
    beforeSend: () => (stands ? "stands" : "send"),
  });
  stands = true;
  await nextTurn();
  expect(wire.published).toEqual([]);
  expect(acknowledged).toBe(1);
  expect(inbox.size).toBe(0);
});
