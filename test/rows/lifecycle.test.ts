import { expect, test } from "vitest";
import { DAY, happens, saidOf } from "./said.ts";

const view = (ms: number, late?: number) =>
  happens(ms, "product.viewed", { sku: "s1" }, late === undefined ? {} : { late });
const paid = (ms: number, late?: number) =>
  happens(ms, "order.paid", { sku: "s1" }, late === undefined ? {} : { late });

/** Stage, time after noon and reason of each message. */
async function stages(lines: readonly object[], until: number) {
  const said = await saidOf(lines, until, /^lifecycle\.(new|active|dormant|churn_risk)$/);
  return said.map(({ data, at }) => [data["stage"], at, data["reason"]]);
}

test("C28: the first order makes a new customer; new ends when the 30th day is over", async () => {
  expect(await stages([paid(0)], 0)).toEqual([["new", 0, "first_order"]]);
  expect(await stages([paid(0), view(20 * DAY)], 30 * DAY)).toEqual([["new", 0, "first_order"]]);
  expect(await stages([paid(0), view(20 * DAY)], 30 * DAY + 1)).toEqual([
    ["new", 0, "first_order"],
    ["active", 30 * DAY + 1, "regular"],
  ]);
});

test("C28: who looked around for long is new with the first order", async () => {
  const looks = [view(0), view(30 * DAY), view(40 * DAY)];
  expect(await stages([...looks, paid(45 * DAY)], 45 * DAY)).toEqual([
    ["new", 0, "first_seen"],
    ["active", 30 * DAY + 1, "regular"],
    ["new", 45 * DAY, "first_order"],
  ]);
});

test("C29: two orders within 30 days, the 30th included, make an active customer", async () => {
  expect(await stages([paid(0), paid(30 * DAY)], 30 * DAY)).toEqual([
    ["new", 0, "first_order"],
    ["active", 30 * DAY, "frequent"],
  ]);
  const [, active] = await saidOf(
    [paid(0), paid(5 * DAY)],
    5 * DAY,
    /^lifecycle\.(new|active|dormant|churn_risk)$/,
  );
  expect(active?.subject).toBe("lifecycle.active");
  expect(active?.data).toMatchObject({
    before: "new",
    evidence: [{ event: "order.paid" }, { event: "order.paid" }],
  });
});

test("C30: 60 days without an act, and a customer is dormant without an event", async () => {
  const lines = [paid(0), view(10 * DAY)];
  expect(await stages(lines, 70 * DAY - 1)).toHaveLength(2);
  expect((await stages(lines, 70 * DAY)).at(-1)).toEqual(["dormant", 70 * DAY, "quiet"]);
  expect((await stages([...lines, view(80 * DAY)], 80 * DAY)).at(-1)).toEqual([
    "active",
    80 * DAY,
    "regular",
  ]);
});

test("C31: who buys every 10 days is at risk when the next order is not there after 20", async () => {
  const lines = [paid(0), paid(10 * DAY), paid(20 * DAY)];
  const risk = ["churn_risk", 40 * DAY + 1, "overdue"];
  expect(await stages(lines, 40 * DAY)).not.toContainEqual(risk);
  expect((await stages(lines, 45 * DAY)).at(-1)).toEqual(risk);
  // It is the own rhythm that counts: every 20 days, and the same gap is none.
  const slow = [paid(-20 * DAY), paid(0), paid(20 * DAY)];
  expect((await stages(slow, 45 * DAY)).map(([stage]) => stage)).not.toContain("churn_risk");
  // Looking around does not help, buying does.
  const looks = [...lines, view(39 * DAY), view(44 * DAY)];
  expect((await stages(looks, 45 * DAY)).at(-1)).toEqual(risk);
  expect((await stages([...looks, paid(46 * DAY)], 46 * DAY)).at(-1)).toEqual([
    "active",
    46 * DAY,
    "frequent",
  ]);
});

test("C31: the shipped rule for the winning back reads the stage", async () => {
  const lines = [paid(0), paid(10 * DAY), paid(20 * DAY)];
  const said = await saidOf(lines, 41 * DAY, /^(recommendation|suppressed)\./);
  const winback = said.filter(({ data }) => data["rule"] === "winback");
  expect(winback.map(({ at }) => at)).toEqual([40 * DAY + 1]);
});

test("C30: a late act takes back what the clock said, by messages that supersede", async () => {
  const late = view(58 * DAY, 4 * DAY);
  const said = await saidOf(
    [paid(0), late],
    63 * DAY,
    /^lifecycle\.(new|active|dormant|churn_risk)$/,
  );
  const [, , dormant, takenBack] = said;
  expect(dormant?.data).toMatchObject({ stage: "dormant" });
  expect(dormant?.at).toBe(60 * DAY);
  expect(takenBack?.data).toMatchObject({
    stage: "active",
    reason: "corrected",
    supersedes: dormant?.id,
  });
  expect(takenBack?.at).toBe(60 * DAY);
  expect(said).toHaveLength(4);
});

test("C31: a late order is judged as if it had come in time", async () => {
  const late = paid(38 * DAY, 3 * DAY);
  const said = await saidOf(
    [paid(0), paid(10 * DAY), paid(20 * DAY), late],
    42 * DAY,
    /^lifecycle\.(new|active|dormant|churn_risk)$/,
  );
  const risk = said.find(({ data }) => data["stage"] === "churn_risk");
  expect(said.at(-1)?.data).toMatchObject({ stage: "active", supersedes: risk?.id });
});
