import { expect, test, vi } from "vitest";
import type { Operator } from "../../src/flow/operator.ts";
import { minutes } from "../../src/time/event-time.ts";
import { Copies } from "../support/copies.ts";
import { openShop, shopLine, shopMessages } from "../support/events.ts";
import { replayJob } from "../support/job.ts";
import { play } from "../support/play.ts";
import { run } from "./run.ts";

vi.setConfig({ testTimeout: 300_000 });

test("over the simulated shop no operator changes in place what the copy of its state shares", async () => {
  const of = { seed: 5, people: 200, lasts: minutes(60) };
  const shop = openShop(of);
  const told = function* () {
    for (const message of shopMessages(shop, of.lasts)) yield shopLine(message);
  };
  const copies = new Copies();
  await run({
    lines: told(),
    format: "events",
    copies,
    // So that there are pauses and recommendations enough in an hour.
    settings: { "operators.shopper.recommend.every": "5s", "operators.shopper.session.gap": "5m" },
    onLine: ({ subject, data }) => {
      const heard = { subject, data: data as Record<string, unknown> };
      if (subject.startsWith("recommendation.")) shop.onRecommendation(heard);
      else if (subject.startsWith("restock.")) shop.onRestock(heard);
    },
  });
  const { shopper, demand } = await replayJob();
  const copying = [...shopper.nodes, ...demand.nodes].filter(({ operator }) => operator.copy);
  expect(copying.length).toBeGreaterThan(8);
  for (const { operator } of copying)
    expect(copies.made.get(operator.name) ?? 0, operator.name).toBeGreaterThan(50);
});

test("a copy that shares what changes is found out", async () => {
  type State = { readonly seen: number[] };
  const careless: Operator<number, never, State> = {
    name: "careless",
    version: 1,
    order: "arrival",
    key: () => "k",
    init: () => ({ seen: [] }),
    copy: ({ seen }) => ({ seen }),
    onEvent(n, state) {
      state.seen.push(n);
      return state;
    },
  };
  const script = [1, 2].map((n) => ({ at: n, key: "k", event: n }));
  const nodes = [{ operator: careless, from: ["events"] }];
  await expect(play(nodes, script)).rejects.toThrow("careless changed in place");
  const careful = { ...careless, copy: ({ seen }: State) => ({ seen: seen.slice() }) };
  await play([{ operator: careful, from: ["events"] }], script);
});
