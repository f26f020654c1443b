import { RowCoder } from "../src/state/row-coder.ts";
import { type EventTime, minutes, plus } from "../src/time/event-time.ts";
import { Timers } from "../src/time/timers.ts";
import type { Known } from "./crowd.ts";
import { bytesEach, median } from "./harness.ts";

const TIMERS_A_KEY = 12;

/** What a key takes where nothing is packed: its states and timers under its name in a Map. */
export function plainBytes(known: Known, keys: number): { asText: number; asObjects: number } {
  const coder = new RowCoder();
  coder.adopt(known.common);
  const one = (i: number): unknown => {
    const { row, timers } = known.rows[i % known.rows.length] as Known["rows"][number];
    return { states: coder.unpack(row), timers };
  };
  const each = (make: (i: number) => unknown): number => {
    const all = (): Map<string, unknown> =>
      new Map(Array.from({ length: keys }, (_, i) => [keyOf(i), make(i)]));
    // Not the code that is compiled meanwhile.
    all();
    return bytesEach(keys, all);
  };
  return {
    asText: each((i) => JSON.stringify(one(i))),
    asObjects: each((i) => structuredClone(one(i))),
  };
}

/** Through bytes: a text that is still in two halves is freed in part once somebody reads it. */
const keyOf = (i: number): string =>
  Buffer.from(`p_${i.toString(16).padStart(16, "0")}`).toString("latin1");

interface TimerKeeper {
  readonly kept: unknown;
  set(n: number, key: string, name: string, at: EventTime): void;
  /** All timers of a key are set. */
  done(key: string): void;
}

function byEngine(asleep: boolean): TimerKeeper {
  const timers = new Timers();
  return {
    kept: timers,
    set: (n, key, name, at) => timers.set(n, key, name, at),
    done(key) {
      if (asleep) timers.sleep(key);
    },
  };
}

/** As one writes them: entries in an array that is a heap by time, and by name for each key, so that they can be moved. */
function plainly(): TimerKeeper {
  const byTime: unknown[] = [];
  const byKey = new Map<string, Map<string, unknown>>();
  return {
    kept: [byTime, byKey],
    set(_, key, name, at) {
      const timer = { key, name, at };
      byTime.push(timer);
      const names = byKey.get(key) ?? new Map<string, unknown>();
      byKey.set(key, names.set(name, timer));
    },
    done() {},
  };
}

const KEEPERS = { awake: () => byEngine(false), asleep: () => byEngine(true), plain: plainly };

/** Bytes a timer, of keys that have twelve each: of people who are about, of people at rest, or kept plainly. */
export function timerBytes(count: number, how: keyof typeof KEEPERS): number {
  const names = Array.from({ length: TIMERS_A_KEY }, (_, i) => `timer ${i}`);
  const keys = Array.from({ length: Math.ceil(count / TIMERS_A_KEY) }, (_, i) => keyOf(i));
  const make = (): unknown => {
    const timers = KEEPERS[how]();
    for (const [i, key] of keys.entries()) {
      names.forEach((name, n) => {
        timers.set(n, key, name, plus(0 as EventTime, minutes((i * 7 + n * 100) % 10_000)));
      });
      timers.done(key);
    }
    return timers.kept;
  };
  make();
  // The median: what was made before is now and then freed only while the next one is measured.
  return median(Array.from({ length: 3 }, () => bytesEach(keys.length * TIMERS_A_KEY, make)));
}
