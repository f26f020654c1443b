import { expect, test } from "vitest";
import type { EventTime } from "../../src/time/event-time.ts";
import { run } from "../replay/run.ts";

const NOON = Date.UTC(2026, 10, 2, 4);
const SEC = 1000;
const MIN = 60 * SEC;
const DAY = 1440 * MIN;

let ids = 0;
const post = (ms: number, person: string, group = "g") => {
  ids += 1;
  return {
    id: `p${ids}`,
    type: "group.message.posted",
    ts: NOON + ms,
    ids: [{ k: "unionid", v: person }],
    props: { group_id: group },
  };
};

/** Who is invited to a trial by the shipped rules: the person's posts in `group`, by person. */
async function invited(lines: readonly { readonly ts: number }[], until: number) {
  const people: string[] = [];
  await run({
    lines: lines.toSorted((a, b) => a.ts - b.ts).map((line) => JSON.stringify(line)),
    format: "events",
    until: (NOON + until) as EventTime,
    onLine: ({ data }) => {
      const { rule, person } = data as { readonly rule?: string; readonly person?: string };
      if (rule === "koc_trial" && person !== undefined) people.push(person);
    },
  });
  return people;
}

/** `count` posts of a person, a second apart. */
const posts = (person: string, count: number, group = "g") =>
  Array.from({ length: count }, (_, i) => post(i * SEC, person, group));

test("C40: the three most active of a group are invited, once, and only when active enough", async () => {
  const five = [40, 39, 38, 37, 36].flatMap((count, i) => posts(`k${i}`, count));
  expect(new Set(await invited(five, DAY)).size).toBe(3);
  expect(await invited(five, 2 * DAY)).toHaveLength(3);
  expect(await invited([...posts("a", 24), ...posts("b", 3)], DAY)).toEqual([]);
  // A score of 50, of another group each.
  expect(new Set(await invited([...posts("a", 30), ...posts("b", 30, "h")], DAY)).size).toBe(2);
});

test("C40: who overtakes the third is invited, too", async () => {
  const four = [40, 39, 38, 30].flatMap((count, i) => posts(`k${i}`, count));
  const more = Array.from({ length: 20 }, (_, i) => post(60 * MIN + i * SEC, "k3"));
  // Time passes in steps while somebody does something.
  const others = Array.from({ length: 60 }, (_, i) => post(61 * MIN + i * SEC, "k9", "other"));
  expect(new Set(await invited([...four, ...more, ...others], DAY)).size).toBe(4);
});
