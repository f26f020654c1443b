import { millis } from "./event-time.ts";
import type { KeyedLogic } from "./keyed-logic.ts";
import type { WindowResult } from "./open-window.ts";
import { AdditiveStore, MergingStore, type SliceStore, TieredStore } from "./slice-store.ts";
import { SlidingOperator } from "./sliding-operator.ts";
import { gcd } from "./window.ts";
import type { SlidingGrid } from "./window-kind.ts";
import { WindowOperator, type WindowOptions } from "./window-operator.ts";

/** A window operator of either make; its state is plain data that only it looks into. */
export interface Windowed<In, Result> extends KeyedLogic<In, WindowResult<Result>, unknown> {
  /** Since the start of the process: (element, window) pairs refused, elements in no window. */
  readonly counts: { readonly refused: number; readonly unassigned: number };
}

/** Panes from which on a second tier saves more additions than it costs. */
const LONG = 128;

/**
 * The operator for these windows: over shared slices where windows overlap and fire at the
 * watermark, with an accumulator a window otherwise. Where slices are shared, `list` is in the
 * order of slices, not of arrival.
 */
export function windowed<In, Value, Acc, Result>(
  options: WindowOptions<In, Value, Acc, Result>,
): Windowed<In, Result> {
  const { windows, trigger, finalPane, retention, aggregate } = options;
  const lateness = options.allowedLateness ?? millis(0);
  if (!(lateness >= 0)) throw new RangeError(`allowed lateness of ${lateness} ms: less than 0`);
  const shares = trigger.plain && finalPane === undefined && retention === undefined;
  if (windows.kind !== "sliding" || !shares || !("slide" in windows)) {
    return new WindowOperator(options);
  }
  const over = <Slices extends object>(
    store: SliceStore<Value, Result, Slices>,
  ): Windowed<In, Result> => new SlidingOperator(options, windows satisfies SlidingGrid, store);
  const { additive } = aggregate;
  if (additive === undefined) return over(new MergingStore(windows, lateness, aggregate));
  const long = lateness > 0 && windows.size / gcd(windows.size, windows.slide) >= LONG;
  return long
    ? over(new TieredStore(windows, lateness, additive))
    : over(new AdditiveStore(windows, lateness, additive));
}
