import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { EventTime } from "../../src/time/event-time.ts";
import { ROOT } from "../support/job.ts";
import { run } from "./run.ts";

/**
 * Boundary cases of the shipped segments and rules, written from config/README.md alone.
 * `NAME.events.jsonl` holds events and facts; `NAME.expect.json` everything that is then said of one
 * segment or rule: of whom (by the identifier in the file), on which subject, and of its time (when
 * it went) and payload what the example is about.
 */
const FOLDER = join(ROOT, "test", "fixtures", "boundary");
const SUFFIX = ".expect.json";
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length));

type Fields = Readonly<Record<string, unknown>>;
interface Fixture {
  readonly note: string;
  readonly of: Fields;
  readonly until: string;
  readonly expect: readonly Fields[];
}

async function saidOf({ of, until }: Fixture, name: string): Promise<Fields[]> {
  const said: Fields[] = [];
  const text = readFileSync(join(FOLDER, `${name}.events.jsonl`), "utf8");
  await run({
    lines: text.trimEnd().split("\n"),
    format: "events",
    until: Date.parse(until) as EventTime,
    reveal: true,
    onLine({ subject, time, data, ids }) {
      const payload = data as Fields;
      if (subject.startsWith("kpi.")) return;
      if (!Object.entries(of).every(([key, value]) => payload[key] === value)) return;
      const pid = (ids ?? []).map((id) => (id as { v: string }).v).join("+");
      said.push({ ...payload, pid, subject, time });
    },
  });
  return said;
}

const meets = (said: Fields, wanted: Fields): boolean =>
  Object.entries(wanted).every(([key, value]) => said[key] === value);

test.each(names)("%s: exactly what is expected is said, then, of nobody else", async (name) => {
  const fixture = JSON.parse(readFileSync(join(FOLDER, name + SUFFIX), "utf8")) as Fixture;
  const unexpected = await saidOf(fixture, name);
  const missing = fixture.expect.filter((wanted) => {
    const found = unexpected.findIndex((said) => meets(said, wanted));
    if (found >= 0) unexpected.splice(found, 1);
    return found < 0;
  });
  expect({ missing, unexpected }, fixture.note).toEqual({ missing: [], unexpected: [] });
  expect(fixture.expect.length).toBeGreaterThan(0);
});
