import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyedRows } from "../../src/state/keyed-rows.ts";
import type { Common } from "../../src/state/row-coder.ts";

const key = fc.nat(12).map((n) => `p_${n}`);
const state = fc.record({
  at: fc.integer({ min: 1_790_000_000_000, max: 1_790_000_900_000 }),
  path: fc.array(fc.constantFrom("product.viewed", "cart.added", "mp", "gzh"), { maxLength: 30 }),
  id: fc.stringMatching(/^[0-9a-f]{32}$/),
  counts: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.nat(300), {
    maxKeys: 6,
    noNullPrototype: true,
  }),
});
const command = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("put" as const), key, fc.nat(2), state) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("forget" as const), key, fc.nat(2), state) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("look" as const), key, fc.nat(2), state) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("write" as const), key, fc.nat(2), state) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("relearn" as const), key, fc.nat(2), state) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("rewrite" as const), key, fc.nat(2), state) },
);

/** What a chain of checkpoints has of rows: what their bytes have in common, piece by piece, and those. */
class Written {
  readonly common: Common[] = [];
  readonly rows = new Map<string, Uint8Array>();
  #told = { names: 0, dictionary: 0 };

  write(from: KeyedRows): void {
    for (const of of [...from.keys()])
      this.rows.set(of, from.bytesOf(of)?.slice() ?? new Uint8Array());
    this.common.push(from.commonSince(this.#told));
    this.#told = from.commonSize;
  }
  restored(): KeyedRows {
    const rows = new KeyedRows(3, 4);
    for (const common of this.common) rows.adopt(common);
    for (const [of, bytes] of this.rows) rows.put(of, bytes);
    return rows;
  }
}

/** Rows, what was written of them, and the slow map that they are. */
class Rows {
  rows: KeyedRows;
  written = new Written();
  readonly slow = new Map<string, unknown[]>();

  constructor(hot: number) {
    this.rows = new KeyedRows(3, hot);
  }
  readonly does = {
    put: (of: string, node: number, value: object) => {
      this.rows.open(of).states[node] = structuredClone(value);
      const states = this.slow.get(of) ?? [undefined, undefined, undefined];
      this.slow.set(of, states.with(node, value));
    },
    forget: (of: string) => {
      this.rows.open(of).states.fill(undefined);
      this.rows.forgetIfEmpty(this.rows.open(of));
      this.slow.delete(of);
      this.written.rows.delete(of);
    },
    look: (of: string) => expect(this.rows.look(of)?.states).toEqual(this.slow.get(of)),
    write: (_of: string, node: number) => {
      this.written.write(this.rows);
      if (node === 0) this.rows = this.written.restored();
    },
    // Behind one that was broken off the next chain is a new one, too.
    relearn: () => {
      this.rows.relearn();
      this.written = new Written();
    },
    rewrite: () => {
      this.does.relearn();
      this.written.write(this.rows);
    },
  };
}

test("law: rows are a map of states, whichever are bytes, written and restored as often as you like", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 150, size: "max" }), fc.nat(6), (list, hot) => {
      const all = new Rows(hot);
      for (const [what, of, node, value] of list) {
        all.does[what](of, node, value);
        all.rows.trim();
        expect(all.rows.hotSize).toBeLessThanOrEqual(Math.max(hot, 4));
        expect(all.rows.size).toBe(all.slow.size);
      }
      all.written.write(all.rows);
      for (const read of [all.rows, all.written.restored()]) {
        expect([...read.keys()].sort()).toEqual([...all.slow.keys()].sort());
        for (const [of, states] of all.slow) expect(read.look(of)?.states).toEqual(states);
      }
    }),
  );
});

test("what was learnt of a row that is forgotten is in nothing that is written anew", () => {
  const rows = new KeyedRows(1, 1);
  const secret = { secretOfOne: "a text that nobody else has", when: [1, 2, 3] };
  rows.open("p_one").states[0] = secret;
  for (let i = 0; i < 20; i += 1) {
    rows.open(`p_${i}`).states[0] = { n: i, word: `something of ${i}` };
    rows.trim();
  }
  const one = rows.open("p_one");
  one.states[0] = undefined;
  rows.forgetIfEmpty(one);
  const said = (written: Written): string =>
    [
      ...written.common.flatMap(({ names, dictionary }) => [names.join(), Buffer.from(dictionary)]),
      ...written.rows.values(),
    ]
      .map((bytes) => (typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("latin1")))
      .join("\n");
  const before = new Written();
  before.write(rows);
  expect(said(before)).toContain("secretOfOne");
  expect(said(before)).toContain("nobody else");
  rows.relearn();
  const anew = new Written();
  anew.write(rows);
  expect(said(anew)).not.toContain("secretOfOne");
  expect(said(anew)).not.toContain("nobody else");
  for (const read of [rows, anew.restored()])
    expect(read.look("p_7")?.states).toEqual([{ n: 7, word: "something of 7" }]);
});

/** More than may be objects between two records, with all the room there is beyond it. */
const MANY = 6000;

test("whoever looks in finds every row and moves none, however many", () => {
  const rows = new KeyedRows(1, 10);
  for (let i = 0; i < MANY; i += 1) {
    rows.open(`p${i}`).states[0] = { n: i };
    rows.trim();
  }
  const before = { hot: rows.hotSize, cold: rows.coldBytes, size: rows.size };
  expect(before).toMatchObject({ hot: 10, size: MANY });
  for (let i = 0; i < MANY; i += 1) {
    expect(rows.has(`p${i}`)).toBe(true);
    expect(rows.look(`p${i}`)).toEqual({ key: `p${i}`, states: [{ n: i }] });
  }
  expect(rows.look("nobody")).toBeUndefined();
  expect(rows.has("nobody")).toBe(false);
  expect({ hot: rows.hotSize, cold: rows.coldBytes, size: rows.size }).toEqual(before);
});
