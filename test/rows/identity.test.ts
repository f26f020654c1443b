import { expect, test } from "vitest";
import type { EventTime } from "../../src/time/event-time.ts";
import { run } from "../replay/run.ts";

/** Who is who, through the whole of the shipped configuration: what is published says it. */

/** Noon in Shanghai. */
const NOON = Date.UTC(2026, 10, 2, 4);
const MIN = 60_000;
const HOUR = 60 * MIN;

type Data = Readonly<Record<string, unknown>>;
type Id = readonly [kind: string, value: string];

let ids = 0;
function happens(ms: number, type: string, props: Data, ...who: readonly Id[]) {
  ids += 1;
  const named = who.map(([k, v]) => ({ k, v }));
  return { id: `i${ids}`, type, ts: NOON + ms, touchpoint: "mp", ids: named, props };
}
const looks = (ms: number, ...who: readonly Id[]) =>
  happens(ms, "product.viewed", { sku: "p1", line: "premium" }, ...who);

const UNION: Id = ["unionid", "u-1"];
const MP: Id = ["openid:wx-mp", "o-mp"];
const GZH: Id = ["openid:wx-gzh", "o-gzh"];
const BROWSER: Id = ["anon", "b-1"];

async function saidOf(lines: readonly object[], until: number, subject: RegExp) {
  const said: { subject: string; data: Data }[] = [];
  await run({
    lines: lines.map((line) => JSON.stringify(line)),
    format: "events",
    until: (NOON + until) as EventTime,
    onLine: (line) => {
      if (subject.test(line.subject)) said.push({ subject: line.subject, data: line.data as Data });
    },
  });
  return said;
}
const PREMIUM = /^segment\.high_value_interest\./;

test("B22: two openids and one unionid are one person, whose looks add up", async () => {
  const said = await saidOf(
    [
      looks(0, MP, UNION),
      looks(MIN, GZH, UNION),
      looks(2 * MIN, MP),
      looks(3 * MIN, ["openid:wx-mp", "o-other"]),
    ],
    HOUR,
    PREMIUM,
  );
  expect(said.map(({ subject }) => subject)).toEqual(["segment.high_value_interest.entered"]);
  // Two who have nothing in common are two.
  const apart = await saidOf(
    [looks(0, MP), looks(MIN, GZH), looks(2 * MIN, MP), looks(3 * MIN, GZH)],
    HOUR,
    PREMIUM,
  );
  expect(apart).toEqual([]);
});

test("C13: openids of two apps, met apart, are one person from the binding on", async () => {
  const said = await saidOf(
    [
      looks(0, MP),
      looks(MIN, GZH),
      { subject: "in.id.link", data: happens(2 * MIN, "", {}, MP, UNION) },
      happens(3 * MIN, "id.link", {}, GZH, UNION),
      looks(4 * MIN, GZH),
    ],
    HOUR,
    /^(segment\.high_value_interest|identity)\./,
  );
  expect(said.map(({ subject }) => subject)).toEqual([
    "identity.merged",
    "segment.high_value_interest.entered",
  ]);
  const [merged, entered] = said.map(({ data }) => data);
  expect(entered?.["person"]).toBe(merged?.["person"]);
  expect(merged?.["from"]).not.toBe(merged?.["person"]);
});

test("C14: looks without a name count for the person they are bound to: the segment fires after the fact", async () => {
  const said = await saidOf(
    [
      happens(0, "page.viewed", { path: "/home" }, UNION),
      looks(MIN, BROWSER),
      looks(2 * MIN, BROWSER),
      looks(3 * MIN, BROWSER),
      happens(HOUR, "id.link", {}, BROWSER, UNION),
    ],
    2 * HOUR,
    /^(segment\.high_value_interest|identity)\./,
  );
  const entered = said.filter(({ subject }) => PREMIUM.test(subject)).map(({ data }) => data);
  const merged = said.find(({ subject }) => subject === "identity.merged")?.data;
  // The browser alone was told of when it looked for the third time; the person, as of then.
  expect(entered.map(({ person }) => person)).toEqual([merged?.["from"], merged?.["person"]]);
  expect(entered.map(({ at }) => Date.parse(String(at)) - NOON)).toEqual([3 * MIN, 3 * MIN]);
  expect(entered[1]?.["evidence"]).toHaveLength(3);
});

test("C14: a payment made by the person stops the reminder that the nameless cart had set", async () => {
  const cart = happens(0, "cart.added", { sku: "p1", price_minor: 100_000 }, BROWSER);
  const bind = happens(2 * HOUR, "id.link", {}, BROWSER, UNION);
  const pay = happens(HOUR, "order.paid", { order_id: "o-1", sku: "p1" }, UNION);
  const reminded = async (...lines: object[]) =>
    (await saidOf(lines, 26 * HOUR, /^(recommendation|suppressed)\./)).filter(
      ({ data }) => data["rule"] === "cart_24h_coupon",
    );
  const home = happens(-MIN, "page.viewed", { path: "/home" }, UNION);
  expect((await reminded(home, cart, bind)).length).toBeGreaterThan(0);
  expect(await reminded(home, cart, pay, bind)).toEqual([]);
  const later = happens(3 * HOUR, "order.paid", { order_id: "o-2", sku: "p1" }, UNION);
  expect(await reminded(home, cart, bind, later)).toEqual([]);
});

test("E14: an openid that comes with a unionid is merged with whoever had that, once", async () => {
  const said = await saidOf(
    [looks(0, UNION), looks(MIN, MP), looks(2 * MIN, MP, UNION), looks(3 * MIN, MP, UNION)],
    HOUR,
    /^(identity|segment\.high_value_interest)\./,
  );
  const merged = said.filter(({ subject }) => subject === "identity.merged");
  expect(merged).toHaveLength(1);
  // The third look of the one person, one of it made as another.
  const entered = said.filter(({ subject }) => PREMIUM.test(subject));
  expect(entered.map(({ data }) => Date.parse(String(data["at"])) - NOON)).toEqual([2 * MIN]);
  expect(entered[0]?.data["person"]).toBe(merged[0]?.data["person"]);
});

test("E14: who shares a device stays apart, and it is told", async () => {
  const device: Id = ["device", "d-1"];
  const said = await saidOf(
    [
      looks(0, ["login", "l-1"], device),
      looks(MIN, ["login", "l-2"], device),
      looks(2 * MIN, ["login", "l-1"], device),
      looks(3 * MIN, ["login", "l-2"], device),
    ],
    HOUR,
    /^(identity|segment\.high_value_interest)\./,
  );
  expect(said.map(({ subject, data }) => [subject, data["reason"], data["kind"]])).toEqual([
    ["identity.conflict", "shared", "device"],
  ]);
});
