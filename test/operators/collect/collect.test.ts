import { describe, expect, test } from "vitest";
import { makeIdentifier } from "../../../src/codec/identifier.ts";
import { days, hours, isoTime, minutes } from "../../../src/time/event-time.ts";
import { collector, json, msgpack, play, Recorder, sent, T0, viewed } from "./harness.ts";

const person = (record: { key: string } | undefined): string | undefined => record?.key;

describe("time", () => {
  test("a new second goes out before what happens in it, and once", () => {
    const { said } = play([
      sent(json(viewed("a")), { time: T0 + 100 }),
      sent(json(viewed("b")), { time: T0 + 999 }),
      sent(json([viewed("c"), viewed("d")]), { time: T0 + 3001 }),
      sent(new Uint8Array(0), { subject: "in.tick", time: T0 + 4000 }),
      sent(json(viewed("e")), { time: T0 + 3500 }),
    ]);
    expect(
      said.map((s) => (s[0] === "event" ? s[1].payload[4] : s[0] === "time" ? s[1] - T0 : s[0])),
    ).toEqual([0, "a", "b", 3000, "c", "d", 4000, "e"]);
  });

  test("where it is trusted, an event's recv, else its ts, is broker time, never back", () => {
    const collect = collector({ trustRecv: true });
    const { said } = play(
      [
        sent(json([viewed("a", { ts: T0 }), viewed("b", { ts: T0 + 2500 })]), { time: 0 }),
        sent(json(viewed("c", { ts: T0 + 1000 })), { time: 0 }),
        sent(json(viewed("d", { ts: T0, recv: isoTime((T0 + 5000) as never) })), { time: 0 }),
        sent(json({ recv: T0 + 9000 }), { subject: "in.tick", time: 0 }),
        sent(new Uint8Array(0), { subject: "in.tick", time: T0 + days(1) }),
      ],
      collect,
    );
    const told = said.map((s) =>
      s[0] === "event"
        ? [s[1].payload[4], s[1].at - T0, s[1].payload[5] - T0]
        : s[0] === "time"
          ? s[1] - T0
          : s[0],
    );
    expect(told).toEqual([
      0,
      ["a", 0, 0],
      2000,
      ["b", 2500, 2500],
      ["c", 1000, 2500],
      5000,
      ["d", 0, 5000],
      9000,
    ]);
  });

  test.each`
    ts                             | at           | why
    ${T0 - 5000}                   | ${-5000}     | ${"no word of sending: the tracker's clock it is"}
    ${T0 + hours(9)}               | ${0}         | ${"nothing happens in the future"}
    ${T0 - days(7)}                | ${-days(7)}  | ${"as old as allowed"}
    ${T0 - days(7) - 1}            | ${undefined} | ${"older than allowed"}
    ${"2026-11-01T00:00:00+08:00"} | ${0}         | ${"a zone"}
  `("event at $ts: $why", ({ ts, at }) => {
    const collect = collector();
    const { events, messages } = play([sent(json(viewed("a", { ts })))], collect);
    expect(events.map((e) => e.at - T0)).toEqual(at === undefined ? [] : [at]);
    expect(messages.map((m) => m.subject)).toEqual(at === undefined ? ["late.collect"] : []);
    expect(collect.counts.late).toBe(at === undefined ? 1 : 0);
  });

  test.each`
    ts                  | sentAt                | at              | why
    ${T0 - hours(1)}    | ${T0 - minutes(59)}   | ${-minutes(1)}  | ${"a clock an hour slow"}
    ${T0 + days(400)}   | ${T0 + days(400) + 5} | ${-5}           | ${"a clock a year fast"}
    ${T0 - minutes(10)} | ${T0}                 | ${-minutes(10)} | ${"a right clock, sent later"}
    ${T0 - 100}         | ${T0 - 200}           | ${-100}         | ${"sent before it happened: no help"}
    ${T0 - 100}         | ${T0 + days(8)}       | ${-100}         | ${"sent a week later: no help"}
    ${T0 - 100}         | ${"yesterday"}        | ${-100}         | ${"no time: no help"}
  `("clock correction: $why", ({ ts, sentAt, at }) => {
    const { events } = play([sent(json(viewed("a", { ts, sent: sentAt })))]);
    expect(events.map((e) => e.at - T0)).toEqual([at]);
  });
});

describe("duplicates", () => {
  test("are told by source and id, in whatever form they come", () => {
    const collect = collector();
    const web = { src: { source: "web" } };
    const { events } = play(
      [
        sent(json(viewed("a"))),
        sent(msgpack([viewed("a"), viewed("b")]), { time: T0 + hours(20) }),
        sent(json(viewed("a", { ...web, props: { sku: "s2" } }))),
        sent(json(viewed("a", web))),
      ],
      collect,
    );
    expect(events.map((e) => [e.payload[4], e.payload[3]])).toEqual([
      ["a", { sku: "s1" }],
      ["b", { sku: "s1" }],
      ["a", { sku: "s2" }],
    ]);
    expect(collect.counts).toMatchObject({ in: 5, applied: 3, duplicate: 2 });
  });

  test("without an id are told by what they say", () => {
    const { events } = play([
      sent(json(viewed("", { props: { sku: "s1", mobile: "x" } }))),
      sent(json(viewed("", { props: { sku: "s1" } })), { time: T0 + 5 }),
      sent(json(viewed("", { props: { sku: "s2" } }))),
    ]);
    expect(events.map((e) => e.payload[3])).toEqual([{ sku: "s1" }, { sku: "s2" }]);
  });

  test("one id in one record at one time is one event id", () => {
    const batch = json([viewed("a"), viewed("b")]);
    const ids = (time: number, seq: number) =>
      play([sent(batch, { time, seq })]).events.map((e) => e.id);
    expect(ids(T0, 1)).toEqual(ids(T0, 99));
    expect(new Set([...ids(T0, 1), ...ids(T0 + 1, 1)]).size).toBe(4);
    for (const id of ids(T0, 1)) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("identity", () => {
  const by = (...ids: [string, string][]) => ({ ids: ids.map(([k, v]) => ({ k, v })) });

  test("ids that an event carries together are one person from then on", () => {
    const collect = collector();
    const { events } = play(
      [
        viewed("1", by(["anon", "a-1"])),
        viewed("2", by(["openid:wx1", "o-1"], ["anon", " a-1 "])),
        viewed("3", by(["openid:wx1", "o-1"])),
        viewed("4", by(["openid:wx2", "o-1"])),
      ].map((event) => sent(json(event))),
      collect,
    );
    const [first, second, third, fourth] = events.map(person);
    expect([second, third]).toEqual([first, first]);
    expect(fourth).not.toBe(first);
    expect(first).toMatch(/^p_[0-9a-f]{16}$/);
    expect(collect.resolve([{ k: "openid:wx1", v: "o-1" }])).toBe(first);
    expect(collect.resolve([{ k: "openid:wx1", v: "nobody" }])).toBeUndefined();
    expect(collect.resolve("nonsense")).toBeUndefined();
  });

  test("persons who turn out to be one are the one met first from there on", () => {
    const collect = collector();
    const { events, said } = play(
      [
        viewed("1", by(["login", "old"])),
        viewed("2", by(["unionid", "young"])),
        viewed("3", by(["unionid", "young"], ["login", "old"], ["device", "d"])),
        viewed("4", by(["device", "d"])),
        viewed("5", by(["unionid", "young"])),
      ].map((event) => sent(json(event))),
      collect,
    );
    const [old, young, both, device, after] = events.map(person);
    expect([both, device, after]).toEqual([old, old, old]);
    expect(collect.counts).toMatchObject({ minted: 2, linked: 3, merged: 1, conflicts: 0 });
    // What the groups are told goes before the event that brought it about.
    const told = said.filter(([kind]) => kind === "link" || kind === "event").map(([kind]) => kind);
    expect(told).toEqual(["event", "event", "link", "event", "event", "event"]);
    expect(said.find(([kind]) => kind === "link")?.[1]).toMatchObject({ from: young, to: old });
    expect(collect.resolve([{ k: "unionid", v: "young" }])).toBe(old);
  });

  test("under another tenant key, once the log names it, everybody is who they were", () => {
    const before = makeIdentifier({ key: "the key of last year" });
    const now = makeIdentifier({ key: "the key of this year" });
    const collect = collector({ key: now, previousKey: before });
    const at = (n: string) => sent(json(viewed(n, by(["unionid", "u"]))));
    const rotates = { ...sent(json({ key: now.keyId })), subject: "in.key" };
    const { events } = play([at("1"), rotates, at("2"), at("3")], collect);
    const [first, ...later] = events.map(person);
    expect(first).toBe(`p_${before.identify("unionid", "u").slice(0, 16)}`);
    expect(later).toEqual([first, first]);
    expect(collect.counts).toMatchObject({ minted: 1, deadLettered: 0 });
    const unknown = { ...sent(json({ key: "k_00000000" })), subject: "in.key" };
    expect(() => play([unknown], collect)).toThrow(/k_00000000/);
  });

  test("the strongest identifier names the person, wherever it stands", () => {
    const names = [
      by(["anon", "a"], ["unionid", "u"]),
      by(["unionid", "u"], ["anon", "b"]),
      by(["unionid", "u"]),
    ].map((ids) => person(play([sent(json(viewed("1", ids)))]).events[0]));
    expect(new Set(names).size).toBe(1);
  });

  test.each`
    ids                                                | field
    ${undefined}                                       | ${"ids"}
    ${[]}                                              | ${"ids"}
    ${[{ k: "cookie", v: "c" }]}                       | ${"ids"}
    ${[{ k: "openid:", v: "c" }]}                      | ${"ids"}
    ${[{ k: "anon", v: "  " }]}                        | ${"ids.0.v"}
    ${[{ k: "anon", v: "a" }, { k: "device", v: {} }]} | ${"ids.1.v"}
    ${[{ k: 7, v: "a" }]}                              | ${"ids.0.k"}
    ${[null]}                                          | ${"ids.0"}
    ${{ unionid: "u" }}                                | ${"ids"}
    ${new Array(17).fill({ k: "anon", v: "a" })}       | ${"ids"}
  `("nobody is dead-lettered: $ids", ({ ids, field }) => {
    const { messages, events } = play([sent(json(viewed("1", { ids })))]);
    expect(events).toEqual([]);
    expect(messages).toMatchObject([{ subject: "deadletter.ids", data: { reason: "ids", field } }]);
  });

  test("an erasure reaches everybody the person was before: no late feedback brings them back", () => {
    const collect = collector();
    const [ann, bea] = [
      { k: "unionid", v: "ann" },
      { k: "openid:wx-mp", v: "bea" },
    ];
    const acts = (seq: number, ids: readonly object[], over: object = {}) =>
      sent(json(viewed(`e${seq}`, { ids, ...over })), { seq });
    const before = play([acts(1, [ann]), acts(2, [bea])], collect);
    const names = before.events.map(({ key }) => key);
    expect(new Set(names).size).toBe(2);
    const late = (name: string, seq: number) => {
      const body = { rec_id: `r_${name.slice(2)}_${"0".repeat(12)}`, item: `s${seq}` };
      return sent(json(body), { subject: "in.feedback.clicked", seq });
    };
    const linked = play([acts(3, [ann, bea]), late(names[1] ?? "", 4)], collect);
    expect(linked.events.map(({ key }) => key)).toEqual([names[0], names[0]]);
    const asked = sent(json({ id: "leave", ids: [ann] }), {
      subject: "in.privacy.request.delete",
      seq: 5,
    });
    const [erase] = play([asked], collect).messages;
    expect(erase?.data).toMatchObject({ person: names[0], names: [names[1]] });
    const record = sent(json(erase?.data), { subject: erase?.subject ?? "", seq: 6 });
    expect(play([record], collect).events).toMatchObject([{ key: names[0] }]);
    const after = [acts(7, [ann]), acts(8, [bea]), ...names.map((name, i) => late(name, 9 + i))];
    expect(play(after, collect).events).toEqual([]);
    expect(collect.counts.withheld).toBe(4);
  });

  test("feedback goes to the person that its rec_id names, else to its ids", () => {
    const rec = "r_0123456789abcdef_0123456789ab";
    const { events } = play([
      sent(json({ rec_id: rec, item: "s1", mobile: "138" }), { subject: "in.feedback.clicked" }),
      sent(json({ rec_id: "r_nonsense", ts: T0 - 7, ids: viewed("").ids }), {
        subject: "in.feedback.clicked",
      }),
      sent(json({ type: "recommendation.served", ts: T0, props: { rec_id: rec } })),
      sent(json(viewed("v"))),
    ]);
    expect(events.map((e) => [e.payload[0], e.payload[3], e.at - T0])).toEqual([
      ["feedback.clicked", { rec_id: rec, item: "s1" }, 0],
      ["feedback.clicked", { rec_id: "r_nonsense" }, -7],
      ["recommendation.served", { rec_id: rec }, 0],
      ["product.viewed", { sku: "s1" }, 0],
    ]);
    const [byRec, byIds, served, ann] = events.map(person);
    expect([byRec, served, byIds]).toEqual(["p_0123456789abcdef", "p_0123456789abcdef", ann]);
  });
});

describe("facts", () => {
  const fact = (subject: string, body: unknown, msgId?: string) =>
    sent(json(body), { subject: `in.fact.${subject}`, msgId });

  test.each`
    subject                  | body                                     | key
    ${"catalog.7f3a"}        | ${{ sku: "S Premium" }}                  | ${"S Premium"}
    ${"inventory.e1.s1"}     | ${{ on_hand: 3 }}                        | ${"e1.s1"}
    ${"inventory.7f.3a"}     | ${{ site: "E1", sku: "S1", on_hand: 3 }} | ${"E1.S1"}
    ${"content.c1"}          | ${{ key: "C/1", content_id: "c1" }}      | ${"C/1"}
    ${"calendar.2026-11-11"} | ${{ festival: "双十一" }}                | ${"2026-11-11"}
  `("the key of $subject is $key", ({ subject, body, key }) => {
    expect(play([fact(subject, body)]).facts).toEqual([[subject.split(".")[0], key, body]]);
  });

  test("an array of facts is each of them", () => {
    const { facts } = play([fact("supply.all", [{ sku: "a", lead_days: 2 }, { sku: "b" }])]);
    expect(facts.map(([, key]) => key)).toEqual(["a", "b"]);
  });

  test.each`
    subject              | body                                        | reason
    ${"catalog.s1"}      | ${["text"]}                                 | ${"shape"}
    ${"catalog.s1"}      | ${{ sku: 7 }}                               | ${"shape"}
    ${"inventory.e1.s1"} | ${{ on_hand: "many" }}                      | ${"shape"}
    ${"catalog"}         | ${{ title: "nameless" }}                    | ${"key"}
    ${"stock.s1"}        | ${{ sellable: 1 }}                          | ${"unsupported"}
    ${"catalog.s1"}      | ${{ title: "x", text: "y".repeat(70_000) }} | ${"too_large"}
  `("$subject is refused: $reason", ({ subject, body, reason }) => {
    const { facts, messages } = play([fact(subject, body)]);
    expect(facts).toEqual([]);
    expect(messages.map((m) => m.subject)).toEqual([`deadletter.${reason}`]);
  });

  test("a fact sent again does not undo a newer one", () => {
    const { facts } = play([
      fact("supply.a", { sku: "a", lead_days: 1 }, "m1"),
      fact("supply.a", { sku: "a", lead_days: 2 }, "m2"),
      fact("supply.a", { sku: "a", lead_days: 1 }, "m1"),
    ]);
    expect(facts.map(([, , value]) => value)).toEqual([
      { sku: "a", lead_days: 1 },
      { sku: "a", lead_days: 2 },
    ]);
  });

  test("knowledge is fanned out once for each version of its shard", () => {
    const collect = collector();
    const learned = (shard: string, version: number, entries: unknown) =>
      sent(msgpack({ kind: "covisit", version, entries }), {
        subject: `in.knowledge.covisit.${shard}`,
      });
    const { facts } = play(
      [
        learned("0", 2, { a: [["b", 1]], c: null }),
        learned("0", 2, { a: [] }),
        learned("0", 1, { a: [] }),
        learned("1", 1, { d: [] }),
        learned("0", 3, { a: [["e", 2]] }),
        sent(json({ kind: "stock", version: 1, entries: {} }), { subject: "in.knowledge.stock.0" }),
        sent(json({ kind: "covisit", version: 1.5, entries: {} }), {
          subject: "in.knowledge.covisit.0",
        }),
      ],
      collect,
    );
    expect(facts).toEqual([
      ["covisit", "a", [["b", 1]]],
      ["covisit", "c", null],
      ["covisit", "d", []],
      ["covisit", "a", [["e", 2]]],
    ]);
    expect(collect.counts).toMatchObject({
      in: 7,
      applied: 3,
      duplicate: 2,
      stale: 2,
      deadLettered: 2,
    });
  });
});

describe("dead letters", () => {
  test("say what, where, why and what to do, and show the original without its identifiers", () => {
    const bad = viewed("bad-1 of union-ann", {
      session: "union-ann/3",
      props: { sku: 7, mobile: "13800138000", note: "call 13800138000" },
    });
    const input = sent(json([viewed("good"), bad]), { seq: 42 });
    const { said, messages } = play([input]);
    expect(messages).toEqual([
      {
        subject: "deadletter.wrong_type",
        time: T0,
        data: {
          reason: "wrong_type",
          field: "props.sku",
          remedy: "Read the tracking plan.",
          subject: "in.event.mp.product.viewed",
          seq: 42,
          index: 1,
          at: "2026-10-31T16:00:00.000Z",
          bytes: input.data.length,
          encoding: "json",
          truncated: false,
          original: JSON.stringify({
            ...bad,
            id: "bad-1 of xxxxx-xxx",
            ids: [{ k: "unionid", v: "xxxxx-xxx" }],
            session: "xxxxx-xxx/9",
            props: { sku: 7, xxxxxx: "99999999999", xxxx: "xxxx 99999999999" },
          }),
        },
      },
    ]);
    expect(said.at(-1)?.[2]).toBe("42/1/wrong_type");
  });

  test("of a body nobody can read show its shape", () => {
    const text = new TextEncoder().encode(`{"type":"searched","props":{"query":"跑鞋 13800138000"`);
    const [cutOff, binary, large] = play([
      sent(text),
      sent(Uint8Array.of(0xc1, 0x41, 0xff, 0x42)),
      sent(new TextEncoder().encode(`{${"a".repeat(2_000_000)}`)),
    ]).messages;
    expect(cutOff?.data).toMatchObject({
      reason: "malformed",
      encoding: "text",
      original: `{"type":"searched","props":{"query":"****** 99999999999"`,
    });
    expect(binary?.data).toMatchObject({ encoding: "base64", original: btoa("\xc1x\xffx") });
    expect(large?.data).toMatchObject({ reason: "too_large", truncated: true, bytes: 2_000_001 });
    expect(String(large?.data.original)).toHaveLength(4096);
  });

  test.each(["in.raw.wxmp.shop", "in.id.other", "in.supply.ack.x", "in.other", "out.x", ""])(
    "subject `%s` is not taken in yet",
    (subject) => {
      const { messages } = play([sent(json({}), { subject })]);
      expect(messages.map((m) => m.subject)).toEqual(["deadletter.unsupported"]);
    },
  );

  test("what breaks while reading is the event's own affair", () => {
    const collect = collector({
      validate: (_type, props) => {
        if (props["sku"] === "bomb") throw new Error("boom");
        return { ok: true, props: {}, stripped: 0 };
      },
    });
    const { events, messages } = play(
      [sent(json([viewed("a"), viewed("b", { props: { sku: "bomb" } }), viewed("c")]))],
      collect,
    );
    expect(events.map((e) => e.payload[4])).toEqual(["a", "c"]);
    expect(messages.map((m) => m.subject)).toEqual(["deadletter.internal"]);
  });

  test("a failing sink is nobody's event: its error is not swallowed", () => {
    const sink = new Recorder();
    sink.event = () => {
      throw new Error("disk full");
    };
    expect(() => collector().handle(sent(json(viewed("a"))), sink)).toThrow("disk full");
  });
});

test("a session or id made of an identifier is handed on hashed", () => {
  const { events } = play([sent(json(viewed("union-ann:17", { session: "s:union-ann" })))]);
  expect(events[0]?.payload[4]).toMatch(/^c_[0-9a-f]{32}$/);
  expect(events[0]?.payload[2]).toMatch(/^s_[0-9a-f]{32}$/);
});

test("what nobody declared is left out and counted", () => {
  const collect = collector();
  const { events } = play(
    [
      sent(
        json(
          viewed("a", {
            ids: [
              { k: "cookie", v: "c-1" },
              { k: "anon", v: "a-1" },
            ],
            props: { sku: "s1", mobile: "138", vip: true },
            touchpoint: "kiosk",
            session: 7,
          }),
        ),
      ),
    ],
    collect,
  );
  expect(events.map((e) => e.payload.slice(1, 4))).toEqual([["unknown", null, { sku: "s1" }]]);
  expect(collect.counts).toMatchObject({ stripped: 3, applied: 1 });
});
