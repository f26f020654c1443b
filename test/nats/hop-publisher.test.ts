import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFrame, type LogRecord, TIME } from "../../src/codec/frame.ts";
import type { AckInbox } from "../../src/nats/ack-inbox.ts";
import { HopPublisher } from "../../src/nats/hop-publisher.ts";
import { Slots } from "../../src/nats/slots.ts";

interface Frame {
  readonly subject: string;
  readonly records: readonly LogRecord[];
  readonly acknowledge: () => void;
}

/** What stands in for the broker: frames in the order in which they came, acknowledged when the test says so. */
function broker() {
  const frames: Frame[] = [];
  let ending: (() => void)[] = [];
  const inbox = {
    send: ({ subject, payload, onAck }: Parameters<AckInbox["send"]>[0]) => {
      const { records } = decodeFrame(payload);
      frames.push({ subject, records, acknowledge: () => onAck(frames.length) });
    },
    atEndOfTurn: (task: () => void) => ending.push(task),
  } as unknown as AckInbox;
  const endTurn = (): void => {
    const tasks = ending;
    ending = [];
    for (const task of tasks) task();
  };
  return { frames, inbox, endTurn };
}

const record = (seq: number): LogRecord => [TIME, seq, 0, seq];

/** What happens: a record for a target, the end of a turn, or an acknowledgement of one of those in flight. */
const happenings = fc.array(
  fc.oneof(
    fc.record({ what: fc.constant("push" as const), which: fc.nat() }),
    fc.record({ what: fc.constantFrom("turn" as const, "ack" as const), which: fc.nat() }),
  ),
  { maxLength: 200 },
);

test("few frames at a time, one of a target, and every record once, in order", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), happenings, (count, list) => {
      const { frames, inbox, endTurn } = broker();
      const slots = new Slots(() => count);
      const targets = ["a", "b", "c", "d", "e"];
      const publishers = targets.map(
        (target) => new HopPublisher({ inbox, slots }, { subject: target, source: "s", target }),
      );
      const pushed = targets.map((): LogRecord[] => []);
      const open = new Set<Frame>();
      let seen = 0;
      const look = (): void => {
        for (; seen < frames.length; seen += 1) open.add(frames[seen] as Frame);
        expect(open.size).toBeLessThanOrEqual(count);
        expect(new Set([...open].map(({ subject }) => subject)).size).toBe(open.size);
      };
      const acknowledge = (which: number): void => {
        const frame = [...open][which % open.size];
        if (frame === undefined) return;
        open.delete(frame);
        frame.acknowledge();
      };
      list.forEach(({ what, which }, i) => {
        if (what === "turn") endTurn();
        else if (what === "ack") acknowledge(which);
        else {
          const at = which % targets.length;
          pushed[at]?.push(record(i + 1));
          publishers[at]?.push(record(i + 1));
        }
        look();
      });
      for (endTurn(), look(); open.size > 0; look()) acknowledge(0);
      targets.forEach((target, i) => {
        const sent = frames.filter(({ subject }) => subject === target);
        expect(sent.flatMap(({ records }) => records)).toEqual(pushed[i]);
        expect(publishers[i]?.idle).toBe(true);
      });
    }),
  );
});

test("where more comes than is acknowledged, frames become longer, not more", () => {
  const { frames, inbox, endTurn } = broker();
  const slots = new Slots(() => 2);
  const publishers = Array.from({ length: 16 }, (_, i) => {
    return new HopPublisher({ inbox, slots }, { subject: `${i}`, source: "s", target: `${i}` });
  });
  for (let seq = 1; seq <= 160; seq += 1) publishers[seq % 16]?.push(record(seq));
  endTurn();
  expect(frames.length).toBe(2);
  for (let i = 0; i < frames.length; i += 1) frames[i]?.acknowledge();
  expect(frames.map(({ records }) => records.length)).toEqual(new Array(16).fill(10));
});

test("slots that become fewer or more while frames are in flight", () => {
  let most = 3;
  const slots = new Slots(() => most);
  const begun: number[] = [];
  for (let i = 0; i < 8; i += 1) slots.take(() => begun.push(i));
  expect(begun).toEqual([0, 1, 2]);
  most = 1;
  slots.give();
  slots.give();
  expect(begun).toEqual([0, 1, 2]);
  slots.give();
  expect(begun).toEqual([0, 1, 2, 3]);
  most = 2;
  slots.give();
  expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
});
