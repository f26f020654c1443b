import { beforeEach, expect, test } from "vitest";
import { Checkpointer } from "../../src/state/checkpointer.ts";
import { smallPart } from "../../src/state/part.ts";
import { MemoryCheckpoints } from "../support/durable-run.ts";

let store: MemoryCheckpoints;
beforeEach(() => {
  store = new MemoryCheckpoints();
});

/** An engine's hold on one group. */
function hold(owner: string, version: string): Checkpointer {
  const parts = [
    smallPart(
      "sum",
      () => 1,
      () => undefined,
    ),
  ];
  const options = {
    owner,
    version,
    layout: "1+1",
    breathe: () => undefined,
    onTorn: () => undefined,
  };
  return new Checkpointer({ name: "collect-0", parts: () => parts, operators: [] }, store, options);
}
const at = (seq: number, clean: boolean) => ({
  seq,
  time: 0,
  clean,
  tails: () => [],
  acknowledged: () => [],
  settled: Promise.resolve(),
});
const TAKEN = { code: "VERSION_MISMATCH" };

test("of two versions that claim a group at once one at least stops before it decides anything", async () => {
  const [old, young] = [hold("a", "1"), hold("b", "2")];
  await Promise.all([old.restore(), young.restore()]);
  await Promise.all([old.claim(), young.claim()]);
  await expect(young.refuseOthers()).rejects.toMatchObject(TAKEN);
  await expect(old.refuseOthers()).rejects.toMatchObject(TAKEN);
});

test("whoever finds his group claimed by another version writes no checkpoint more", async () => {
  const old = hold("a", "1");
  await old.restore();
  await old.claim();
  await old.write(at(1, true));
  const young = hold("b", "2");
  await young.restore();
  await young.claim();
  await young.refuseOthers();
  await expect(old.write(at(2, false))).rejects.toMatchObject(TAKEN);
  expect(await young.write(at(2, false))).toMatchObject({ pieces: 1 });
});

test("a twin of the same version is no stranger", async () => {
  const [first, second] = [hold("a", "1"), hold("b", "1")];
  await Promise.all([first.restore(), second.restore()]);
  await Promise.all([first.claim(), second.claim()]);
  await first.refuseOthers();
  await second.refuseOthers();
});
