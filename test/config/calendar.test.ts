import { expect, test } from "vitest";
import { calendarDoubts } from "../../src/config/calendar.ts";
import { shippedText, yaml } from "./shipped.ts";

const told = (text: string, day: string) =>
  calendarDoubts(yaml(text, "calendar.yaml"), Date.parse(`${day}T12:00:00Z`)).map(
    ({ severity, code, message }) => [severity, code, message],
  );
const warned = (message: RegExp) => [["warning", "CALENDAR_ENDS", expect.stringMatching(message)]];

test("the shipped calendar is told to be short of 2027's 调休 when 2027 is near, and of 2028 then", () => {
  const shipped = shippedText("calendar");
  expect(told(shipped, "2025-06-01")).toEqual([]);
  expect(told(shipped, "2026-11-30")).toEqual([]);
  const half = warned(/^days off of 2027 are listed, but none of a weekend that is worked/);
  expect(told(shipped, "2026-12-01")).toEqual(half);
  expect(told(shipped, "2027-06-01")).toEqual(half);
  expect(told(shipped, "2028-06-01")).toEqual(
    warned(/^no day of 2028 is listed: Monday to Friday/),
  );
});

test("a calendar without any day, or that never lists worked weekends, is meant so", () => {
  expect(told("version: 1\n", "2030-01-01")).toEqual([]);
  const plain = "version: 1\nrest: [{from: 2030-12-25, to: 2031-01-01}]\n";
  expect(told(plain, "2030-05-01")).toEqual([]);
  expect(told(plain, "2031-05-01")).toEqual([]);
  expect(told(plain, "2032-05-01")).toEqual(warned(/^no day of 2032/));
});
