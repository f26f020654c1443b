import { expect, test } from "vitest";
import { Breath } from "../../src/flow/breath.ts";

/** Work for so many milliseconds of the thread. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("timers have their turn while several work on from promise to promise", async () => {
  const breath = new Breath(5);
  const done: number[] = [];
  let atTimer: readonly number[] | undefined;
  setTimeout(() => {
    atTimer = [...done];
  }, 10);
  const worker = async (name: number) => {
    for (let i = 0; i < 30; i += 1) {
      await breath.taken();
      work(2);
      done.push(name);
    }
  };
  await Promise.all([1, 2, 3].map(worker));
  expect(done).toHaveLength(90);
  // Without it the timer comes when all is done.
  expect(atTimer?.length).toBeLessThan(60);
  expect(new Set(done.slice(0, 45)).size).toBe(3);
});

test("nobody waits while the slice lasts", async () => {
  const breath = new Breath(60_000);
  await breath.taken();
  expect(breath.taken()).toBeUndefined();
});
