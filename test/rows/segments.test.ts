import { expect, test } from "vitest";
import type { EventTime } from "../../src/time/event-time.ts";
import { run } from "../replay/run.ts";

/** What the shipped segments say, through the whole of the shipped configuration. */

/** Noon in Shanghai. */
const NOON = Date.UTC(2026, 10, 2, 4);
const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

type Props = Readonly<Record<string, unknown>>;
let ids = 0;
function happens(ms: number, type: string, props: Props = {}, person = "a") {
  ids += 1;
  return { id: `e${ids}`, type, ts: NOON + ms, ids: [{ k: "unionid", v: person }], props };
}

async function saidOf(lines: readonly object[], until: number, subject: RegExp) {
  const said: (readonly [subject: string, data: Props])[] = [];
  await run({
    lines: lines.map((line) => JSON.stringify(line)),
    format: "events",
    until: (NOON + until) as EventTime,
    onLine: (line) => {
      if (subject.test(line.subject)) said.push([line.subject, line.data as Props]);
    },
  });
  return said;
}

/** Entries and exits of a segment: milliseconds after noon, and the reason. */
async function turns(segment: string, lines: readonly object[], until: number) {
  const said = await saidOf(lines, until, new RegExp(`^segment\\.${segment}\\.`));
  return said.map(([subject, { at, reason }]) => [
    subject.split(".")[2],
    Date.parse(String(at)) - NOON,
    reason,
  ]);
}
const lastOf = async (subject: RegExp, lines: readonly object[], until: number) =>
  (await saidOf(lines, until, subject)).at(-1)?.[1];

const view = (ms: number, person = "a") =>
  happens(ms, "product.viewed", { sku: "p1", line: "premium" }, person);
const chat = (ms: number, seconds: number, order: string, person = "a") =>
  happens(ms, "cs.ended", { topic: "aftersales", order_id: order, dur_ms: seconds * 1000 }, person);
const paid = (ms: number, order: string, person = "a") =>
  happens(ms, "order.paid", { order_id: order, sku: "p1", line: "premium" }, person);
const science = (ms: number, id: string, person = "a") =>
  happens(ms, "article.opened", { content_id: id, category: "science" }, person);

test("E16: 30 days pass, and a member leaves without an event", async () => {
  const looks = [view(0), view(HOUR), view(2 * HOUR)];
  const until = 30 * DAY;
  expect(await turns("high_value_interest", looks, until)).toEqual([
    ["entered", 2 * HOUR, "count"],
  ]);
  expect(await turns("high_value_interest", looks, until + 1)).toEqual([
    ["entered", 2 * HOUR, "count"],
    ["exited", 30 * DAY + 1, "window"],
  ]);
});

test("E18: 900 s with after-sales is not more than 15 minutes, 901 s is; a newer order ends it", async () => {
  const before = [paid(0, "o1"), chat(HOUR, 600, "o1")];
  expect(await turns("service_sensitive", [...before, chat(2 * HOUR, 300, "o1")], DAY)).toEqual([]);
  const over = [...before, chat(2 * HOUR, 301, "o1")];
  expect(await turns("service_sensitive", over, DAY)).toEqual([["entered", 2 * HOUR, "sum"]]);
  const next = [
    ...over,
    paid(3 * HOUR, "o2"),
    chat(4 * HOUR, 900, "o1"),
    chat(5 * HOUR, 900, "o2"),
  ];
  expect(await turns("service_sensitive", next, DAY)).toEqual([
    ["entered", 2 * HOUR, "sum"],
    ["exited", 3 * HOUR, "order"],
  ]);
});

test("E18: a chat about other things, or before the order, does not count", async () => {
  const presale = happens(HOUR, "cs.ended", { topic: "presale", dur_ms: 1_000_000 });
  const lines = [chat(0, 901, "o1"), paid(1, "o1"), presale];
  expect(await turns("service_sensitive", lines, DAY)).toEqual([]);
});

test("E19: a reader who goes on reading stays, and leaves 30 days after the last article", async () => {
  const run3 = [science(0, "1"), science(MIN, "2"), science(2 * MIN, "3")];
  const lines = [
    ...run3,
    happens(3 * MIN, "article.opened", { content_id: "9", category: "news" }),
    science(20 * DAY, "4"),
  ];
  expect(await turns("science_reader", lines, 60 * DAY)).toEqual([
    ["entered", 2 * MIN, "run"],
    ["exited", 50 * DAY + 1, "window"],
  ]);
});

test("E17: what arrives late is judged anew, and corrected by a message that supersedes", async () => {
  const looks = [view(0), view(HOUR), view(2 * HOUR), view(3 * HOUR)];
  const late = { ...paid(90 * MIN, "o1"), recv: NOON + 3 * HOUR + 1 };
  const said = await saidOf([...looks, late], DAY, /^segment\.high_value_interest\./);
  expect(
    said.map(([subject, { at }]) => [subject.split(".")[2], Date.parse(String(at)) - NOON]),
  ).toEqual([
    ["entered", 2 * HOUR],
    ["exited", 2 * HOUR],
  ]);
  expect(said[1]?.[1]).toMatchObject({ reason: "order", supersedes: expect.any(String) });
});

test("E20: goal conversion: the part of those who came in that ordered", async () => {
  const lines = ["a", "b", "c", "d"].flatMap((person, i) => [
    view(i, person),
    view(HOUR + i, person),
    view(2 * HOUR + i, person),
  ]);
  const rate = await lastOf(
    /^kpi\.segment_conversion$/,
    [...lines, paid(3 * HOUR, "o1", "b")],
    4 * HOUR,
  );
  expect(rate).toMatchObject({
    segment: "high_value_interest",
    entered: 4,
    converted: 1,
    rate: 0.25,
  });
  const size = await lastOf(/^kpi\.segment_size$/, [...lines, paid(3 * HOUR, "o1", "b")], 4 * HOUR);
  expect(size).toMatchObject({ segment: "high_value_interest", members: 3 });
});

test("E21: goal churn: the part of the members who have done nothing for 30 days", async () => {
  const upset = (person: string) => [
    paid(0, `o-${person}`, person),
    chat(HOUR, 901, `o-${person}`, person),
  ];
  const back = happens(20 * DAY, "mp.entered", {}, "b");
  const rate = await lastOf(/^kpi\.segment_churn$/, [...upset("a"), ...upset("b"), back], 32 * DAY);
  expect(rate).toMatchObject({ segment: "service_sensitive", members: 2, lost: 1, rate: 0.5 });
});

test("E22: goal stickiness: of the members of the month, those who came today", async () => {
  const reader = (person: string) => [
    science(0, "1", person),
    science(MIN, "2", person),
    science(2 * MIN, "3", person),
  ];
  const lines = [...reader("a"), ...reader("b"), ...reader("c"), ...reader("d")];
  const today = happens(5 * DAY, "mp.entered", {}, "c");
  const rate = await lastOf(/^kpi\.segment_stickiness$/, [...lines, today], 5 * DAY + HOUR);
  expect(rate).toMatchObject({ segment: "science_reader", daily: 1, monthly: 4, rate: 0.25 });
});
