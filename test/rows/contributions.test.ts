import { expect, test } from "vitest";
import { happens, ofRule, type Said, saidBy } from "../operators/shopper/rule-stage.ts";
import { DAY, HOUR, MIN } from "../operators/shopper/support.ts";

/** What people contribute and are worth, as the shipped rules tell a CRM. */

const told = (said: readonly Said[]) =>
  said.map(({ subject, at, data }) => [subject, at, data["points"], data["balance"]]);
const points = async (lines: readonly object[], until = DAY) =>
  told(ofRule(await saidBy(lines, until), "points"));

test("G14: content made earns points, up to five a day, none twice", async () => {
  const made = (ms: number, id: string) => happens(ms, "content.created", { content_id: id });
  const lines = [
    made(0, "a"),
    made(MIN, "a"),
    ...[2, 3, 4, 5, 6].map((i) => made(i * MIN, `${i}`)),
  ];
  expect(await points(lines)).toEqual(
    [0, 2, 3, 4, 5].map((minute, i) => ["crm.points", minute * MIN, 10, 10 * (i + 1)]),
  );
  // The first has left the day.
  expect(await points([...lines, made(DAY, "b")], 2 * DAY)).toHaveLength(6);
  expect(await points([...lines, made(DAY - 1, "b")], 2 * DAY)).toHaveLength(5);
});

test("G15: sharing earns points; one thing again, or very many, earns no more", async () => {
  const shares = (sku: string, ms: number) => happens(ms, "product.shared", { sku });
  expect(await points([shares("A", 0), shares("A", 1000), shares("B", 2000)])).toEqual([
    ["crm.points", 0, 2, 2],
    ["crm.points", 2000, 2, 4],
  ]);
  const flood = Array.from({ length: 60 }, (_, i) => shares(`s${i}`, i * 1000));
  expect(await points(flood)).toHaveLength(5);
  // Nor is a tier of membership to be had by it.
  expect(ofRule(await saidBy(flood, DAY), "benefit")).toEqual([]);
});

test("G16: feedback earns points", async () => {
  const rated = happens(0, "cs.rated", { topic: "aftersales", rating: 5 });
  const answer = { topic: "tent", attribute: "colour", value: "green" };
  expect(await points([rated, happens(HOUR, "survey.answered", answer)])).toEqual([
    ["crm.points", 0, 5, 5],
    ["crm.points", HOUR, 5, 10],
  ]);
});

test("G17: each order changes the lifetime value, refunds too; it fades by half in a year", async () => {
  const order = (ms: number, type: string, total_minor: number) =>
    happens(ms, type, { order_id: `o${ms}`, sku: "P", total_minor });
  const lines = [
    order(0, "order.paid", 100_000),
    order(365 * DAY, "order.paid", 20_000),
    order(365 * DAY + 1, "order.refunded", 5000),
  ];
  const said = ofRule(await saidBy(lines, 366 * DAY), "ltv");
  expect(said.map(({ subject, at, data }) => [subject, at, data["ltv_minor"]])).toEqual([
    ["crm.ltv", 0, 100_000],
    ["crm.ltv", 365 * DAY, 70_000],
    ["crm.ltv", 365 * DAY + 1, 65_000],
  ]);
  expect(said[0]?.data).toMatchObject({ reason: "score", evidence: [{ event: "order.paid" }] });
});

test("G18: the benefit rises with value and contribution, and falls only after its grace", async () => {
  const paid = happens(0, "order.paid", { order_id: "o", sku: "P", total_minor: 1_600_000 });
  const said = ofRule(await saidBy([paid], 200 * DAY), "benefit");
  const fades = Math.floor(365 * DAY * Math.log2(160 / 150)) + 1;
  expect(said.map(({ at, time, data }) => [at, time, data["benefit"]])).toEqual([
    [0, 0, "gold"],
    [fades, fades + 30 * DAY, "silver"],
  ]);
});
