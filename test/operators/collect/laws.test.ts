import { decode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CollectInput } from "../../../operators/collect/contract.ts";
import type { Cut } from "../../../src/state/part.ts";
import { days, minutes } from "../../../src/time/event-time.ts";
import { Carrier } from "../../support/parts.ts";
import {
  collector,
  json,
  msgpack,
  play,
  Recorder,
  type Said,
  sent,
  T0,
  viewed,
} from "./harness.ts";
import { goodTraffic, identifierOf } from "./traffic.ts";

const oddId = fc.constantFrom("a", "b", "c", "d", "", null, undefined, 7, {}, "x".repeat(300));
const oddTime = fc.constantFrom(
  T0,
  T0 - 10,
  T0 + days(1),
  T0 - days(30),
  "2026-10-31",
  "",
  null,
  1.5,
  -0,
);
const oddEvent = fc.record(
  {
    id: oddId,
    type: fc.constantFrom("product.viewed", "searched", "nope", "__proto__", 3),
    ts: oddTime,
    sent: oddTime,
    ids: fc.constantFrom(
      [{ k: "anon", v: "a" }],
      [
        { k: "login", v: "l" },
        { k: "anon", v: "b" },
      ],
      [],
      "a",
    ),
    props: fc.constantFrom({ sku: "s1" }, { sku: 1 }, { mobile: "1" }, null, "props", [1]),
  },
  { requiredKeys: [] },
);
/** Sound, but perhaps known already, or long past. */
const soundEvent = fc
  .tuple(fc.nat(30), fc.constantFrom(T0, T0 - 10, T0 - days(30)))
  .map(([id, ts]) => viewed(`v${id}`, { ts }));
const value = fc.oneof(
  { weight: 5, arbitrary: oddEvent },
  { weight: 5, arbitrary: soundEvent },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const subject = fc.constantFrom(
  "in.event.mp.product.viewed",
  "in.event.x",
  "in.feedback.clicked",
  "in.fact.catalog.k",
  "in.knowledge.popular.1",
  "in.raw.a.b",
);
const body = fc.oneof(
  value.map((v) => json(v)),
  fc.array(value, { maxLength: 6 }).map((v) => json(v)),
  fc.array(value, { maxLength: 6 }).map((v) => msgpack(JSON.parse(JSON.stringify(v)))),
  // No decoder takes 0xc1.
  fc.uint8Array({ maxLength: 20 }).map((rest) => Uint8Array.from([0xc1, ...rest])),
);
const record = fc.record({
  subject,
  data: body,
  msgId: fc.constantFrom(undefined, "m1", "m2"),
  gap: fc.nat(3000),
});
const records = fc.array(record, { maxLength: 12 }).map((list): CollectInput[] => {
  let time = T0;
  return list.map(({ data, gap, ...rest }, i) => {
    time += gap;
    return sent(data, { ...rest, seq: i + 1, time });
  });
});

/** How many events, facts and unreadable bodies a record holds, counted without collect. */
function held({ data, subject: to }: CollectInput): number {
  if (to.startsWith("in.raw.") || to.startsWith("in.knowledge.")) return 1;
  const read = (): unknown => {
    const first = data[0] ?? 0;
    const isJson = first === 0x7b || first === 0x5b || first === 0x20;
    return isJson
      ? JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data))
      : decode(data);
  };
  try {
    const v = read();
    return Array.isArray(v) && v.length > 0 ? v.length : 1;
  } catch {
    return 1;
  }
}

describe("accounting", () => {
  test("in = applied + duplicate + late + dead-lettered, each of them told, whatever comes", () => {
    const total = { applied: 0, duplicate: 0, late: 0, deadLettered: 0 };
    fc.assert(
      fc.property(records, fc.boolean(), (inputs, trustRecv) => {
        const collect = collector({ trustRecv });
        const recorder = play(inputs, collect);
        const { counts } = collect;
        const told = (prefix: string) =>
          recorder.messages.filter((m) => m.subject.startsWith(prefix)).length;
        expect(counts.in).toBe(
          counts.applied +
            counts.duplicate +
            counts.late +
            counts.withheld +
            counts.flagged +
            counts.deadLettered,
        );
        expect(counts.in).toBe(inputs.reduce((sum, input) => sum + held(input), 0));
        expect(counts.applied).toBe(counts.events + counts.factBodies);
        expect(counts.events).toBe(recorder.events.length);
        expect(counts.facts).toBe(recorder.facts.length);
        expect(counts.late).toBe(told("late."));
        expect(counts.deadLettered).toBe(told("deadletter."));
        const reasons = Object.values(counts.reasons).reduce((a, b) => a + b, 0);
        expect(reasons).toBe(counts.deadLettered);
        for (const name of Object.keys(total) as (keyof typeof total)[])
          total[name] += counts[name];
      }),
      { numRuns: 400 },
    );
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(5);
  });

  test("what goes out is sound: times in bounds, ids and causes unique, seconds rising", () => {
    fc.assert(
      fc.property(records, (inputs) => {
        const { events, said, seconds, messages } = play(inputs);
        for (const { at, key, id, payload } of events) {
          const recv = payload[5];
          expect(at).toBeLessThanOrEqual(recv);
          expect(at).toBeGreaterThanOrEqual(recv - days(7));
          expect(key).toMatch(/^p_[0-9a-f]{16}$/);
          expect(id).toMatch(/^[0-9a-f]{32}$/);
        }
        const unique = [
          ...events.map((e) => e.id),
          ...said.flatMap((s) => (s[0] === "publish" ? [s[2]] : [])),
        ];
        expect(new Set(unique).size).toBe(unique.length);
        for (const { subject: to } of messages)
          expect(to).toMatch(/^(deadletter\.[a-z0-9_-]+|late\.collect)$/);
        seconds.forEach((second, i) => {
          expect(second % 1000).toBe(0);
          expect(second).toBeGreaterThan(seconds[i - 1] ?? 0);
        });
      }),
    );
  });
});

describe("state", () => {
  const small = { dedupeEntries: 16, identities: 16, dedupeWindow: minutes(1) };
  test("stopped, stored by cuts and restored anywhere is the same as never stopped", () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.record({ after: fc.nat(20), whole: fc.boolean() }), { maxLength: 6 }),
        fc.boolean(),
        (seed, n, cuts, tiny) => {
          const once = goodTraffic(seed, n);
          // Every third record comes again later, as after an acknowledgement that was lost.
          const inputs = once.flatMap((input, i) => {
            const again = i % 3 === 0 ? once[i - Math.min(i, 9)] : undefined;
            return again === undefined ? [input] : [input, { ...again, time: input.time }];
          });
          const options = tiny ? small : {};
          const whole = play(inputs, collector(options));
          const first = collector(options);
          const parts = first.parts();
          const carrier = new Carrier();
          carrier.cut(parts, true);
          const said: Said[] = [];
          let at = 0;
          for (const { after, whole: anew } of cuts) {
            said.push(...play(inputs.slice(at, at + after), first).said);
            at += after;
            carrier.cut(parts, anew);
          }
          const second = collector(options);
          carrier.restore(second.parts());
          expect(second.sizes).toEqual(first.sizes);
          said.push(...play(inputs.slice(at), second).said);
          expect(said).toEqual(whole.said);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("what one was told after a cut is not in the cut", () => {
    const collect = collector();
    const parts = collect.parts();
    const inputs = goodTraffic(7, 60);
    play(inputs.slice(0, 30), collect);
    const carrier = new Carrier();
    const cuts = parts.map((part) => part.cut(true));
    play(inputs.slice(30), collect);
    const late = new Carrier();
    late.cut(
      parts.map((part, i) => ({ ...part, name: part.name, cut: () => cuts[i] as Cut })),
      true,
    );
    const fresh = collector();
    play(inputs.slice(0, 30), fresh);
    carrier.cut(fresh.parts(), true);
    const [a, b] = [collector(), collector()];
    late.restore(a.parts());
    carrier.restore(b.parts());
    expect(a.sizes).toEqual(b.sizes);
    expect(play(inputs, a).said).toEqual(play(inputs, b).said);
  });

  test("stays within its bounds", () => {
    const collect = collector({ dedupeEntries: 100, identities: 100 });
    const recorder = new Recorder();
    for (let i = 0; i < 2000; i += 1) {
      const ids = [
        { k: "anon", v: `a${i}` },
        { k: "device", v: `d${i}` },
      ];
      collect.handle(sent(json(viewed(`e${i}`, { ids })), { seq: i }), recorder);
      expect(collect.sizes.identifiers).toBeLessThanOrEqual(102);
      expect(collect.sizes.seen).toBeLessThanOrEqual(100);
    }
    expect(recorder.events).toHaveLength(2000);
    expect(collect.counts.forgotten + collect.sizes.identifiers).toBe(4000);
  });

  test("asking changes nothing", () => {
    const inputs = goodTraffic(3, 40);
    const asked = collector(small);
    const recorder = new Recorder();
    for (const input of inputs) {
      asked.resolve([{ k: "anon", v: "nobody" }]);
      asked.handle(input, recorder);
      for (let i = 0; i < 40; i += 1) asked.resolve([{ k: "login", v: identifierOf("login", i) }]);
    }
    expect(recorder.said).toEqual(play(inputs, collector(small)).said);
  });
});
