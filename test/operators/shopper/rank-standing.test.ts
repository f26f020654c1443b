import { expect, test } from "vitest";
import { rankKey } from "../../../operators/shopper/condition/rank.ts";
import { rankStandingSpec } from "../../../operators/shopper/rank-standing.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { StandingOf } from "../../../operators/shopper/signals.ts";
import type { Matcher, Rank } from "../../../src/config/condition-ast.ts";
import { days } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, clock, DAY, HOUR, line, MIN, probe, shopEvent, T0 } from "./support.ts";

const POST: Matcher = { index: 0, name: "post", events: ["group.message.posted"], where: [] };
const RANK: Rank = {
  op: "rank",
  add: [{ of: POST, weight: 2, field: null }],
  halfLife: days(1),
  per: "group_id",
  top: 3,
  atLeast: 4,
};
const KEY = rankKey(RANK);
const FILE = {
  version: 1,
  matchers: [POST],
  rules: [{ id: "r", when: { op: "becomes", when: RANK } }],
};

const post = (ms: number, group = "g") =>
  line(shopEvent(ms, "group.message.posted", { group_id: group }));
const leads = (group: string, ...people: readonly string[]): ScriptLine => ({
  fact: ["leaders", `${KEY}:${group}`, people],
});

/** What is told of standing in the rank, and what is left of the person. */
async function standings(script: readonly ScriptLine[]) {
  const told: (StandingOf | { readonly kind: "scored"; readonly person: string })[] = [];
  const job = { timeZone: "UTC", seed: 1, maxAge: days(7), files: { rules: FILE } };
  const { task, hops } = await play(
    [
      { operator: sessionSpec.make({}, job), from: ["events"] },
      { operator: rankStandingSpec.make({}, job), from: ["session"] },
      probe(["rank_standing"], told),
    ],
    script,
  );
  const turns = told
    .filter((signal): signal is StandingOf => signal.kind === "standing")
    .map(({ value, on, at }) => [value === KEY, on, at - T0]);
  return { turns, hops, left: task.stateOf("rank_standing", ANN) };
}

test("who leads with enough is told a minute after the score, and leaves the millisecond it fades", async () => {
  const script = [post(0), post(1), post(2), leads("g", "p_other", ANN), clock(2 + MIN)];
  const { turns, hops } = await standings([...script, clock(0.5 * DAY)]);
  expect(turns).toEqual([[true, true, 2 + MIN]]);
  expect(hops.map(({ key, payload }) => [key, (payload as unknown[])[1]])).toEqual(
    [0, 1, 2].map(() => [`leaders:${KEY}:g`, ANN]),
  );
  const over = await standings([...script, clock(30 * DAY)]);
  const [, end] = over.turns;
  expect(over.turns).toHaveLength(2);
  expect(end?.[1]).toBe(false);
  const score = (t: number) => [0, 1, 2].reduce((sum, at) => sum + 2 * 2 ** ((at - t) / DAY), 0);
  expect(score((end?.[2] as number) - 1)).toBeGreaterThanOrEqual(4);
  expect(score(end?.[2] as number)).toBeLessThan(4);
  expect(over.left).toBeUndefined();
});

test("who is overtaken is looked at again within the hour; who has not enough never stands in it", async () => {
  const begun = [post(0), post(1), post(2), leads("g", ANN), clock(2 + MIN)];
  const { turns } = await standings([...begun, leads("g", "p_other"), clock(2 * HOUR)]);
  expect(turns).toEqual([
    [true, true, 2 + MIN],
    [true, false, 2 + MIN + HOUR],
  ]);
  expect((await standings([post(0), leads("g", ANN), clock(DAY)])).turns).toEqual([]);
  // Scores of two groups do not add up.
  const two = [post(0), post(1, "h"), leads("g", ANN), leads("h", ANN), clock(DAY)];
  expect((await standings(two)).turns).toEqual([]);
});
