import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventTime, millis } from "../../src/time/event-time.ts";
import { addSession, mergeWindows, sessionWindow } from "../../src/time/session.ts";
import type { Window } from "../../src/time/window.ts";

const added = fc.array(
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 0, max: 6 }))
    .map(([at, gap]) => sessionWindow(eventTime(at), millis(gap))),
  { maxLength: 40, size: "max" },
);
const join = fc.record({ touching: fc.boolean() });
const byStart = (a: Window, b: Window) => a.start - b.start;

/** The contract, slowly: join any two that meet until none do. */
function joined(windows: readonly Window[], touching: boolean): Window[] {
  const all = [...windows];
  for (let i = 0; i < all.length; i++) {
    for (let k = i + 1; k < all.length; k++) {
      const [a, b] = [all[i], all[k]];
      if (a === undefined || b === undefined) continue;
      const meet = touching
        ? a.start <= b.end && b.start <= a.end
        : a.start < b.end && b.start < a.end;
      if (a.start !== b.start && !meet) continue;
      const start = eventTime(Math.min(a.start, b.start));
      all.splice(k, 1);
      all.splice(i, 1);
      return joined([...all, { start, end: eventTime(Math.max(a.end, b.end)) }], touching);
    }
  }
  return all.sort(byStart);
}

describe("sessions", () => {
  test("are the same whatever the order of events", () => {
    fc.assert(
      fc.property(added, join, (windows, how) => {
        const open: Window[] = [];
        for (const window of windows) {
          const before = [...open];
          const change = addSession(open, window, how);
          expect(open).toContainEqual(change.window);
          for (const gone of change.absorbed) expect(before).toContainEqual(gone);
          expect(open.length).toBe(before.length - change.absorbed.length + 1);
          const known = before.some(
            (b) => b.start === change.window.start && b.end === change.window.end,
          );
          expect(change.merged).toBe(change.absorbed.length > 0 && !known);
        }
        expect(open).toEqual(joined(windows, how.touching));
      }),
    );
  });

  test("merged all at once are those merged one by one", () => {
    fc.assert(
      fc.property(added, join, (windows, how) => {
        const open: Window[] = [];
        for (const window of windows) addSession(open, window, how);
        const merges = mergeWindows(windows, how);
        for (const { to } of merges) expect(open).toContainEqual(to);
        const alone = windows.length - merges.reduce((n, m) => n + m.from.length, 0);
        expect(open.length).toBe(alone + merges.length);
      }),
    );
  });
});
