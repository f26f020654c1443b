import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import {
  durationOf,
  durationText,
  minuteOfDay,
  percentText,
  shareOf,
  timeOfDayText,
} from "../../src/config/texts.ts";

const accepts = (schema: TSchema, text: string): boolean => Compile(schema).Check(text);

test.each([
  ["0s", 0],
  ["1500ms", 1500],
  ["30m", 1_800_000],
  ["30d", 2_592_000_000],
  ["9999999w", 9_999_999 * 604_800_000],
])("%s is a length of time", (text, ms) => {
  expect(accepts(durationText(), text)).toBe(true);
  expect(durationOf(text)).toBe(ms);
});
test.each(["", "30", "m", "1.5h", "-1s", "30 m", "30min", "99999999w", "1h30m"])(
  "%j is none",
  (text) => {
    expect(accepts(durationText(), text)).toBe(false);
  },
);

test.each([
  ["00:00", 0],
  ["07:30", 450],
  ["24:00", 1440],
])("%s is minute %i of the day", (text, minute) => {
  expect(accepts(timeOfDayText(), text)).toBe(true);
  expect(minuteOfDay(text)).toBe(minute);
});
test.each(["7:30", "24:01", "12:60", "noon"])("%s is no time of day", (text) => {
  expect(accepts(timeOfDayText(), text)).toBe(false);
});

test.each([
  ["0%", 0],
  ["12.5%", 0.125],
  ["100%", 1],
])("%s is a share", (text, share) => {
  expect(accepts(percentText(), text)).toBe(true);
  expect(shareOf(text)).toBe(share);
});
test.each(["101%", "100.5%", "12", "-1%", "%"])("%s is none", (text) => {
  expect(accepts(percentText(), text)).toBe(false);
});
