import { expect, test } from "vitest";
import type { LiveTexts } from "../../src/config/live.ts";
import { changed, generation, generationLine, liveTexts } from "../support/generations.ts";
import { DAY, HOUR, happens, MIN, type Said, saidOf } from "./said.ts";

/** What happens when configuration changes in the middle of the log. */

const look = (ms: number, person = "a") =>
  happens(ms, "product.viewed", { sku: "p1", line: "premium" }, { person });
/** Somebody else does something: time passes. */
const passes = (ms: number) => happens(ms, "page.viewed", { path: "x" }, { person: "clock" });
const apply = (number: number, texts: LiveTexts, more: object = {}) =>
  generationLine(generation(number, texts, more));

const TWO_LOOKS = changed("segments", [
  "premium_view, within: 30d, at_least: 3",
  "premium_view, within: 30d, at_least: 2",
]);
const WITHOUT = changed("segments", [/ {2}- id: science_reader[\s\S]*?(?= {2}- id: )/, ""]);

const turns = (said: readonly Said[]) =>
  said.map(({ subject, at, data }) => [subject.split(".").slice(1).join("."), at, data["reason"]]);

test("F14: a reload takes effect at its second, and messages say which version made them", async () => {
  const lines = [
    look(0),
    look(HOUR),
    passes(2 * HOUR),
    apply(1, TWO_LOOKS),
    passes(2 * HOUR + 10_000),
    look(3 * HOUR, "b"),
    look(4 * HOUR, "b"),
    look(5 * HOUR, "c"),
  ];
  const before = await saidOf(
    [look(0, "z"), look(1, "z"), look(2, "z")],
    HOUR,
    /^segment\.high_value/,
  );
  const said = await saidOf(lines, DAY, /^segment\.high_value_interest|^audit\./);
  const [accepted, applied] = said.filter(({ subject }) => subject.startsWith("audit."));
  expect(accepted).toMatchObject({ subject: "audit.config.accepted", data: { generation: 1 } });
  expect(applied).toMatchObject({
    subject: "audit.config.applied",
    at: 2 * HOUR + 10_000,
    data: { generation: 1, changes: { segments: { changed: ["high_value_interest"], kept: 3 } } },
  });
  const segments = said.filter(({ subject }) => subject.startsWith("segment."));
  expect(turns(segments)).toEqual([["high_value_interest.entered", 4 * HOUR, "count"]]);
  // Another version than the shipped one, which its message names.
  const versions = [...before, ...segments].map(({ data }) => data["version"]);
  expect(new Set(versions).size).toBe(2);
});

test("F14: what is removed is left at that second, what did not change keeps its state", async () => {
  const science = (ms: number, id: string) =>
    happens(ms, "article.opened", { content_id: id, category: "science" });
  const lines = [
    look(0),
    look(MIN),
    ...["c1", "c2", "c3"].map((id, i) => science(HOUR + i, id)),
    passes(2 * HOUR),
    apply(1, WITHOUT),
    passes(2 * HOUR + 2000),
    passes(2 * HOUR + 10 * MIN),
    look(3 * HOUR),
  ];
  const said = await saidOf(lines, DAY, /^segment\./);
  expect(turns(said)).toEqual([
    ["science_reader.entered", HOUR + 2, "run"],
    ["science_reader.exited", 2 * HOUR + 2000, "removed"],
    ["high_value_interest.entered", 3 * HOUR, "count"],
  ]);
});

test("F14: rolled back, a definition is what it was; its version says so", async () => {
  const looks = (at: number, person: string) => [look(at, person), look(at + MIN, person)];
  const lines = [
    passes(0),
    apply(1, TWO_LOOKS),
    passes(10_000),
    ...looks(HOUR, "b"),
    apply(2, liveTexts(), { restores: 0 }),
    passes(2 * HOUR),
    ...looks(3 * HOUR, "c"),
    look(4 * HOUR, "c"),
  ];
  const said = await saidOf(lines, DAY, /^segment\.high_value_interest|^audit\.config\.applied/);
  const segments = said.filter(({ subject }) => subject.startsWith("segment."));
  expect(turns(segments)).toEqual([
    ["high_value_interest.entered", HOUR + MIN, "count"],
    // Two looks are not enough any more.
    ["high_value_interest.exited", 2 * HOUR, "redefined"],
    ["high_value_interest.entered", 4 * HOUR, "count"],
  ]);
  const [entered, , again] = segments;
  expect(entered?.data["version"]).not.toBe(again?.data["version"]);
});

test("F15: who changed what, and when it holds, is told for every change", async () => {
  const lines = [
    passes(0),
    apply(1, TWO_LOOKS, { by: "lin", note: "two looks are enough" }),
    passes(5000),
    apply(2, WITHOUT, { by: "wei", at: "2026-11-03T00:00:00Z" }),
    passes(6000),
    apply(3, liveTexts(), { by: "wei", note: "back", restores: 0 }),
    passes(20_000),
  ];
  const said = await saidOf(lines, 30_000, /^audit\.config\./);
  const told = said.map(({ subject, data: { generation, by, note, restores } }) => [
    subject.slice("audit.config.".length),
    generation,
    by,
    note,
    restores,
  ]);
  expect(told).toEqual([
    ["accepted", 1, "lin", "two looks are enough", null],
    ["applied", 1, "lin", "two looks are enough", null],
    ["accepted", 2, "wei", "", null],
    ["superseded", 2, "wei", "", null],
    ["accepted", 3, "wei", "back", 0],
    ["applied", 3, "wei", "back", 0],
  ]);
  const applied = said.filter(({ subject }) => subject.endsWith("applied"));
  expect(applied.map(({ data }) => data["changes"])).toMatchObject([
    { segments: { changed: ["high_value_interest"], kept: 3 }, rules: { changed: [] } },
    { segments: { changed: ["high_value_interest"], kept: 3 }, rules: { changed: [] } },
  ]);
});

test("F15: what cannot be read is refused, and what is in force stays so", async () => {
  const broken = { ...liveTexts(), segments: "version: 1\nsegments:\n  - id: x\n" };
  const lines = [
    passes(0),
    apply(1, broken),
    apply(2, TWO_LOOKS),
    passes(10_000),
    // A lower one, and one that is known.
    apply(2, liveTexts()),
    apply(1, liveTexts()),
    passes(20_000),
    look(HOUR),
    look(2 * HOUR),
  ];
  const said = await saidOf(lines, DAY, /^audit|^deadletter|^segment\.high_value/);
  expect(said.map(({ subject }) => subject)).toEqual([
    "deadletter.config",
    "audit.config.accepted",
    "audit.config.applied",
    "segment.high_value_interest.entered",
  ]);
});

/** Whoever looks at an article is sent something, so many per cent of all. */
const rolledOut = (share: string) => `version: 1
rules:
  - id: rollout
    class: service
    when: { event: product.viewed }
    rollout: ${share}
    then: { book: { service: tune, channel: wecom } }
`;

test("D06: a rule reaches 10% of all people, at 20% the same ones and as many more", async () => {
  const people = Array.from({ length: 1000 }, (_, i) => `p${i}`);
  const at = (ms: number) => people.map((person) => look(ms, person));
  const lines = [
    passes(0),
    apply(1, { ...liveTexts(), rules: rolledOut("10%") }),
    passes(10_000),
    ...at(HOUR),
    apply(2, { ...liveTexts(), rules: rolledOut("20%") }),
    passes(2 * HOUR),
    ...at(3 * HOUR),
  ];
  const said = await saidOf(lines, DAY, /^recommendation\./);
  const reached = (from: number, to: number) =>
    new Set(
      said
        .filter(({ at, data }) => data["rule"] === "rollout" && at >= from && at < to)
        .map(({ data }) => data["person"]),
    );
  const [tenth, fifth] = [reached(0, 2 * HOUR), reached(2 * HOUR, DAY)];
  // Four standard deviations of a fair draw.
  expect(Math.abs(tenth.size - 100)).toBeLessThan(38);
  expect(Math.abs(fifth.size - 200)).toBeLessThan(51);
  expect([...tenth].filter((person) => !fifth.has(person))).toEqual([]);
});

test("F14: with a journal, what is new begins with what people did before", async () => {
  const settings = { "operators.shopper.journal": { keep: "30d", events: 16 } };
  const lines = [
    look(0),
    look(HOUR),
    look(HOUR, "b"),
    passes(2 * HOUR),
    apply(1, TWO_LOOKS),
    passes(2 * HOUR + 10_000),
    look(3 * HOUR, "b"),
    passes(4 * HOUR),
  ];
  const said = await saidOf(lines, 40 * DAY, /^segment\.high_value_interest/, { settings });
  // Of two people, who lie in different groups.
  said.sort((a, b) => a.at - b.at);
  expect(turns(said)).toEqual([
    // Nothing comes of a any more: told within five minutes, as of the second of the change.
    ["high_value_interest.entered", 2 * HOUR + 10_000, "redefined"],
    ["high_value_interest.entered", 3 * HOUR, "count"],
    ["high_value_interest.exited", 30 * DAY + 1, "window"],
    ["high_value_interest.exited", 30 * DAY + HOUR + 1, "window"],
  ]);
  expect(said[0]?.data["evidence"]).toHaveLength(2);
});

/** One who puts something in the cart and does not pay within an hour is written to. */
const REMINDER = `version: 1
rules:
  - id: reminder
    class: service
    when:
      absent:
        after: { event: cart.added }
        key: [pid, sku]
        within: 1h
        of: [{ event: order.paid, match: [sku] }]
    then: { book: { service: tune, channel: wecom } }
`;

test("F14: a rule with a journal fires for what is over after the change, never for before", async () => {
  const settings = { "operators.shopper.journal": {} };
  const cart = (ms: number, person: string) => happens(ms, "cart.added", { sku: "s1" }, { person });
  const lines = [
    cart(0, "before"),
    cart(90 * MIN, "after"),
    cart(90 * MIN, "payer"),
    passes(2 * HOUR),
    apply(1, { ...liveTexts(), rules: REMINDER }),
    passes(2 * HOUR + 10_000),
    happens(2 * HOUR + 11_000, "order.paid", { order_id: "o1", sku: "s1" }, { person: "payer" }),
    passes(4 * HOUR),
  ];
  const said = await saidOf(lines, DAY, /^recommendation\./, { settings });
  const reminders = said.filter(({ data }) => data["rule"] === "reminder");
  expect(reminders.map(({ at }) => at)).toEqual([150 * MIN]);
});
