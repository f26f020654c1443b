import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Collect } from "../../operators/collect/collect.ts";
import type { JournalRecord } from "../../operators/collect/contract.ts";
import { type Again, againOf, recordOf } from "../../src/cli/deadletter/again.ts";
import type { DeadLetter } from "../../src/cli/deadletter/letters.ts";
import type { Message } from "../../src/flow/operator.ts";
import type { StoredMessage } from "../../src/replay/stored-message.ts";
import { days, type EventTime, hours } from "../../src/time/event-time.ts";
import { collector, json, msgpack, play, sent, T0, viewed } from "../operators/collect/harness.ts";

const options = { maxAge: days(7), trustRecv: false };
const AFTER = T0 + hours(2);

/** Takes every type and property: the tracking plan after it was mended. */
const lenient = (): Collect =>
  collector({ validate: (_type, props) => ({ ok: true, props: props as never, stripped: 0 }) });

const storedAs = (data: Uint8Array, subject: string): StoredMessage => ({
  subject,
  seq: 7,
  time: T0 as EventTime,
  headers: {},
  data,
});

/** A dead letter as it comes back from `OUT`. */
const letterOf = ({ subject, data }: Message): DeadLetter => ({
  id: "f".repeat(32),
  seq: 1,
  time: T0 as EventTime,
  subject,
  reason: subject.slice(subject.lastIndexOf(".") + 1),
  data: JSON.parse(JSON.stringify(data)) as DeadLetter["data"],
});

function takenAgain(letter: DeadLetter, stored: StoredMessage): Again {
  expect(recordOf(letter)).toBe(stored.seq);
  const again = againOf(letter, stored, options);
  if (!again.ok) throw new Error(again.why);
  return again;
}

const handle = (
  collect: Collect,
  { subject, data }: Pick<Again, "subject" | "data">,
  time: number,
) => play([sent(data, { subject, time, seq: 7 })], collect);

/** Who did what when; the log's own ids are left out. */
const facts = ({ key, at, payload: [type, , , props] }: JournalRecord) => ({
  key,
  at,
  type,
  props,
});
const client = ({ payload }: JournalRecord) => payload[4];

/** Whole bodies and batches; each event on its own clock, some in the future, some refused. */
const anyEvent = fc
  .record({
    type: fc.constantFrom("product.viewed", "brand.new", "order.paid"),
    ts: fc.integer({ min: -5000, max: 3000 }).map((ms) => T0 + ms),
    delay: fc.option(fc.integer({ min: -500, max: 4000 })),
    sku: fc.constantFrom("s1", 5 as const),
    source: fc.constantFrom(undefined, "app"),
  })
  .map(({ type, ts, delay, sku, source }) => ({
    type,
    ts,
    props: { sku },
    ...(delay === null ? {} : { sent: ts + delay }),
    ...(source === undefined ? {} : { src: { source } }),
  }));
const anyBody = fc.record({
  events: fc.array(anyEvent, { minLength: 1, maxLength: 5 }),
  batch: fc.boolean(),
  packed: fc.boolean(),
});

function bodyOf({
  events,
  batch,
  packed,
}: typeof anyBody extends fc.Arbitrary<infer T> ? T : never) {
  const named = events.map((event, i) => viewed(`e${i}`, event));
  const value = batch ? named : named[0];
  return storedAs(packed ? msgpack(value) : json(value), "in.event.mp.product.viewed");
}

test("a refused event that is sent again counts as it would have counted at first", () => {
  let refused = 0;
  fc.assert(
    fc.property(anyBody, (body) => {
      const stored = bodyOf(body);
      const letters = handle(collector(), stored, T0).messages.filter(({ subject }) =>
        subject.startsWith("deadletter."),
      );
      const wanted = handle(lenient(), stored, T0).events;
      const mended = lenient();
      for (const message of letters) {
        refused += 1;
        const events = handle(mended, takenAgain(letterOf(message), stored), AFTER).events;
        const same = wanted.filter((event) => events.some((e) => client(e) === client(event)));
        expect(events.length).toBe(1);
        expect(events.map(facts)).toEqual(same.map(facts));
      }
    }),
  );
  expect(refused).toBeGreaterThan(50);
});

test("an event that broke an operator counts again, once, as what and when it was", () => {
  fc.assert(
    fc.property(anyBody, (body) => {
      const stored = bodyOf(body);
      const collect = lenient();
      const { events } = handle(collect, stored, T0);
      for (const record of events) {
        const [type, , , , clientId, recv] = record.payload;
        const event = { id: record.id, type, at: record.at, recv, clientId };
        const data = { seq: 7, operator: "o", event };
        const letter = { ...letterOf({ subject: "deadletter.operator", data }), id: record.id };
        const again = takenAgain(letter, stored);
        const fresh = handle(collect, again, AFTER).events;
        expect(fresh.map(facts)).toEqual([facts(record)]);
        expect(handle(collect, again, AFTER + 1).events).toEqual([]);
      }
    }),
  );
});

test("a body nobody can read goes as it was, byte for byte", () => {
  const broken = storedAs(Buffer.from("{not json"), "in.event.mp.page");
  const [message] = handle(collector(), broken, T0).messages;
  expect(takenAgain(letterOf(message as Message), broken)).toEqual({
    ok: true,
    subject: broken.subject,
    data: broken.data,
    contentType: undefined,
  });
});

test("feedback without a time keeps the time it came at", () => {
  const stored = storedAs(json({ rec_id: 7 }), "in.feedback.clicked");
  const [message] = handle(collector(), stored, T0).messages;
  const again = takenAgain(letterOf(message as Message), stored);
  expect(JSON.parse(Buffer.from(again.data).toString())).toEqual({ rec_id: 7, ts: T0 });
});

describe("what cannot be sent again says why", () => {
  const stored = storedAs(json(viewed("e")), "in.event.mp.product.viewed");
  const [refusal] = handle(collector(), storedAs(json({ type: 7 }), "in.event.x"), T0).messages;
  const operator = (data: object) =>
    letterOf({ subject: "deadletter.operator", data: { ...data } });

  test("a timer, a share of an event, a letter without a place", () => {
    expect(recordOf(operator({ timer: "t" }))).toMatchObject({
      ok: false,
      why: expect.stringMatching(/timer/),
    });
    expect(recordOf(operator({ event: {} }))).toMatchObject({
      ok: false,
      why: expect.stringMatching(/another operator/),
    });
    expect(recordOf(letterOf({ subject: "deadletter.shape", data: {} }))).toMatchObject({
      ok: false,
    });
  });

  test("a record that is gone, or another one", () => {
    const letter = letterOf(refusal as Message);
    expect(againOf(letter, undefined, options)).toMatchObject({
      ok: false,
      why: expect.stringMatching(/no longer on IN/),
    });
    expect(againOf(letter, stored, options)).toMatchObject({
      ok: false,
      why: expect.stringMatching(/another one/),
    });
    const event = { id: "0", clientId: "e", recv: T0 };
    expect(againOf(operator({ seq: 7, event }), stored, options)).toMatchObject({ ok: false });
  });
});
