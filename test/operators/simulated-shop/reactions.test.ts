import { expect, test } from "vitest";
import type { Heard } from "../../../operators/simulated-shop/message.ts";
import { hours, minutes } from "../../../src/time/event-time.ts";
import { at, behaviours, openShop } from "./support.ts";

const recId = (n: number): string => `r_${n.toString(16).padStart(16, "0")}_${"0".repeat(12)}`;
const product = (n: number, evidence: readonly unknown[] = []): Heard => ({
  subject: "recommendation.wecom.product",
  data: {
    rec_id: recId(n),
    channel: "wecom",
    kind: "product",
    items: [{ kind: "product", sku: "backpacks-05" }],
    evidence,
  },
});
const ORDER = ["delivered", "exposed", "clicked", "purchased"];

test("feedback comes for what was recommended alone, in the order of life, each step once", () => {
  const shop = openShop({ people: 50 });
  shop.advance(at(minutes(5)));
  for (let n = 0; n < 300; n += 1) shop.onRecommendation(product(n));
  for (let n = 0; n < 300; n += 1) shop.onRecommendation(product(n));
  const told = new Map<unknown, string[]>();
  for (const { subject, body } of shop.advance(at(hours(3)))) {
    if (!subject.startsWith("in.feedback.")) continue;
    const props = body["props"] as Record<string, unknown>;
    const kind = subject.split(".")[2] ?? "";
    expect(props["item"]).toBe("backpacks-05");
    told.set(props["rec_id"], [...(told.get(props["rec_id"]) ?? []), kind]);
  }
  const given = new Set(Array.from({ length: 300 }, (_, n) => recId(n)));
  const steps = new Map<string, number>();
  for (const [rec, kinds] of told) {
    expect(given).toContain(rec);
    const way = kinds.filter((kind) => kind !== "closed");
    expect(way).toEqual(ORDER.slice(0, way.length));
    if (kinds.includes("closed")) expect(kinds).toEqual(["delivered", "exposed", "closed"]);
    for (const kind of kinds) steps.set(kind, (steps.get(kind) ?? 0) + 1);
  }
  expect(told.size).toBe(300);
  for (const kind of [...ORDER.slice(0, 3), "closed"]) expect(steps.get(kind)).toBeGreaterThan(10);
});

test("who is known by the evidence comes and looks, and what they buy names the recommendation", () => {
  const shop = openShop({ people: 300, rate: 2 });
  const early = behaviours(shop.advance(at(minutes(20))));
  const cause = early.find(({ touchpoint }) => touchpoint === "mp");
  for (let n = 0; n < 200; n += 1)
    shop.onRecommendation(
      product(n, [[cause?.id], [{ id: cause?.id }], [{ event: cause?.id }]][n % 3]),
    );
  const later = behaviours(shop.advance(at(hours(1))));
  const person = shop.truth(cause?.id ?? "")?.person;
  const bought = later.filter(
    ({ type, props }) => type === "order.paid" && props["source"] === "recommendation",
  );
  expect(bought.length).toBeGreaterThan(0);
  for (const { id, props } of bought) {
    expect(shop.truth(id)?.person).toBe(person);
    expect(String(props["rec_id"])).toMatch(/^r_[0-9a-f]{16}_0{12}$/);
  }
});
