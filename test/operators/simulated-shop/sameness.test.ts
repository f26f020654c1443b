import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Heard, ShopMessage } from "../../../operators/simulated-shop/message.ts";
import type { SimulatedShop } from "../../../operators/simulated-shop/simulated-shop.ts";
import { hours, minutes } from "../../../src/time/event-time.ts";
import { afternoon, at, behaviours, fingerprint, openShop, START } from "./support.ts";

const SMALL = { people: 150, items: 60 };
const HALF = minutes(30);

const recommend = (n: number): Heard => ({
  subject: "recommendation.mp.info",
  data: {
    rec_id: `r_${String(n).padStart(16, "0")}_000000000000`,
    channel: "mp",
    kind: "info",
    items: [{ kind: "info", content_id: "c-tents-gzh-1" }],
  },
});
const restock = (n: number): Heard => ({
  subject: "restock.east",
  data: { signal_id: `s${n}`, sku: "tents-01", region: "east", qty: 12 },
});

/** An hour and a half; every half hour the shop hears something. */
function heard(shop: SimulatedShop, steps: readonly number[]): ShopMessage[] {
  const messages: ShopMessage[] = [];
  for (let round = 0; round < 3; round += 1) {
    const marks = steps.map((share) => round * HALF + Math.floor(share * HALF));
    for (const mark of marks.toSorted((a, b) => a - b)) messages.push(...shop.advance(at(mark)));
    messages.push(...shop.advance(at((round + 1) * HALF)));
    shop.onRecommendation(recommend(round));
    shop.onRestock(restock(round));
  }
  return messages;
}

describe("same seed, same start, same reactions", () => {
  test("give the same bytes", () => {
    expect(fingerprint(afternoon())).toBe(fingerprint(afternoon()));
    expect(fingerprint(openShop().facts())).toBe(fingerprint(openShop().facts()));
  });

  test("give the same bytes however the time is cut", () => {
    const whole = fingerprint(heard(openShop(SMALL), []));
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(share, { maxLength: 40 }), (steps) => {
        expect(fingerprint(heard(openShop(SMALL), steps))).toBe(whole);
      }),
      { numRuns: 15 },
    );
  });

  test("another seed is another shop, another start another day", () => {
    const seeds = [1, 2, 3, 0xc0ffee, -1].map((seed) =>
      fingerprint(openShop({ ...SMALL, seed }).advance(at(hours(1)))),
    );
    expect(new Set(seeds).size).toBe(seeds.length);
    const today = openShop(SMALL).advance(at(hours(1)));
    const tomorrow = openShop({ ...SMALL, start: at(hours(24)) }).advance(at(hours(25)));
    const ids = new Set(behaviours(today).map(({ id }) => id));
    expect(ids.size).toBeGreaterThan(100);
    expect(behaviours(tomorrow).filter(({ id }) => ids.has(id))).toEqual([]);
  });
});

test("one who answers a recommendation shifts nothing for anyone else", () => {
  const others = (messages: readonly ShopMessage[]) =>
    fingerprint(messages.filter(({ subject }) => !subject.startsWith("in.feedback.")));
  const quiet = openShop(SMALL);
  const asked = openShop(SMALL);
  for (let n = 0; n < 50; n += 1) asked.onRecommendation(recommend(n));
  const answers = asked.advance(at(hours(1)));
  expect(others(answers)).toBe(others(quiet.advance(at(hours(1)))));
  expect(answers.some(({ subject }) => subject === "in.feedback.clicked")).toBe(true);
});

test("messages come in the order of arrival, none before the step that brings it", () => {
  const shop = openShop(SMALL);
  let last = START as number;
  for (let minute = 1; minute <= 60; minute += 1) {
    for (const { recv, body } of shop.advance(at(minutes(minute)))) {
      expect(recv).toBe(body["recv"]);
      expect(recv).toBeGreaterThanOrEqual(last);
      expect(recv).toBeLessThanOrEqual(at(minutes(minute)));
      last = recv;
    }
  }
  expect(shop.advance(START)).toEqual([]);
});
