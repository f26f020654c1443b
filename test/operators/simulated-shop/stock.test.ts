import { expect, test } from "vitest";
import type { ShopMessage } from "../../../operators/simulated-shop/message.ts";
import { hours, minutes } from "../../../src/time/event-time.ts";
import { at, type Behaviour, behaviours, openShop } from "./support.ts";

interface Stock {
  readonly sku: string;
  readonly site: string;
  readonly on_hand: number;
}
const stockOf = (messages: readonly ShopMessage[]): Stock[] =>
  messages
    .filter(({ subject }) => subject.startsWith("in.fact.inventory."))
    .map(({ body }) => body as unknown as Stock);

type Line = { readonly sku: string; readonly qty: number };
const linesOf = ({ props }: Behaviour): readonly Line[] => props["lines"] as readonly Line[];

/** An afternoon whose buyer refills every shelf that runs low. */
function stockedAfternoon(seed: number) {
  const shop = openShop({ seed, people: 600, items: 80 });
  const messages: ShopMessage[] = [];
  const ordered = new Map<string, number>();
  let signals = 0;
  for (let minute = 5; minute <= 300; minute += 5) {
    const news = shop.advance(at(minutes(minute)));
    messages.push(...news);
    for (const { sku, site, on_hand: left } of stockOf(news)) {
      if (left > 1 || minute > 200) continue;
      const data = { signal_id: `s${signals}`, sku, site, qty: 5 };
      signals += 1;
      shop.onRestock({ subject: "restock.any", data });
      ordered.set(sku, (ordered.get(sku) ?? 0) + 5);
    }
  }
  messages.push(...shop.advance(at(hours(12))));
  return { shop, messages, ordered };
}

test.each([1, 2, 7])("seed %i: every piece is accounted for", (seed) => {
  const { shop, messages, ordered } = stockedAfternoon(seed);
  const opening = stockOf(shop.facts());
  const balance = new Map<string, number>();
  const add = (sku: string, qty: number) => balance.set(sku, (balance.get(sku) ?? 0) + qty);
  for (const { sku, on_hand: here } of opening) add(sku, here);
  for (const [sku, qty] of ordered) add(sku, qty);
  const placed = new Map<unknown, readonly Line[]>();
  const events = behaviours(messages);
  for (const event of events.filter(({ type }) => type === "order.placed")) {
    placed.set(event.props["order_id"], linesOf(event));
    for (const { sku, qty } of linesOf(event)) add(sku, -qty);
  }
  for (const event of events.filter(({ type }) => type === "order.cancelled")) {
    for (const { sku, qty } of placed.get(event.props["order_id"]) ?? []) add(sku, qty);
  }
  const final = new Map<string, number>();
  for (const { sku, site, on_hand: here } of [...opening, ...stockOf(messages)]) {
    expect(here).toBeGreaterThanOrEqual(0);
    final.set(`${site} ${sku}`, here);
  }
  const left = new Map<string, number>();
  for (const [key, here] of final) {
    const sku = key.split(" ")[1] ?? "";
    left.set(sku, (left.get(sku) ?? 0) + here);
  }
  expect(placed.size).toBeGreaterThan(50);
  expect(ordered.size).toBeGreaterThan(10);
  // What is put aside for an order that is about to be placed when time stops is on neither side.
  const open = [...balance].filter(([sku, qty]) => left.get(sku) !== qty);
  for (const [sku, qty] of open) expect(qty - (left.get(sku) ?? 0)).toBeGreaterThan(0);
  expect(open.length).toBeLessThan(5);
  const paid = events.filter(({ type }) => type === "order.paid");
  for (const event of paid) expect(placed.get(event.props["order_id"])).toEqual(linesOf(event));
});

test("the live item sells out, and nobody can buy what is not there", () => {
  const shop = openShop({ people: 3000 });
  const messages = shop.advance(at(minutes(30)));
  const live = behaviours(messages).find(({ type }) => type === "live.entered");
  const left = new Map<string, number>();
  for (const { sku, site, on_hand: here } of [...stockOf(shop.facts()), ...stockOf(messages)]) {
    if (sku === live?.props["sku"]) left.set(site, here);
  }
  expect([...left.values()]).toEqual(Array.from(left, () => 0));
});

test("a restock arrives after the item's lead time, once, and is on order until then", () => {
  const shop = openShop({ people: 1, rate: 0.001 });
  const sku = "tents-04";
  const supply = shop.facts().find(({ subject }) => subject === `in.fact.supply.${sku}`);
  const lead = Number(supply?.body["lead_days"]) * hours(24);
  const before = stockOf(shop.facts()).find((s) => s.sku === sku && s.site === "w-south");
  shop.advance(at(minutes(10)));
  const signal = { subject: "restock.south", data: { signal_id: "s1", sku, qty: 30 } };
  shop.onRestock(signal);
  shop.onRestock(signal);
  const more = { signal_id: "s2", supersedes: "s1", sku, qty: 42, region: "south" };
  shop.onRestock({ subject: "restock.south", data: more });
  const facts = shop
    .advance(at(hours(24)))
    .filter(({ subject }) => subject.startsWith("in.fact."))
    .map(({ recv, subject, body }) => [
      Math.round((recv - at(minutes(10))) / 1000),
      subject,
      body["on_hand"] ?? body["on_order"],
    ]);
  const due = Math.round(lead / 1000);
  const here = before?.on_hand ?? 0;
  expect(facts).toEqual([
    [0, `in.fact.supply.${sku}`, 42],
    [0, `in.fact.supply.${sku}`, 42],
    [due, `in.fact.inventory.w-south.${sku}`, here + 30],
    [due, `in.fact.supply.${sku}`, 12],
    [due, `in.fact.inventory.w-south.${sku}`, here + 42],
    [due, `in.fact.supply.${sku}`, 0],
  ]);
});

test("nonsense is no order", () => {
  const shop = openShop({ people: 1, rate: 0.001 });
  for (const data of [
    {},
    { sku: 1, qty: 1 },
    { sku: "no-such", qty: 5 },
    { sku: "tents-01", qty: 0 },
  ]) {
    shop.onRestock({ subject: "restock.east", data });
  }
  expect(shop.advance(at(hours(8))).filter(({ subject }) => /supply/.test(subject))).toEqual([]);
});
