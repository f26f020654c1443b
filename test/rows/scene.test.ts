import { expect, test } from "vitest";
import { HOUR, happens, NOON, saidOf } from "./said.ts";

/** Milliseconds after noon of a moment in Shanghai. */
const shanghai = (text: string) => Date.parse(`${text}+08:00`) - NOON;
const read = (text: string, person = "a") =>
  happens(shanghai(text), "article.opened", { content_id: "c1" }, { person, touchpoint: "gzh" });
const visit = (text: string, person = "a") =>
  happens(shanghai(text), "page.viewed", { path: "pages/home" }, { person, touchpoint: "mp" });

/** Subject and local time of entries and exits. */
async function scenes(lines: readonly object[], until: string) {
  const said = await saidOf(lines, shanghai(until), /^scene\./);
  return said.map(({ subject, at, data }) => [
    subject,
    new Date(NOON + at + 8 * HOUR).toISOString().slice(0, 16),
    data["reason"],
  ]);
}

test("C26: an article read on Tuesday at 08:10 is the commute; it ends with its hours", async () => {
  const reading = Array.from({ length: 9 }, (_, i) => read(`2026-11-03T08:${10 + i * 5}:00`));
  const more = ["09:05", "09:25"].map((time) => read(`2026-11-03T${time}:00`));
  expect(await scenes([...reading, ...more], "2026-11-03T12:00:00")).toEqual([
    ["scene.commute_oa.entered", "2026-11-03T08:10", "act"],
    ["scene.commute_oa.exited", "2026-11-03T09:30", "hours"],
  ]);
});

test("C26: not at noon, not in the mini program, not on a Sunday", async () => {
  expect(await scenes([read("2026-11-03T12:10:00")], "2026-11-03T18:00:00")).toEqual([]);
  expect(await scenes([visit("2026-11-03T08:10:00")], "2026-11-03T18:00:00")).toEqual([]);
  expect(await scenes([read("2026-11-08T08:10:00")], "2026-11-08T18:00:00")).toEqual([]);
});

test("C26: a Sunday that is worked counts, a Monday off does not", async () => {
  const entered = [["scene.commute_oa.entered", "2026-01-04T08:10", "act"]];
  const sunday = await scenes([read("2026-01-04T08:10:00")], "2026-01-04T08:20:00");
  expect(sunday).toEqual(entered);
  expect(await scenes([read("2026-02-23T08:10:00")], "2026-02-23T12:00:00")).toEqual([]);
  // The day after the last day off is a working day.
  expect(await scenes([read("2026-02-24T08:10:00")], "2026-02-24T08:20:00")).toHaveLength(1);
});

test("C26: 2025 as announced; of a year that nobody has entered the weekday counts", async () => {
  const at = (day: string) => scenes([read(`${day}T08:10:00`)], `${day}T08:20:00`);
  // A Sunday that was worked, a Friday off.
  expect(await at("2025-01-26")).toHaveLength(1);
  expect(await at("2025-10-03")).toEqual([]);
  expect(await at("2028-10-03")).toHaveLength(1);
  expect(await at("2028-10-07")).toEqual([]);
});

test("C26: a fact about the day overrules the calendar", async () => {
  const off = { subject: "in.fact.calendar.2026-11-03", data: { day: "restday" } };
  expect(await scenes([off, read("2026-11-03T08:10:00")], "2026-11-03T12:00:00")).toEqual([]);
});

test("C27: the mini program on Saturday at 15:00 is weekend leisure, until the session ends", async () => {
  expect(await scenes([visit("2026-11-07T15:00:00")], "2026-11-07T18:00:00")).toEqual([
    ["scene.weekend_leisure_mp.entered", "2026-11-07T15:00", "act"],
    ["scene.weekend_leisure_mp.exited", "2026-11-07T15:30", "session"],
  ]);
  // A Saturday that is worked is none.
  expect(await scenes([visit("2026-10-10T15:00:00")], "2026-10-10T18:00:00")).toEqual([]);
  // A weekday off is one.
  expect(await scenes([visit("2026-10-01T15:00:00")], "2026-10-01T15:10:00")).toHaveLength(1);
});

test("C27: an act somewhere else ends the scene, an act that came late does not begin one", async () => {
  const elsewhere = [visit("2026-11-07T15:00:00"), read("2026-11-07T15:05:00")];
  expect(await scenes(elsewhere, "2026-11-07T15:10:00")).toEqual([
    ["scene.weekend_leisure_mp.entered", "2026-11-07T15:00", "act"],
    ["scene.weekend_leisure_mp.exited", "2026-11-07T15:05", "touchpoint"],
  ]);
  const late = { ...visit("2026-11-07T15:00:00"), recv: NOON + shanghai("2026-11-07T16:00:00") };
  expect(await scenes([late], "2026-11-07T18:00:00")).toEqual([]);
});
