import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { replayFile } from "../support/file-replay.ts";
import { ROOT } from "../support/job.ts";

interface Expected {
  readonly pid: string;
  readonly entered?: string;
  readonly exited?: string;
  readonly never?: boolean;
}
interface Line {
  readonly subject: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly ids?: readonly { readonly k: string; readonly v: string }[];
}

const fixture = (name: string): string => join(ROOT, "test", "fixtures", name);

async function changes(name: string, until: string, reveal: boolean): Promise<Line[]> {
  const words = ["--until", until, ...(reveal ? ["--reveal"] : [])];
  const lines = (await replayFile(fixture(`${name}.events.jsonl`), ...words)) as readonly Line[];
  return lines.filter(({ subject }) => subject.startsWith("segment."));
}

test.each([
  // Day 35 after the first event, as the fixture's note asks.
  ["E17", "high_value_interest", "E17-high-value", "2026-12-05T16:00:00.000Z"],
  ["E19", "science_reader", "E19-science-run", "2026-11-02T16:00:00.000Z"],
])(
  "%s: %s is entered and left by exactly the persons of the fixture, then",
  async (_row, segment, name, until) => {
    const { expect: wanted } = JSON.parse(readFileSync(fixture(`${name}.expect.json`), "utf8")) as {
      expect: readonly Expected[];
    };
    const told = (await changes(name, until, true)).map(({ subject, data, time, ids }) => {
      expect(time).toBe(data["at"]);
      return `${ids?.map(({ v }) => v).join("+")} ${subject} ${data["at"]}`;
    });
    const expected = wanted.flatMap(({ pid, entered, exited }) => [
      ...(entered === undefined ? [] : [`${pid} segment.${segment}.entered ${entered}`]),
      ...(exited === undefined ? [] : [`${pid} segment.${segment}.exited ${exited}`]),
    ]);
    expect(told.filter((line) => expected.includes(line)).sort()).toEqual(expected.sort());
    const never = wanted.filter((person) => person.never === true).map(({ pid }) => pid);
    expect(told.filter((line) => never.includes(line.slice(0, 1)))).toEqual([]);
    const entries = told.filter((line) => line.includes(".entered "));
    expect(entries).toHaveLength(wanted.filter((person) => person.entered !== undefined).length);
  },
);

test("without --reveal nobody's identifier is in a line; the clock alone makes people leave", async () => {
  const early = await changes("E17-high-value", "2026-11-30T16:00:00.000Z", false);
  expect(early.some(({ ids }) => ids !== undefined)).toBe(false);
  const left = ({ subject }: Line) => subject.endsWith(".exited");
  const later = await changes("E17-high-value", "2026-11-30T16:00:00.001Z", false);
  expect(later.filter(left).length).toBeGreaterThan(early.filter(left).length);
});
