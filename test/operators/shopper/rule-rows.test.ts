import { expect, test } from "vitest";
import { fact, happens, NOON, ofRule, saidBy } from "./rule-stage.ts";
import { DAY, HOUR, MIN } from "./support.ts";

const SECOND = 1000;
/** Eight o'clock on the morning after noon. */
const MORNING = 20 * HOUR;
const brief = (said: Awaited<ReturnType<typeof saidBy>>) =>
  said.map(({ subject, at, time }) => [subject, at, time] as const);

test("E25: an unpaid cart brings one coupon, with its end and its worth, at 24 h", async () => {
  const said = ofRule(
    await saidBy([happens(0, "cart.added", { sku: "A" })], 3 * DAY),
    "cart_24h_coupon",
  );
  expect(brief(said)).toEqual([["recommendation.wecom.activity", DAY, DAY]]);
  expect(said[0]?.data).toMatchObject({
    sku: "A",
    channel: "wecom",
    slot: null,
    value: "省下尾款的一小步",
    items: [
      {
        offer: "coupon",
        sku: "A",
        coupon: { amount_minor: 2000, currency: "CNY", valid_to: "2026-11-05T04:00:00.000Z" },
      },
    ],
    reason: { code: "absent", evidence: [{ event: "cart.added" }] },
    policy: { class: "marketing", quota: { wecom_day: "0/1", wecom_month: "0/4" } },
  });
});

test.each([
  ["a millisecond before +24 h", DAY - 1, 0],
  ["at exactly +24 h", DAY, 0],
  ["a millisecond after", DAY + 1, 1],
])("E25: payment %s", async (_when, paid, coupons) => {
  const said = await saidBy(
    [
      happens(0, "cart.added", { sku: "A" }),
      happens(paid, "order.paid", { sku: "A", order_id: "o" }),
    ],
    3 * DAY,
  );
  const told = ofRule(said, "cart_24h_coupon");
  expect(told.map(({ subject, at }) => [subject, at])).toEqual(
    coupons === 0 ? [] : [["recommendation.wecom.activity", DAY]],
  );
});

test("F11: paid while quiet hours hold it, the coupon is cancelled at once and the reason told", async () => {
  // Added at 23:00, so 24 h are over at 23:00 of the next day.
  const added = 11 * HOUR;
  const paid = added + DAY + 3 * HOUR;
  const cart = happens(added, "cart.added", { sku: "A" });
  const pay = happens(paid, "order.paid", { sku: "A", order_id: "o" });
  expect(brief(ofRule(await saidBy([cart, pay], 4 * DAY), "cart_24h_coupon"))).toEqual([
    ["suppressed.paid", added + DAY, paid],
  ]);
});

test("D12: what comes true at 23:30 goes at 08:00", async () => {
  const added = 11.5 * HOUR;
  const said = await saidBy([happens(added, "cart.added", { sku: "A" })], 4 * DAY);
  expect(brief(ofRule(said, "cart_24h_coupon"))).toEqual([
    ["recommendation.wecom.activity", added + DAY, DAY + MORNING],
  ]);
});

test("D13: a second message on one local day is suppressed by the cap", async () => {
  const said = await saidBy(
    [happens(0, "cart.added", { sku: "A" }), happens(HOUR, "cart.added", { sku: "B" })],
    4 * DAY,
  );
  expect(brief(ofRule(said, "cart_24h_coupon"))).toEqual([
    ["recommendation.wecom.activity", DAY, DAY],
    ["suppressed.cap", DAY + HOUR, DAY + HOUR],
  ]);
});

test("D11: of five carts that come true in one moment one message goes, four are told of", async () => {
  const carts = ["A", "B", "C", "D", "E"].map((sku) => happens(0, "cart.added", { sku }));
  const said = ofRule(await saidBy(carts, 4 * DAY), "cart_24h_coupon");
  expect(said.map(({ subject }) => subject).sort()).toEqual([
    "recommendation.wecom.activity",
    ...Array.from({ length: 4 }, () => "suppressed.outranked"),
  ]);
});

test("E26: the launch watched to its end takes the first screen at the next entry, once", async () => {
  const live = { live_id: "L", kind: "launch", sku: "N", completion: 0.9 };
  const said = await saidBy(
    [
      happens(0, "live.left", live, { touchpoint: "channels" }),
      happens(HOUR, "mp.entered"),
      happens(2 * HOUR, "mp.entered"),
      happens(0, "live.left", { ...live, completion: 0.89 }, { person: "b" }),
      happens(HOUR, "mp.entered", {}, { person: "b" }),
    ].sort((a, b) => (a as { ts: number }).ts - (b as { ts: number }).ts),
    DAY,
  );
  const hero = ofRule(said, "launch_live_hero");
  expect(brief(hero)).toEqual([["recommendation.mp.product", HOUR, HOUR]]);
  expect(hero[0]?.data).toMatchObject({ slot: "mp.home.first", sku: "N", channel: "mp" });
});

test("E04, E28: a question of size in the group is answered, a late one is skipped", async () => {
  const post = happens(0, "group.message.posted", { group_id: "g", keyword: "size" });
  const other = happens(MIN, "group.message.posted", { group_id: "g", keyword: "price" });
  const late = happens(2 * MIN, "group.message.posted", { group_id: "g", keyword: "尺码" });
  const click = (ms: number, heard: number) => ({
    ...happens(ms, "menu.clicked", { key: "support" }, { touchpoint: "gzh" }),
    recv: NOON + ms + heard,
  });
  const clicks = [click(3 * MIN, 5000), click(4 * MIN, 5001)];
  const said = await saidBy([post, other, happens(3 * MIN, "mp.left"), late, ...clicks], HOUR);
  expect(brief(ofRule(said, "keyword_bot"))).toEqual([
    ["recommendation.group.info", 0, 0],
    ["suppressed.stale", 2 * MIN, expect.any(Number)],
  ]);
  expect(ofRule(said, "keyword_bot")[0]?.data).toMatchObject({
    items: [{ content_id: "c_size" }],
    policy: { class: "service" },
  });
  expect(ofRule(said, "menu_reply").map(({ subject }) => subject)).toEqual([
    "recommendation.gzh.info",
    "suppressed.stale",
  ]);
});

test("E27, C37: after delivery a tutorial goes by WeCom, as service, to a customer's reference", async () => {
  const content = { content_id: "t1", type: "tutorial", about: "P", channel: "gzh" };
  const said = ofRule(
    await saidBy(
      [fact("content", "t1", content), happens(0, "order.received", { sku: "P", order_id: "o" })],
      DAY,
    ),
    "post_tutorial",
  );
  expect(brief(said)).toEqual([["recommendation.wecom.service", 0, 0]]);
  expect(said[0]?.data).toMatchObject({
    channel_ids: { external_userid_ref: expect.stringMatching(/^p_/) },
    items: [{ content_type: "tutorial", content_id: "t1", about: "P" }],
    policy: { class: "service" },
  });
});

test("C38, G09: maintenance is due every interval that the catalog states", async () => {
  const item = { sku: "P", title: "净水器", maintenance_every: 90 * DAY };
  const said = await saidBy(
    [fact("catalog", "P", item), happens(0, "order.received", { sku: "P", order_id: "o" })],
    181 * DAY,
  );
  expect(brief(ofRule(said, "post_maintenance"))).toEqual([
    ["recommendation.wecom.service", 90 * DAY, 90 * DAY],
    ["recommendation.wecom.service", 180 * DAY, 180 * DAY],
  ]);
});

test("C39, D18: only what fits and is in stock, when the consumable is used up", async () => {
  const printer = { sku: "P", consumable_cycle: 60 * DAY, compatible: ["I1", "I2", "I3"] };
  const stock = { site: "w", sku: "I1", on_hand: 0 };
  const said = await saidBy(
    [
      fact("catalog", "P", printer),
      fact("catalog", "I2", { sku: "I2", title: "墨盒" }),
      fact("inventory", "w.I1", stock),
      happens(0, "order.received", { sku: "P", order_id: "o" }),
    ],
    61 * DAY,
  );
  const accessories = ofRule(said, "accessories");
  expect(brief(accessories)).toEqual([["recommendation.wecom.product", 60 * DAY, 60 * DAY]]);
  expect(accessories[0]?.data["items"]).toEqual([
    { kind: "product", sku: "I2", title: "墨盒" },
    { kind: "product", sku: "I3" },
  ]);
});

test("G07, G08: delivery of what needs installing offers it, its end offers commissioning", async () => {
  const item = { sku: "P", needs_install: true };
  const said = await saidBy(
    [
      fact("catalog", "P", item),
      happens(0, "order.received", { sku: "P", order_id: "o" }),
      happens(0, "order.received", { sku: "Q", order_id: "o2" }, { person: "b" }),
      happens(2 * DAY, "service.done", { service: "install", sku: "P" }),
    ],
    3 * DAY,
  );
  const [install] = ofRule(said, "svc_install");
  expect(ofRule(said, "svc_install")).toHaveLength(1);
  expect(install?.data).toMatchObject({
    kind: "service",
    sku: "P",
    items: [{ service: "install" }],
  });
  expect(ofRule(said, "svc_tune").map(({ at, data }) => [at, data["items"]])).toEqual([
    [2 * DAY, [{ kind: "service", service: "commissioning", sku: "P" }]],
  ]);
});

test("G10: a successor brings an upgrade to whom the old one has served for two years", async () => {
  const said = await saidBy(
    [
      happens(0, "order.received", { sku: "P", order_id: "o" }),
      happens(729 * DAY, "catalog.successor", { sku: "P" }),
      happens(731 * DAY, "catalog.successor", { sku: "P" }),
    ],
    732 * DAY,
  );
  expect(ofRule(said, "svc_upgrade").map(({ at }) => at)).toEqual([731 * DAY]);
});

test("G11: at its end of life recycling is offered", async () => {
  const item = { sku: "P", end_of_life: 1095 * DAY };
  const said = await saidBy(
    [fact("catalog", "P", item), happens(0, "order.received", { sku: "P", order_id: "o" })],
    1096 * DAY,
  );
  expect(ofRule(said, "svc_recycle").map(({ at }) => at)).toEqual([1095 * DAY]);
});

test("G12: with a subscription left it is a notice of the mini program, without one WeCom", async () => {
  const done = { service: "install", sku: "P" };
  const said = await saidBy(
    [
      happens(0, "notice.accepted", {}),
      happens(MIN, "service.done", done),
      happens(2 * MIN, "service.done", done),
      happens(3 * MIN, "notice.accepted", {}),
      happens(4 * MIN, "notice.rejected", {}),
      happens(2 * DAY, "service.done", done),
    ],
    3 * DAY,
  );
  expect(ofRule(said, "svc_tune").map(({ subject }) => subject)).toEqual([
    "recommendation.notice.service",
    "recommendation.wecom.service",
    "recommendation.wecom.service",
  ]);
});

test("C40, C41: who is active in groups is asked once to try, who creates much to co-create", async () => {
  const post = (i: number) => happens(i * MIN, "group.message.posted", { group_id: "g" });
  const made = (i: number) =>
    happens(i * MIN, "content.created", { content_id: `c${i}` }, { person: "b" });
  const lines = Array.from({ length: 40 }, (_, i) => [post(i), ...(i < 8 ? [made(i)] : [])]).flat();
  const said = await saidBy(lines, 4 * DAY);
  expect(ofRule(said, "koc_trial").map(({ subject, data }) => [subject, data["items"]])).toEqual([
    ["recommendation.wecom.activity", [{ kind: "activity", offer: "trial" }]],
  ]);
  expect(ofRule(said, "koc_cocreate").map(({ at }) => at)).toEqual([4 * MIN]);
});

test("G18: contributions and orders raise the benefit by tiers", async () => {
  const made = [0, 1, 2, 3, 4].map((i) =>
    happens(i * MIN, "content.created", { content_id: `${i}` }),
  );
  const paid = happens(HOUR, "order.paid", { order_id: "o", sku: "P", total_minor: 1_600_000 });
  const said = ofRule(await saidBy([...made, paid], 2 * HOUR), "benefit");
  expect(said.map(({ subject, at, data }) => [subject, at, data["benefit"]])).toEqual([
    ["crm.benefit", 5 * MIN - MIN, "silver"],
    ["crm.benefit", HOUR, "gold"],
  ]);
});

test("E29: membership of a segment sets a tag of the official account and takes it away", async () => {
  const view = (ms: number) => happens(ms, "product.viewed", { sku: "S", line: "premium" });
  const said = await saidBy([view(0), view(MIN), view(2 * MIN)], 31 * DAY);
  expect(
    said.filter(({ subject }) => subject.startsWith("tag.")).map((it) => [it.subject, it.at]),
  ).toEqual([
    ["tag.high_value.on", 2 * MIN],
    ["tag.high_value.off", 30 * DAY + 1],
  ]);
});

test.each([
  ["coupon", 20],
  ["group_buy", 900],
])(
  "C33, C34: who compares prices is offered a %s in the mini program with %i in stock",
  async (offer, onHand) => {
    const lines = ["A", "B", "C"].flatMap((sku, i) => [
      happens(i * 10 * SECOND, "product.viewed", { sku, category: "tent" }),
      happens(i * 10 * SECOND + SECOND, "searched", { query: "价格 便宜 对比" }),
    ]);
    const stock = ["A", "B", "C"].map((sku) =>
      fact("inventory", `w.${sku}`, { site: "w", sku, on_hand: onHand }),
    );
    const said = ofRule(await saidBy([...stock, ...lines], HOUR), "price_sensitive_offer");
    expect(said.map(({ subject, data }) => [subject, (data["items"] as object[])[0]])).toEqual([
      ["recommendation.mp.activity", expect.objectContaining({ offer })],
    ]);
  },
);

test("C33: collecting coupons is price-sensitive, too: a coupon, whatever the goods", async () => {
  const claim = (i: number) => happens(i * HOUR, "coupon.claimed", { coupon_id: `k${i}` });
  const said = ofRule(await saidBy([claim(0), claim(1)], DAY), "price_sensitive_offer");
  expect(brief(said)).toEqual([["recommendation.mp.activity", HOUR, HOUR]]);
});

test.each([
  ["gzh", "research_article", "review", "recommendation.gzh.info"],
  ["channels", "research_video", "review_clip", "recommendation.channels.info"],
])(
  "C35, C36: who wants to know more and is mostly on %s gets it there",
  async (touchpoint, rule, type, subject) => {
    const on = { touchpoint };
    const content = { content_id: "c1", type, about: "A" };
    const look = (i: number) =>
      happens(i * MIN, "product.viewed", { sku: "A", section: "spec", dwell_ms: 60_000 }, on);
    const asks = happens(4 * MIN, "searched", { query: "A 评测 参数 怎么样" }, on);
    const said = ofRule(
      await saidBy([fact("content", "c1", content), look(0), look(1), look(2), asks], HOUR),
      rule,
    );
    expect(said.map((it) => [it.subject, it.data["items"]])).toEqual([
      [subject, [expect.objectContaining({ content_type: type, content_id: "c1", about: "A" })]],
    ]);
  },
);

test("winback: two months after the last order a solution is offered", async () => {
  const order = (ms: number, id: string) => happens(ms, "order.paid", { sku: "A", order_id: id });
  const said = ofRule(await saidBy([order(10 * DAY, "o1")], 80 * DAY), "winback");
  expect(brief(said)).toEqual([["recommendation.wecom.solution", 70 * DAY, 70 * DAY]]);
});

test("D17, G13: how precisely a rule contacts people, and what it brought in", async () => {
  const people = ["a", "b", "c"];
  const install = people.map((person) =>
    happens(0, "service.done", { service: "install", sku: "P" }, { person }),
  );
  const leave = happens(-HOUR, "contact.removed", { channel: "wecom" }, { person: "c" });
  const before = [leave, ...install];
  const sent = ofRule(await saidBy(before, DAY), "svc_tune").filter(({ subject }) =>
    subject.startsWith("rec"),
  );
  const bought = {
    ...happens(2 * HOUR, "feedback.purchased", {
      rec_id: sent[0]?.data["rec_id"],
      total_minor: 9900,
    }),
    ids: [],
  };
  const kpis: unknown[] = [];
  await saidBy([...before, bought], DAY, {
    onLine(line) {
      const data = line.data as { of?: unknown };
      if (line.subject === "kpi.precision" && data.of === "svc_tune") kpis.push(data);
    },
  });
  expect(kpis.at(-1)).toMatchObject({
    class: "service",
    eligible: 3,
    contacted: 2,
    hits: 1,
    revenue_minor: 9900,
    contact_rate: 0.667,
    hit_rate: 0.5,
  });
});

test("E24: without a model rules fire all the same", async () => {
  const settings = {
    "operators.shopper.recommend": { min_score: 1 },
    "operators.shopper.rule": { from: ["session", "intent", "segment"] },
  };
  const said = await saidBy([happens(0, "cart.added", { sku: "A" })], 2 * DAY, { settings });
  expect(brief(said)).toEqual([["recommendation.wecom.activity", DAY, DAY]]);
});
