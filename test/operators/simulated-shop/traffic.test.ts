import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { INTENTS } from "../../../operators/event.ts";
import { readTrackingPlan } from "../../../src/config/tracking-plan.ts";
import { readYamlFile } from "../../../src/config/yaml-file.ts";
import { hours, minutes } from "../../../src/time/event-time.ts";
import { afternoon, at, behaviours, isSpoilt, openShop, START } from "./support.ts";

const messages = afternoon();
const events = behaviours(messages);

async function trackingPlan() {
  const path = fileURLToPath(new URL("../../../config/tracking-plan.yaml", import.meta.url));
  const file = await readYamlFile(path);
  if (file.value === undefined) throw new Error("the tracking plan cannot be read");
  const plan = readTrackingPlan(file.value);
  if (plan.value === undefined) throw new Error("the tracking plan is not valid");
  return plan.value;
}

describe("what trackers send", () => {
  test("is what the tracking plan allows, nothing stripped; all types come up", async () => {
    const plan = await trackingPlan();
    const seen = new Set(events.map(({ type }) => type));
    const refused = events.flatMap(({ type, props, touchpoint }) => {
      const checked = plan.validate(type, props, touchpoint);
      return checked.ok && checked.stripped === 0 ? [] : [{ type, props, checked }];
    });
    expect(refused).toEqual([]);
    const reported = /^(feedback|recommendation|notice|catalog)\./;
    // What these people never do: clear a link up, tell their age, ask for their rights; their
    // clicks and questions come as what they mean.
    const never = /^(id\.unlink|element\.clicked|cs\.asked|privacy\.(age|request\..+))$/;
    const expected = plan.types.filter((type) => !reported.test(type) && !never.test(type));
    expect(expected.filter((type) => !seen.has(type))).toEqual([]);
  });

  test("comes from all six touchpoints, on subjects that name touchpoint and type", () => {
    const count = new Map<string, number>();
    const ways = new Set<string>();
    for (const { subject, type, touchpoint } of events) {
      count.set(touchpoint, (count.get(touchpoint) ?? 0) + 1);
      ways.add(`${subject} ${touchpoint} ${type}`);
    }
    for (const way of ways) {
      const [subject, touchpoint, type] = way.split(" ");
      expect(subject).toMatch(/^in\.event(\.[a-z0-9_-]+){2,3}$/);
      expect(subject).toBe(`in.event.${touchpoint}.${type?.split(".").slice(-2).join(".")}`);
    }
    expect([...count.keys()].toSorted()).toEqual([
      "channels",
      "group",
      "gzh",
      "mp",
      "pay",
      "wecom",
    ]);
    for (const times of count.values()) expect(times).toBeGreaterThan(events.length / 100);
  });

  test("names people by known kinds of ids; most touchpoints of a person join by unionid", () => {
    const known = /^(unionid|openid:wx[0-9a-f]{16}|external_userid|anon|login)$/;
    const kinds = new Set(events.flatMap(({ ids }) => ids.map(({ k }) => k)));
    for (const kind of kinds) expect(kind).toMatch(known);
    expect(kinds.size).toBe(7);
    expect(events.filter(({ ids }) => ids.length === 0)).toEqual([]);
    const joined = events.filter(({ ids }) => ids.length > 1).length;
    expect(joined / events.length).toBeGreaterThan(0.8);
  });

  test("arrives within four seconds, mostly at once; a few twice, a few spoilt", async () => {
    const plan = await trackingPlan();
    const first = new Map<string, Readonly<Record<string, unknown>>>();
    let again = 0;
    let spoilt = 0;
    for (const { subject, body } of messages) {
      if (!subject.startsWith("in.event.")) continue;
      const id = String(body["id"]);
      if (isSpoilt(id)) {
        spoilt += 1;
        const props = body["props"] as Record<string, unknown>;
        const type = body["type"];
        const sound = typeof type === "string" && plan.validate(type, props).ok;
        expect(sound && Array.isArray(body["ids"]) && typeof body["ts"] === "number").toBe(false);
      } else if (first.has(id)) {
        again += 1;
        expect({ ...body, recv: 0 }).toEqual({ ...first.get(id), recv: 0 });
      } else first.set(id, body);
    }
    const late = events.map(({ ts, recv }) => recv - ts);
    expect(Math.min(...late.slice(0, 20_000))).toBeGreaterThan(0);
    expect(late.filter((ms) => ms >= 4000)).toEqual([]);
    const slow = late.filter((ms) => ms > 2000).length / late.length;
    expect(slow).toBeGreaterThan(0.01);
    expect(slow).toBeLessThan(0.06);
    expect(again / events.length).toBeGreaterThan(0.0005);
    expect(again / events.length).toBeLessThan(0.005);
    expect(spoilt).toBeGreaterThan(0);
    expect(spoilt / events.length).toBeLessThan(0.002);
  });
});

test("the shop knows what every event was after, and all intents come up", () => {
  const shop = openShop();
  const found = new Map<string, number>();
  for (const { id } of behaviours(shop.advance(at(hours(2))))) {
    const intent = shop.truth(id)?.intent ?? "unknown";
    found.set(intent, (found.get(intent) ?? 0) + 1);
  }
  expect([...found.keys()].toSorted()).toEqual([...INTENTS].toSorted());
  expect(shop.truth("nobody-0")).toBeUndefined();
});

test("one person's identifiers never belong to another", () => {
  const shop = openShop();
  const owners = new Map<string, Set<number>>();
  for (const { id, ids } of behaviours(shop.advance(at(hours(2))))) {
    for (const { k, v } of ids) {
      const owner = owners.get(`${k} ${v}`) ?? new Set();
      owners.set(`${k} ${v}`, owner.add(shop.truth(id)?.person ?? -1));
    }
  }
  expect(owners.size).toBeGreaterThan(1000);
  expect([...owners].filter(([, people]) => people.size > 1 || people.has(-1))).toEqual([]);
});

test("the live stream makes one item's views jump twentyfold within minutes", () => {
  const live = events.find(({ type }) => type === "live.entered");
  const sku = live?.props["sku"];
  const views = events.filter(
    ({ type, props }) => type === "product.viewed" && props["sku"] === sku,
  );
  const within = (from: number, to: number) =>
    views.filter(({ ts }) => ts >= at(from) && ts < at(to)).length / ((to - from) / 60_000);
  expect((live?.ts ?? 0) - START).toBeGreaterThanOrEqual(minutes(7));
  expect((live?.ts ?? 0) - START).toBeLessThan(minutes(9));
  const usual = within(minutes(60), minutes(180));
  expect(usual).toBeGreaterThan(0);
  expect(within(minutes(8), minutes(13)) / usual).toBeGreaterThan(20);
});

test("an hour for tests can be as busy as forty thousand events", () => {
  const hour = openShop({ people: 6000, rate: 1.3 }).advance(at(hours(1)));
  expect(hour.length).toBeGreaterThan(40_000);
});
