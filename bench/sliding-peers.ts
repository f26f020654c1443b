import { buffer, concatMap, from, map, Subject, scan, zipWith } from "rxjs";
import { count } from "../src/time/aggregate.ts";
import type { EventTime, Millis } from "../src/time/event-time.ts";
import { KeyedHost } from "../src/time/keyed-host.ts";
import type { WindowResult } from "../src/time/open-window.ts";
import * as panes from "../src/time/pane-ring.ts";
import { atWatermark } from "../src/time/trigger.ts";
import { sliding } from "../src/time/window-kind.ts";
import { windowed } from "../src/time/windowed.ts";

/** Where counts of `[end - size, end)` go, once for every window that is not empty. */
export type Told = (key: string, end: number, counted: number) => void;

/** Counts a key over sliding windows, told when the watermark passes a window's last instant. */
export interface SlidingCounter {
  add(key: string, at: number): void;
  /** At each slide: `end` is the end of the window that is complete. */
  slide(end: number): void;
}

export interface Grid {
  readonly size: Millis;
  /** Divides `size`. */
  readonly slide: Millis;
}
export type MakeCounter = (grid: Grid, told: Told) => SlidingCounter;

/** A counter that may take its slides in turns of the thread, and hold what is to be let go of. */
export interface BatchCounter extends Pick<SlidingCounter, "add"> {
  slide(end: number): void | Promise<void>;
  close?(): void;
}
export type MakeBatchCounter = (grid: Grid, told: Told) => BatchCounter | Promise<BatchCounter>;

const slidingCounts = ({ size, slide }: Grid) =>
  windowed({
    windows: sliding(size, slide),
    trigger: atWatermark(),
    aggregate: count(),
    value: () => 1,
    late: () => ({}),
  });

/** The production operator under its host: any aggregate, lateness, timers, serialisable state. */
export const windowOperator: MakeCounter = (grid, told) => {
  const host = new KeyedHost(slidingCounts(grid), {
    emit: ({ end, value }: WindowResult<number>, key) => told(key, end, value),
    late: (_event, key) => {
      throw new Error(`an event of ${key} came late`);
    },
  });
  return {
    add: (key, at) => host.element(key, at as EventTime, undefined),
    slide: (end) => host.advance((end - 1) as EventTime),
  };
};

/** The state of the production operator for a key that had events at these times. */
export function operatorState(grid: Grid, times: readonly EventTime[]): unknown {
  const host = new KeyedHost(slidingCounts(grid), { emit: () => {}, late: () => {} });
  for (const at of times) {
    host.advance((at - 1) as EventTime);
    host.element("", at, undefined);
  }
  return host.states.get("");
}

/** The production pane ring, swept at each slide by an owner that knows all its keys. */
export const sharedPanes: MakeCounter = ({ size, slide }, told) => {
  const spec = panes.paneSpec({ size, slide });
  const rings = new Map<string, panes.PaneRing>();
  return {
    add(key, at) {
      const pane = panes.paneIndex(spec, at as EventTime);
      const ring = rings.get(key);
      if (ring === undefined) {
        rings.set(key, panes.addToPane(panes.emptyPanes(spec, pane), spec, pane, 1));
      } else {
        const next = panes.addToPane(ring, spec, pane, 1);
        if (next !== ring) rings.set(key, next);
      }
    },
    slide(end) {
      const last = panes.paneIndex(spec, (end - 1) as EventTime);
      for (const [key, ring] of rings) {
        const moved = panes.advanceTo(ring, spec, last);
        const counted = panes.total(moved, spec);
        if (counted > 0) told(key, end, counted);
        if (moved !== ring) rings.set(key, moved);
        if (counted === 0 && panes.holdsNothing(moved, spec)) rings.delete(key);
      }
    },
  };
};

/**
 * As one writes it for this one case: an array of counts a key, its last cell the total. Of 16 bits
 * where windows have many panes, for 32 would take 3 GB with a million keys.
 */
export const handWritten: MakeCounter = ({ size, slide }, told) => {
  const length = size / slide;
  const Cells = length > 100 ? Uint16Array : Int32Array;
  const rings = new Map<string, Int32Array | Uint16Array>();
  return {
    add(key, at) {
      let ring = rings.get(key);
      if (ring === undefined) {
        ring = new Cells(length + 1);
        rings.set(key, ring);
      }
      const place = Math.floor(at / slide) % length;
      ring[place] = (ring[place] as number) + 1;
      ring[length] = (ring[length] as number) + 1;
    },
    slide(end) {
      // The oldest pane of this window is the place of the pane that begins now.
      const oldest = (end / slide) % length;
      for (const [key, ring] of rings) {
        const counted = ring[length] as number;
        told(key, end, counted);
        const left = counted - (ring[oldest] as number);
        ring[oldest] = 0;
        ring[length] = left;
        if (left === 0) rings.delete(key);
      }
    },
  };
};

/** Each event into each of its windows: one accumulator a window and key, one map a window. */
export const naiveByWindow: MakeCounter = ({ size, slide }, told) => {
  const windows = new Map<number, Map<string, number>>();
  return {
    add(key, at) {
      const newest = Math.floor(at / slide) * slide;
      for (let start = newest; start > at - size; start -= slide) {
        const end = start + size;
        let counts = windows.get(end);
        if (counts === undefined) {
          counts = new Map();
          windows.set(end, counts);
        }
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    },
    slide(end) {
      for (const [key, counted] of windows.get(end) ?? []) told(key, end, counted);
      windows.delete(end);
    },
  };
};

interface OpenWindow {
  readonly key: string;
  readonly end: number;
  counted: number;
}

/**
 * Each event into each of its windows, as stream engines file it: state by (key, window), a timer
 * for each that fires it and cleans it up.
 */
export const naiveByKeyAndWindow: MakeCounter = ({ size, slide }, told) => {
  const states = new Map<string, OpenWindow>();
  const timers = new Map<number, string[]>();
  return {
    add(key, at) {
      const newest = Math.floor(at / slide) * slide;
      for (let start = newest; start > at - size; start -= slide) {
        const end = start + size;
        const name = `${key}/${end}`;
        const state = states.get(name);
        if (state !== undefined) {
          state.counted++;
          continue;
        }
        states.set(name, { key, end, counted: 1 });
        const due = timers.get(end);
        if (due === undefined) timers.set(end, [name]);
        else due.push(name);
      }
    },
    slide(end) {
      for (const name of timers.get(end) ?? []) {
        const state = states.get(name);
        if (state !== undefined) told(state.key, state.end, state.counted);
        states.delete(name);
      }
      timers.delete(end);
    },
  };
};

interface Totals {
  readonly end: number;
  readonly kept: Map<string, number>[];
  readonly totals: Map<string, number>;
}

/** RxJS in its best form for this: the events of a slide as one batch, totals scanned over them. */
export const rxjs: MakeCounter = ({ size, slide }, told) => {
  const length = size / slide;
  const events = new Subject<string>();
  const ends = new Subject<number>();
  events
    .pipe(
      buffer(ends),
      zipWith(ends),
      map(([batch, end]) => {
        const counts = new Map<string, number>();
        for (const key of batch) counts.set(key, (counts.get(key) ?? 0) + 1);
        return { end, counts };
      }),
      scan(
        ({ kept, totals }: Totals, { end, counts }): Totals => {
          for (const [key, n] of counts) totals.set(key, (totals.get(key) ?? 0) + n);
          kept.push(counts);
          const gone = kept.length > length ? kept.shift() : undefined;
          for (const [key, n] of gone ?? []) {
            const left = (totals.get(key) ?? 0) - n;
            if (left === 0) totals.delete(key);
            else totals.set(key, left);
          }
          return { end, kept, totals };
        },
        { end: 0, kept: [], totals: new Map() },
      ),
      concatMap(({ end: at, totals }) => from(totals).pipe(map(([key, n]) => ({ key, at, n })))),
    )
    .subscribe(({ key, at, n }) => told(key, at, n));
  return {
    add: (key) => events.next(key),
    slide: (end) => ends.next(end),
  };
};
