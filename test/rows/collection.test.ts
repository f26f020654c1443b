import { describe, expect, test } from "vitest";
import type { EventTime } from "../../src/time/event-time.ts";
import { run } from "../replay/run.ts";

/** What is collected, through the whole of the shipped configuration: events in, outputs out. */

/** Noon in Shanghai on a Monday. */
const NOON = Date.UTC(2026, 10, 2, 4);
const SEC = 1000;
const MIN = 60 * SEC;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

type Props = Readonly<Record<string, unknown>>;
interface Said {
  readonly subject: string;
  readonly data: Props;
}

let ids = 0;
/** A canonical event, `ms` after noon. */
function happens(
  ms: number,
  touchpoint: string,
  type: string,
  props: Props = {},
  over: Props = {},
) {
  ids += 1;
  const ts = NOON + ms;
  const person = [{ k: "unionid", v: "a" }];
  return { id: `e${ids}`, type, ts, touchpoint, ids: person, props, ...over };
}
const by = (person: string) => ({ ids: [{ k: "unionid", v: person }] });
/** The same of so many different people, a second apart. */
const ofPeople = (count: number, ms: number, touchpoint: string, type: string, props: Props) =>
  Array.from({ length: count }, (_, i) =>
    happens(ms + i * SEC, touchpoint, type, props, by(`p${i}`)),
  );
const figure = (ms: number, data: Props) => ({
  subject: "in.fact.aggregate",
  data: { ...data, recv: NOON + ms },
});

async function said(lines: readonly object[], until: number): Promise<Said[]> {
  const outputs: Said[] = [];
  await run({
    lines: lines.map((line) => JSON.stringify(line)),
    format: "events",
    until: (NOON + until) as EventTime,
    onLine: ({ subject, data }) => outputs.push({ subject, data: data as Props }),
  });
  return outputs;
}
const dataOf = (outputs: readonly Said[], subject: string): Props[] =>
  outputs.filter((output) => output.subject === subject).map(({ data }) => data);

/** What is known at the end of each touchpoint. */
async function coverage(lines: readonly object[]): Promise<ReadonlyMap<unknown, Props>> {
  const told = dataOf(await said(lines, HOUR), "kpi.coverage");
  return new Map(told.map((data) => [data["touchpoint"], data]));
}
/** The last figures of a thing. */
async function figures(what: string, lines: readonly object[]): Promise<Props | undefined> {
  return dataOf(await said(lines, HOUR), `kpi.${what}`).at(-1);
}

describe("touchpoints", () => {
  test("B01: an event of each of the six parts, and six touchpoints are told of", async () => {
    const told = await coverage([
      happens(0, "group", "group.joined", { group_id: "g" }),
      happens(1, "gzh", "article.read", { content_id: "c" }),
      happens(2, "pay", "order.paid", { sku: "s" }),
      happens(3, "mp", "mp.entered"),
      happens(4, "wecom", "contact.added", { channel: "wecom" }),
      happens(5, "channels", "live.entered", { live_id: "l" }),
    ]);
    expect([...told].map(([name, { events }]) => [name, events])).toEqual(
      ["group", "gzh", "pay", "mp", "wecom", "channels"].map((name) => [name, 1]),
    );
  });

  test("B02: the official account: followed, a menu's two kinds of clicks, an article", async () => {
    const told = await coverage([
      happens(0, "gzh", "subscribed"),
      happens(1, "gzh", "menu.clicked", { key: "size_guide" }),
      happens(2, "gzh", "menu.clicked", { key: "shop" }),
      happens(3, "gzh", "article.opened", { content_id: "c" }),
    ]);
    expect(told.get("gzh")).toMatchObject({
      types: { "article.opened": 1, "menu.clicked": 2, subscribed: 1 },
    });
  });

  test("B03, B09: the mini program: entered, a page viewed, left", async () => {
    const told = await coverage([
      happens(0, "mp", "mp.entered"),
      happens(SEC, "mp", "page.viewed", { path: "pages/home" }),
      happens(2 * SEC, "mp", "mp.left", { dwell_ms: 2000 }),
    ]);
    expect(told.get("mp")).toMatchObject({
      events: 3,
      types: { "mp.entered": 1, "mp.left": 1, "page.viewed": 1 },
    });
  });

  test("B06: how somebody came in is read from the scene code, in each form it is sent in", async () => {
    const codes = ["1175", "1176", "1177", "1184", "1191", "1193", "1195"];
    const told = await coverage([
      happens(0, "mp", "mp.entered", { scene: "wx-1177" }),
      happens(1, "mp", "mp.entered", {}, { src: { codec: "sensors", source: "s", scene: 1177 } }),
      ...codes.map((scene, i) => happens(2 + i, "mp", "mp.entered", { scene })),
      happens(20, "mp", "mp.entered", { scene: "1058" }),
      happens(21, "mp", "mp.entered", { scene: "9999" }),
    ]);
    expect(told.get("mp")?.["entries"]).toEqual({
      "channels.activity": 1,
      "channels.link": 1,
      "channels.live": 4,
      "channels.menu": 1,
      "channels.shop": 2,
      "gzh.article": 1,
    });
  });

  test("B17: crawlers and tests are flagged and counted, and of no effect on segments", async () => {
    const looks = (person: string, scene: object, at: number) =>
      [0, 1, 2].map((i) =>
        happens(
          at + i * MIN,
          "mp",
          "product.viewed",
          { sku: "s", line: "premium", ...scene },
          by(person),
        ),
      );
    const lines = [
      ...looks("crawler", { scene: "wx-1129" }, 0),
      ...looks("tester", { scene: "1030" }, 4 * MIN),
      ...looks("load", { scene: "1203" }, 8 * MIN),
    ];
    const outputs = await said([...lines, ...looks("human", {}, 12 * MIN)], HOUR);
    const entered = outputs.filter(({ subject }) => /^segment\..*\.entered$/.test(subject));
    const people = new Set(entered.map(({ data }) => data["person"]));
    expect(people.size).toBe(1);
    expect(entered.map(({ subject }) => subject)).toContain("segment.high_value_interest.entered");
    expect(dataOf(outputs, "kpi.coverage").at(-1)).toMatchObject({
      events: 3,
      flagged: { automated_test: 3, crawler: 3, load_test: 3 },
    });
  });

  test("B17: behaviour that arrives out of order counts as it was", async () => {
    const view = (ms: number, late: number) =>
      happens(ms, "mp", "product.viewed", { sku: "s", line: "premium" }, { recv: NOON + late });
    const lines = [view(2 * MIN, 2 * MIN), view(0, 3 * MIN), view(MIN, 4 * MIN)];
    const outputs = await said(lines, HOUR);
    expect(dataOf(outputs, "segment.high_value_interest.entered")[0]?.["at"]).toBe(
      new Date(NOON + 2 * MIN).toISOString(),
    );
  });

  test("E01: a touchpoint that is silent for its limit raises an alarm for its owner, to the millisecond", async () => {
    const lines = [
      happens(0, "mp", "mp.entered"),
      happens(500, "pay", "order.paid", { sku: "s" }),
      happens(90 * MIN, "pay", "order.paid", { sku: "s" }),
    ];
    const outputs = await said(lines, 2 * HOUR);
    const at = (ms: number) => new Date(NOON + ms).toISOString();
    expect(dataOf(outputs, "coverage.pay.silent")).toEqual([
      {
        touchpoint: "pay",
        title: "微信支付 WeChat Pay",
        owner: "finance",
        event: null,
        last_seen: at(500),
        silent_after_ms: HOUR,
        at: at(500 + HOUR),
      },
    ]);
    expect(dataOf(outputs, "coverage.pay.heard")).toMatchObject([
      { owner: "finance", last_seen: at(90 * MIN), at: at(90 * MIN) },
    ]);
    expect(dataOf(outputs, "kpi.coverage").at(-1)).toMatchObject({
      touchpoint: "pay",
      owner: "finance",
      last_seen: at(90 * MIN),
    });
  });

  test("E01: hours that do not count put the alarm off: at night nobody is missed", async () => {
    // 23:30, by night another payment, and none until past 08:30.
    const paid = (ms: number) => happens(ms, "pay", "order.paid", { sku: "s" });
    // Others go on, so that time passes.
    const others = [21.1, 23].map((hour) => happens(hour * HOUR, "mp", "mp.entered"));
    const outputs = await said([paid(11.5 * HOUR), paid(21 * HOUR), ...others], 24 * HOUR);
    expect(
      dataOf(outputs, "coverage.pay.silent").filter(({ event }) => event === null),
    ).toMatchObject([
      {
        last_seen: new Date(NOON + 11.5 * HOUR).toISOString(),
        at: new Date(NOON + 20.5 * HOUR).toISOString(),
      },
      {
        last_seen: new Date(NOON + 21 * HOUR).toISOString(),
        at: new Date(NOON + 22 * HOUR).toISOString(),
      },
    ]);
  });

  test("E01: who has never been heard is missed from the start; one type of event may fall silent alone", async () => {
    const busy = Array.from({ length: 30 }, (_, i) => happens(i * HOUR, "mp", "mp.entered"));
    const outputs = await said(busy, 29 * HOUR);
    const silent = outputs.filter(({ subject }) => subject.endsWith(".silent"));
    expect(
      silent.map(({ data }) => [data["touchpoint"], data["event"], data["last_seen"]]),
    ).toEqual([
      ["pay", null, null],
      ["mp", "product.viewed", null],
      ["mp", "cart.added", null],
      ["gzh", null, null],
      ["group", null, null],
      ["pay", "order.paid", null],
    ]);
  });
});

describe("behaviour", () => {
  test("B04: a payment ends what waits for the cart; without one the coupon goes", async () => {
    const cart = (person: string) => happens(0, "mp", "cart.added", { sku: "s" }, by(person));
    const paid = happens(HOUR, "pay", "order.paid", { sku: "s" }, by("payer"));
    const outputs = await said([cart("payer"), cart("other"), paid], 2 * DAY);
    const coupons = outputs.filter(({ data }) => data["rule"] === "cart_24h_coupon");
    expect(coupons.map(({ subject }) => subject)).toEqual(["recommendation.wecom.activity"]);
  });

  test("B05: who has removed the contact is not written to there, who has added it is", async () => {
    const cart = (person: string) => happens(HOUR, "mp", "cart.added", { sku: "s" }, by(person));
    const contact = (ms: number, type: string, person: string) =>
      happens(ms, "wecom", type, { channel: "wecom" }, by(person));
    const outputs = await said(
      [
        contact(0, "contact.added", "stays"),
        contact(1, "contact.added", "leaves"),
        contact(MIN, "contact.removed", "leaves"),
        cart("stays"),
        cart("leaves"),
      ],
      3 * DAY,
    );
    const coupons = outputs.filter(({ data }) => data["rule"] === "cart_24h_coupon");
    expect(coupons.map(({ subject }) => subject).sort()).toEqual([
      "recommendation.wecom.activity",
      "suppressed.optout",
    ]);
  });

  test("B08: the log again gives the same outputs, byte for byte, however it is cut", async () => {
    const lines = ofPeople(20, 0, "mp", "product.viewed", { sku: "s", line: "premium" }).map(
      (line) => JSON.stringify(line),
    );
    const until = (NOON + 31 * DAY) as EventTime;
    const once = await run({ lines: [...lines, ...lines], format: "events", until });
    const again = await run({ lines: [...lines, ...lines], format: "events", until, frames: 1 });
    expect(once.count("kpi")).toBeGreaterThan(0);
    expect(again.digest).toBe(once.digest);
  });

  test("B10, C06, E03: how far articles are read: each reading, and the mean of an article", async () => {
    const read = (completion: number, i: number) =>
      happens(i * SEC, "gzh", "article.read", { content_id: "c", completion }, by(`r${i}`));
    const half = [0.5, 1, 0.5, 1, 0.5, 1].map(read);
    expect(await figures("article", half)).toMatchObject({
      article: "c",
      count: 6,
      completion: 0.75,
      completed: 3,
    });
    expect(await figures("article", [0.6, 0.6, 0.6, 0.6, 0.6].map(read))).toMatchObject({
      completion: 0.6,
      completed: 0,
    });
    expect(await figures("article", [0.9, 0.9, 0.9, 0.9, 0.9].map(read))).toMatchObject({
      completion: 0.9,
      completed: 5,
    });
  });

  test("B11: likes of a content are counted, and warm it", async () => {
    const likes = ofPeople(6, 0, "channels", "content.liked", { content_id: "c" });
    expect(await figures("like", likes)).toMatchObject({ like: "c", count: 6 });
  });

  test("B12: a comment counts, its text goes nowhere", async () => {
    const text = "这双鞋太好穿了";
    const comments = ofPeople(5, 0, "channels", "content.commented", { content_id: "c", text });
    const outputs = await said(comments, HOUR);
    expect(dataOf(outputs, "kpi.comment").at(-1)).toMatchObject({ comment: "c", count: 5 });
    expect(dataOf(outputs, "kpi.coverage").at(-1)).toMatchObject({ stripped: 5 });
    expect(JSON.stringify(outputs)).not.toContain(text);
  });

  test("B13, C04: searches are normalised and make their term's heat", async () => {
    const terms = [" 徒步鞋 ", "徒步鞋", "徒步鞋\u3000", "徒步鞋", "\t徒步鞋"];
    const lines = terms.map((query, i) => happens(0, "mp", "searched", { query }, by(`p${i}`)));
    const told = await figures("search", lines);
    expect(told).toMatchObject({ search: "徒步鞋", count: 5 });
    const more = [...lines, happens(0, "mp", "searched", { query: "徒步鞋" }, by("p9"))];
    const warmer = await figures("search", more);
    expect(warmer).toMatchObject({ search: "徒步鞋", count: 6 });
    expect(Number(warmer?.["heat"]) / Number(told?.["heat"])).toBeCloseTo(6 / 5, 2);
    const wide = ofPeople(5, 0, "mp", "searched", { query: "ＧＯＲＥ－ＴＥＸ" });
    expect(await figures("search", wide)).toMatchObject({ search: "gore-tex" });
  });

  test("B14: an order with lines is demand for each of its goods, and counts for the person", async () => {
    const lines = [
      { sku: "s1", qty: 1, price_minor: 600_000 },
      { sku: "s2", qty: 2, price_minor: 300_000 },
    ];
    const order = happens(0, "pay", "order.paid", { order_id: "o", lines, total_minor: 1_200_000 });
    const outputs = await said([order], 2 * HOUR);
    expect(dataOf(outputs, "crm.benefit")[0]).toMatchObject({ person: expect.any(String) });
    const demand = ofPeople(40, HOUR, "pay", "order.paid", { order_id: "o", lines });
    const spikes = dataOf(await said([order, ...demand], 2 * HOUR), "trend.spike.item");
    expect(new Set(spikes.map(({ sku, key }) => sku ?? key))).toEqual(new Set(["s1", "s2"]));
  });

  test("B15: a talk with the service of 960 s about the latest order makes service-sensitive", async () => {
    const order = { order_id: "o" };
    const outputs = await said(
      [
        happens(0, "pay", "order.paid", { ...order, sku: "s" }),
        happens(HOUR, "wecom", "cs.started", { ...order, topic: "aftersales" }),
        happens(HOUR + 16 * MIN, "wecom", "cs.ended", {
          ...order,
          topic: "aftersales",
          dur_ms: 960_000,
        }),
      ],
      2 * HOUR,
    );
    expect(dataOf(outputs, "segment.service_sensitive.entered")).toMatchObject([
      { reason: "sum", at: new Date(NOON + HOUR + 16 * MIN).toISOString() },
    ]);
  });

  test("B16, C07: of a post in a group only the keyword's id is kept, and counted", async () => {
    const text = "周末露营有人一起吗";
    const posts = ofPeople(5, 0, "group", "group.message.posted", {
      group_id: "g",
      keyword: "camping",
      text,
    });
    const outputs = await said(posts, HOUR);
    expect(dataOf(outputs, "kpi.group_keyword").at(-1)).toMatchObject({
      group_keyword: "camping",
      count: 5,
    });
    expect(JSON.stringify(outputs)).not.toContain("露营");
  });

  test("B07: who joins and leaves a group is counted, and its heat is told", async () => {
    const outputs = await said(
      [
        happens(0, "group", "group.joined", { group_id: "g" }),
        happens(1, "group", "group.left", { group_id: "g" }),
        ...ofPeople(5, SEC, "group", "group.message.posted", { group_id: "g" }),
      ],
      HOUR,
    );
    expect(dataOf(outputs, "kpi.coverage").at(-1)?.["types"]).toEqual({
      "group.joined": 1,
      "group.left": 1,
      "group.message.posted": 5,
    });
    expect(dataOf(outputs, "kpi.group").at(-1)).toMatchObject({ group: "g", count: 5 });
  });
});

describe("collection points", () => {
  test("C01: a page view is one event, whichever way its time and id are written", async () => {
    const view = happens(0, "mp", "page.viewed", { path: "pages/home" });
    const forms = [
      view,
      { ...view, ts: new Date(view.ts).toISOString() },
      { ...view, id: ` ${view.id} ` },
    ];
    const told = await coverage(forms);
    expect(told.get("mp")).toMatchObject({ types: { "page.viewed": 1 }, duplicates: 2 });
  });

  test("C02, E02: a click on an element is what the plan says it stands for", async () => {
    const click = (ms: number, element: string) =>
      happens(ms, "mp", "element.clicked", { element, sku: "s" });
    const lines = [click(0, "product_card"), click(1, "buy"), click(2, "no_such")];
    const outputs = await said(lines, 2 * DAY);
    expect(dataOf(outputs, "kpi.coverage").at(-1)).toMatchObject({
      types: { "cart.added": 1, "element.clicked": 1, "product.clicked": 1 },
      stripped: 0,
    });
    expect(outputs.filter(({ data }) => data["rule"] === "cart_24h_coupon")).toHaveLength(1);
  });

  test("C03: how long a page was looked at, in milliseconds; what follows its path is cut off", async () => {
    const views = ofPeople(5, 0, "mp", "page.viewed", {
      path: "pages/home?openid=o1234",
      dwell_ms: 5,
    });
    const told = await figures("page", views);
    expect(told).toMatchObject({ page: "pages/home", count: 5, mean: 5, sum: 25 });
  });

  test("C05: a click on a menu is counted by its key, once enough different people have clicked", async () => {
    const clicks = (people: number) =>
      ofPeople(people, 0, "gzh", "menu.clicked", { key: "size_guide" });
    expect(await figures("menu", clicks(5))).toMatchObject({ menu: "size_guide", count: 5 });
    const outputs = await said([...clicks(4), ...clicks(4)], HOUR);
    expect(dataOf(outputs, "kpi.menu")).toEqual([]);
    expect(dataOf(outputs, "kpi.coverage").at(-1)).toMatchObject({ types: { "menu.clicked": 8 } });
  });

  test("C08: a group's heat: each post weighs one and halves in an hour", async () => {
    const posts = Array.from({ length: 10 }, (_, i) => i * 30 * SEC);
    const lines = posts.map((ms, i) =>
      happens(ms, "group", "group.message.posted", { group_id: "g" }, by(`p${i % 5}`)),
    );
    const told = await figures("group", lines);
    const at = Date.parse(String(told?.["at"])) - NOON;
    // A partial is of the last millisecond of its second.
    const heat = posts.reduce((sum, ms) => sum + 0.5 ** ((at - (ms + 999)) / HOUR), 0);
    expect(told?.["count"]).toBe(10);
    expect(told?.["heat"]).toBeCloseTo(heat, 2);
  });

  test("C09: questions are counted by topic, of those who agreed that chats are kept", async () => {
    const consent = (ms: number, person: string, status: string) =>
      happens(ms, "wecom", "privacy.consent", { purpose: "chat_archive", status }, by(person));
    const asks = (ms: number, person: string) =>
      happens(ms, "wecom", "cs.asked", { topic: "size" }, by(person));
    const people = ["p0", "p1", "p2", "p3", "p4"];
    const lines = [
      ...people.map((person, i) => consent(i, person, "granted")),
      ...people.map((person, i) => asks(MIN + i, person)),
      ...Array.from({ length: 6 }, (_, i) => asks(2 * MIN + i, `silent${i}`)),
      consent(3 * MIN, "p0", "withdrawn"),
      asks(4 * MIN, "p0"),
    ];
    expect(await figures("faq", lines)).toMatchObject({ faq: "size", count: 5 });
  });

  test("C10: watching: 3400 s of 3600 is .944 of it, which is to its end", async () => {
    const left = ofPeople(5, 0, "channels", "live.left", { live_id: "l", completion: 3400 / 3600 });
    expect(await figures("live", left)).toMatchObject({
      live: "l",
      completion: 0.944,
      completed: 5,
    });
  });

  test("C11: orders out of a live are its conversions", async () => {
    const orders = (people: number) =>
      ofPeople(people, 0, "channels", "order.paid", { sku: "s", live_id: "l", total_minor: 9900 });
    expect(await figures("live_order", orders(5))).toMatchObject({ live_order: "l", count: 5 });
    expect(await figures("live_order", orders(6))).toMatchObject({
      live_order: "l",
      count: 6,
      sum: 59_400,
    });
  });

  test("C12: a type that no plan declares is dead-lettered as of unknown schema, with a remedy", async () => {
    const outputs = await said([happens(0, "mp", "warranty.registered", { sku: "s" })], HOUR);
    expect(dataOf(outputs, "deadletter.unknown_schema")).toMatchObject([
      { reason: "unknown_schema", field: "type", remedy: expect.stringContaining("tracking-plan") },
    ]);
  });

  test("E06, E07, E08: to the cart, to the service, a coupon claimed", async () => {
    const told = await coverage([
      happens(0, "mp", "cart.added", { sku: "s" }),
      happens(1, "wecom", "cs.started"),
      happens(2, "pay", "coupon.claimed", { coupon_id: "k" }),
    ]);
    expect([...told.values()].map(({ types }) => types)).toEqual([
      { "cart.added": 1 },
      { "cs.started": 1 },
      { "coupon.claimed": 1 },
    ]);
  });

  test("E09: what the plan does not allow is stripped and counted", async () => {
    const extra = { sku: "s", phone_model: "x", mood: "good" };
    const outputs = await said([happens(0, "mp", "product.viewed", extra)], HOUR);
    expect(dataOf(outputs, "kpi.coverage")).toMatchObject([{ events: 1, stripped: 2 }]);
    expect(JSON.stringify(outputs)).not.toContain("mood");
  });

  test("E10: a day's figure of somebody else is compared with ours", async () => {
    const views = ofPeople(9, 0, "mp", "page.viewed", { path: "pages/home" });
    const pv = { touchpoint: "mp", event: "page.viewed", day: "2026-11-02", source: "we_analysis" };
    const lines = [...views, happens(HOUR, "mp", "mp.entered"), figure(HOUR, { ...pv, value: 10 })];
    const outputs = await said(lines, 2 * HOUR);
    expect(dataOf(outputs, "kpi.reconciliation")).toEqual([
      { ...pv, ours: 9, theirs: 10, diff_pct: -10, at: new Date(NOON + HOUR).toISOString() },
    ]);
    const wrong = [
      figure(0, { ...pv, value: -1 }),
      figure(0, { ...pv, value: 1, day: "2026-10-01" }),
      figure(0, { ...pv, value: 1, touchpoint: "nowhere" }),
    ];
    const letters = (await said(wrong, HOUR)).filter(({ subject }) =>
      subject.startsWith("deadletter."),
    );
    expect(letters.map(({ data }) => data["field"])).toEqual(["value", "day", "touchpoint"]);
  });

  test("E11: one process is the whole of it: segments, recommendations and figures of one log", async () => {
    const look = (ms: number) => happens(ms, "mp", "product.viewed", { sku: "s", line: "premium" });
    const lines = [look(0), look(1), look(2)];
    const cart = happens(MIN, "mp", "cart.added", { sku: "s" });
    const outputs = await said([...lines, cart], 2 * DAY);
    const kinds = new Set(outputs.map(({ subject }) => subject.split(".")[0]));
    expect([...kinds]).toEqual(expect.arrayContaining(["segment", "recommendation", "kpi"]));
  });

  test("E12: a time ahead is put back, a number for a text is taken, nonsense is dead-lettered", async () => {
    const ahead = happens(3 * DAY, "mp", "product.viewed", { sku: 42 }, { recv: NOON });
    const nonsense = happens(0, "mp", "product.viewed", { sku: "s", dwell_ms: "long" });
    const outputs = await said([ahead, nonsense], HOUR);
    expect(dataOf(outputs, "kpi.coverage")).toMatchObject([{ events: 1, clamped: 1 }]);
    expect(dataOf(outputs, "deadletter.wrong_type")).toMatchObject([{ field: "props.dwell_ms" }]);
  });

  test("E13: the same message three times counts once, with an id of its own and without", async () => {
    const named = happens(0, "mp", "product.viewed", { sku: "s" });
    const nameless = { ...named, id: undefined, type: "cart.added" };
    const told = await coverage([named, named, named, nameless, nameless, nameless]);
    expect(told.get("mp")).toMatchObject({
      types: { "cart.added": 1, "product.viewed": 1 },
      duplicates: 4,
    });
  });
});
