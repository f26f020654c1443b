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
);

/** What a chain of checkpoints has of rows: what their bytes have in common, piece by piece, and those. */
class Written {
  readonly common: Common[] = [];
  readonly rows = new Map<string, Uint8Array>();
  #told = { names: 0, dictionary: 0 };

  write(from: KeyedRows): void {
    for (const of of from.keys()) this.rows.set(of, from.bytesOf(of)?.slice() ?? new Uint8Array());
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

test("law: rows are a map of states, whichever are bytes, written and restored as often as you like", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 150, size: "max" }), fc.nat(6), (list, hot) => {
      let rows = new KeyedRows(3, hot);
      const written = new Written();
      const slow = new Map<string, unknown[]>();
      for (const [what, of, node, value] of list) {
        if (what === "put") {
          rows.open(of).states[node] = structuredClone(value);
          const states = slow.get(of) ?? [undefined, undefined, undefined];
          slow.set(of, states.with(node, value));
        } else if (what === "forget") {
          rows.open(of).states.fill(undefined);
          rows.forgetIfEmpty(rows.open(of));
          slow.delete(of);
          written.rows.delete(of);
        } else if (what === "write") {
          written.write(rows);
          if (node === 0) rows = written.restored();
        } else expect(rows.look(of)?.states).toEqual(slow.get(of));
        rows.trim();
        expect(rows.hotSize).toBeLessThanOrEqual(Math.max(hot, 4));
        expect(rows.size).toBe(slow.size);
      }
      written.write(rows);
      for (const read of [rows, written.restored()]) {
        expect([...read.keys()].sort()).toEqual([...slow.keys()].sort());
        for (const [of, states] of slow) expect(read.look(of)?.states).toEqual(states);
      }
    }),
  );
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
