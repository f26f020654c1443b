import { expect, test } from "vitest";
import { afternoon, Crowd } from "../../bench/crowd.ts";
import { plainBytes, timerBytes } from "../../bench/plain-bytes.ts";
import { residentOf } from "../../bench/resident.ts";

const GROUPS = 16;

test("events are of those who were let in, whether many come at once or one at a time", async () => {
  const from = await afternoon(1500);
  let outputs = 0;
  const crowd = await Crowd.open(from, () => {
    outputs += 1;
  });
  crowd.letItemsIn(20);
  crowd.letPeopleIn(300);
  expect(crowd.known).toBe(300);
  expect(await crowd.rate(200)).toBeGreaterThan(0);
  const atOnce = outputs;
  expect(atOnce).toBeGreaterThan(0);
  expect(await crowd.waits(200)).toHaveLength(200);
  expect(outputs).toBeGreaterThan(atOnce);
  // Of people nobody has come: beside them each group keeps a row of its own.
  expect(crowd.known).toBeLessThanOrEqual(300 + GROUPS);
});

test("people and items who are kept plainly have what they had, and take more; what is resident holds all", async () => {
  const order = { people: 2000, items: 200, afternoon: 1500, warmUp: 50 };
  const of = await residentOf(order);
  const { people } = await afternoon(order.afternoon);
  const { asText, asObjects } = plainBytes(people, 100);
  expect(of.aPerson).toBeGreaterThan(500);
  expect(asText).toBeGreaterThan(of.aPerson);
  expect(asObjects).toBeGreaterThan(asText);
  expect(of.inUse).toBeGreaterThan(order.people * of.aPerson + order.items * of.anItem);
  expect(of.resident).toBeGreaterThan(of.young + of.ofBench);
  expect(of.young).toBeGreaterThan(0);
});

test.each`
  how         | least | most
  ${"awake"}  | ${60} | ${250}
  ${"asleep"} | ${5}  | ${60}
  ${"plain"}  | ${60} | ${250}
`("a timer takes between $least and $most bytes: $how", ({ how, least, most }) => {
  const bytes = timerBytes(24_000, how);
  expect(bytes).toBeGreaterThan(least);
  expect(bytes).toBeLessThan(most);
});
