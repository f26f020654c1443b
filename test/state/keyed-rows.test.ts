import { expect, test } from "vitest";
import { KeyedRows } from "../../src/state/keyed-rows.ts";

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
