import { expect, test } from "vitest";
import { HOUR, happens, MIN, saidOf } from "./said.ts";

/** Two offers to choose between, and nothing that keeps a second from coming. */
const RULES = `version: 1
rules:
  - id: bargain
    when: {event: searched, where: {query: {any: [便宜]}}}
    variants:
      - {id: a, share: 50%, then: {recommend: {offer: coupon, channel: mp, value: less}}}
      - {id: b, share: 50%, then: {recommend: {offer: group_buy, channel: mp, value: together}}}
contact: {}
`;

test("F09: whoever asks at two touchpoints of one session is offered the same at both", async () => {
  const people = Array.from({ length: 20 }, (_, i) => `p${i}`);
  const searches = people.flatMap((person, i) =>
    ["mp", "gzh", "mp"].map((touchpoint, k) =>
      happens(i * 1000 + k * 5 * MIN, "searched", { query: "便宜" }, { person, touchpoint }),
    ),
  );
  const lines = searches.sort((a, b) => a.ts - b.ts);
  const said = await saidOf(lines, HOUR, /^recommendation\.mp\./, {
    files: { "rules.yaml": RULES },
  });
  const offers = new Map<unknown, unknown[]>();
  for (const { data } of said) {
    if (data["rule"] !== "bargain") continue;
    const [item] = data["items"] as readonly { readonly offer: string }[];
    offers.set(data["person"], [...(offers.get(data["person"]) ?? []), item?.offer]);
  }
  expect(offers.size).toBe(people.length);
  for (const made of offers.values()) expect(made).toEqual([made[0], made[0], made[0]]);
  expect(new Set([...offers.values()].flat())).toEqual(new Set(["coupon", "group_buy"]));
});
