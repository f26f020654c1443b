import { expect, test } from "vitest";
import { run } from "../../replay/run.ts";

/** Tests as they should and should not be, for the test of the requirements report. */

/** Subjects of what comes of an event whose type no plan knows. */
async function saidOfUnknown(): Promise<string[]> {
  const said: string[] = [];
  await run({
    lines: [JSON.stringify({ id: "e", type: "no.such", ts: 1e12, ids: [], props: {} })],
    format: "events",
    onLine: ({ subject }) => said.push(subject),
  });
  return said;
}

test("C01: feeds, and asserts on what comes", async () => {
  expect(await saidOfUnknown()).toEqual(["deadletter.unknown_schema"]);
});
test("C02: is only called like a row", () => {
  expect("C02").toMatch(/^C/);
});
test("C03: feeds, and looks at nothing", async () => {
  await saidOfUnknown();
});
test("C04: says only what does not come", async () => {
  expect((await saidOfUnknown()).filter((subject) => subject.startsWith("segment."))).toEqual([]);
});
test("C05: fails", async () => {
  expect(await saidOfUnknown()).toEqual(["segment.none.entered"]);
});
test("C06: is fed, but nothing comes of it", async () => {
  const lines = [JSON.stringify({ subject: "in.tick", data: { recv: 1e12 } })];
  expect((await run({ lines, format: "events" })).count("deadletter")).toBe(0);
});
