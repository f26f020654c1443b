import { expect, test } from "vitest";
import { afternoon, Crowd } from "../../bench/crowd.ts";
import { timerBytes } from "../../bench/memory.ts";

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

test.each`
  asleep   | least | most
  ${false} | ${60} | ${250}
  ${true}  | ${5}  | ${60}
`("a timer takes between $least and $most bytes, asleep: $asleep", ({ asleep, least, most }) => {
  const bytes = timerBytes(24_000, asleep);
  expect(bytes).toBeGreaterThan(least);
  expect(bytes).toBeLessThan(most);
});
