import fc from "fast-check";
import { expect, test } from "vitest";
import { Runs } from "../../src/flow/runs.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Numbers from 0 on; `turns[i]` turns of the thread pass before the i-th comes. */
async function* slowly(turns: readonly number[], read: { count: number }): AsyncGenerator<number> {
  for (const [i, before] of turns.entries()) {
    for (let t = 0; t < before; t += 1) await turn();
    read.count = i + 1;
    yield i;
  }
}

test("everything comes once, in order, and never more than may be gathered", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(2), { maxLength: 60 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 8 }),
      async (turns, work, most) => {
        const read = { count: 0 };
        const runs = new Runs(slowly(turns, read), most);
        const had: number[] = [];
        let count = 0;
        for await (const run of runs) {
          expect(run.length).toBeGreaterThan(0);
          expect(run.length).toBeLessThanOrEqual(most);
          had.push(...run);
          for (let t = work[count % work.length] ?? 0; t > 0; t -= 1) await turn();
          // What is under work, what is gathered, and one that waits at the door.
          expect(read.count - had.length).toBeLessThanOrEqual(most + 1);
          count += 1;
        }
        expect(had).toEqual(turns.map((_, i) => i));
      },
    ),
  );
});

test("what comes within a turn of the thread is one run", async () => {
  const lengths: number[] = [];
  for await (const run of new Runs(slowly(new Array(10).fill(0), { count: 0 }), 4)) {
    lengths.push(run.length);
  }
  expect(lengths).toEqual([4, 4, 2]);
});

test("a failure of the source comes behind what came before it", async () => {
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    throw new Error("no more");
  }
  const had: number[] = [];
  const reading = (async () => {
    for await (const run of new Runs(failing(), 1)) had.push(...run);
  })();
  await expect(reading).rejects.toThrow("no more");
  expect(had).toEqual([1, 2]);
});

test("whoever leaves early leaves the source", async () => {
  let closed = false;
  async function* endless(): AsyncGenerator<number> {
    try {
      for (let i = 0; ; i += 1) yield i;
    } finally {
      closed = true;
    }
  }
  for await (const run of new Runs(endless(), 3)) if (run.includes(3)) break;
  await turn();
  expect(closed).toBe(true);
});
