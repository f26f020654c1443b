import { FORGET, type Forget, type Timer } from "../flow/operator.ts";
import { type EventTime, MAX_TIME, type Millis, millis } from "./event-time.ts";
import type { KeyedContext, KeyedLogic } from "./keyed-logic.ts";
import type { WindowResult } from "./open-window.ts";
import type { SliceStore } from "./slice-store.ts";
import { floorDiv, gcd, saturatingPlus } from "./window.ts";
import type { SlidingGrid } from "./window-kind.ts";
import type { WindowOptions } from "./window-operator.ts";

const TIMER = "windows";

/**
 * Sliding windows that fire at the watermark, over shared slices: an element costs O(1) whatever
 * size / slide is. A late element fires the windows again that it falls into and that are not
 * cleaned up, each merged from its slices.
 *
 * Windows are told by the index of their last pane. A key's state is its slices alone; null until
 * its first element.
 */
export class SlidingOperator<In, Value, Acc, Result, Slices extends object>
  implements KeyedLogic<In, WindowResult<Result>, Slices | null>
{
  readonly version = 1;
  /** Since the start of the process: (element, window) pairs refused, elements in no window. */
  readonly counts = { refused: 0, unassigned: 0 };
  readonly #options: WindowOptions<In, Value, Acc, Result>;
  readonly #store: SliceStore<Value, Result, Slices>;
  readonly #offset: Millis;
  readonly #size: Millis;
  readonly #lateness: Millis;
  readonly #pane: Millis;
  /** Panes of a window, and from one window to the next. */
  readonly #panes: number;
  readonly #step: number;
  /** The watermark of the latest call, and the last panes that are complete and cleaned up by it. */
  #watermark = Number.NaN as EventTime;
  #complete = 0;
  #cleaned = 0;

  constructor(
    options: WindowOptions<In, Value, Acc, Result>,
    { size, slide, offset }: SlidingGrid,
    store: SliceStore<Value, Result, Slices>,
  ) {
    this.#options = options;
    this.#store = store;
    this.#offset = offset;
    this.#size = size;
    this.#lateness = options.allowedLateness ?? millis(0);
    this.#pane = millis(gcd(size, slide));
    this.#panes = size / this.#pane;
    this.#step = slide / this.#pane;
  }

  init(): null {
    return null;
  }

  onEvent(
    event: In,
    state: Slices | null,
    ctx: KeyedContext<WindowResult<Result>>,
  ): Slices | Forget {
    this.#see(ctx.watermark);
    const pane = this.#paneOf(ctx.now);
    const last = this.#lastWindowOf(pane);
    if (last < pane) {
      this.counts.unassigned++;
      return state ?? FORGET;
    }
    const first = this.#windowFrom(pane);
    const open = this.#cleaned < pane ? first : this.#windowFrom(this.#cleaned + 1);
    if (open > first) {
      this.counts.refused += (Math.min(open, last + this.#step) - first) / this.#step;
    }
    if (open > last) {
      ctx.late(this.#options.late(event));
      return state ?? FORGET;
    }
    let slices = this.#upToDate(state);
    // Where the clock is the time, windows of its very instant have fired already.
    const fired = Math.max(this.#complete, this.#store.head(slices));
    if (open <= fired)
      slices = this.#addLate(event, slices, pane, open, Math.min(last, fired), ctx);
    else slices = this.#store.add(slices, pane, this.#options.value(event), ctx.now);
    this.#await(slices, fired < pane ? first : this.#windowFrom(fired + 1), last, ctx);
    return slices;
  }

  onTimer(
    timer: Timer,
    state: Slices | null,
    ctx: KeyedContext<WindowResult<Result>>,
  ): Slices | Forget {
    if (state === null) return FORGET;
    this.#see(timer.at);
    let slices = state;
    for (let end = this.#next(slices); end !== undefined && end <= this.#complete; ) {
      slices = this.#store.advance(slices, end);
      const value = this.#store.window(slices);
      if (value !== undefined) ctx.emit(this.#shown(end, value, false));
      end = this.#following(slices, end);
      if (end !== undefined) this.#store.setNext(slices, end);
    }
    return this.#arm(slices, timer.at, ctx) ? slices : FORGET;
  }

  #paneOf(at: number): number {
    return floorDiv(at - this.#offset, this.#pane);
  }

  /** The first window whose last pane is `pane` or a later one. */
  #windowFrom(pane: number): number {
    if (this.#step === 1) return pane;
    const phase = this.#panes - 1;
    return Math.ceil((pane - phase) / this.#step) * this.#step + phase;
  }

  /** The last window that holds the pane; one before it where the pane lies in a gap. */
  #lastWindowOf(pane: number): number {
    const start = this.#step === 1 ? pane : floorDiv(pane, this.#step) * this.#step;
    return start + this.#panes - 1;
  }

  /** The last instant of the window whose last pane is `pane`. */
  #lastInstant(pane: number): EventTime {
    return Math.min((pane + 1) * this.#pane + this.#offset - 1, MAX_TIME) as EventTime;
  }

  #shown(pane: number, value: Result, retraction: boolean): WindowResult<Result> {
    const end = (this.#lastInstant(pane) + 1) as EventTime;
    return { start: (end - this.#size) as EventTime, end, value, retraction };
  }

  #see(watermark: EventTime): void {
    if (watermark === this.#watermark) return;
    this.#watermark = watermark;
    this.#complete = this.#paneOf(watermark + 1) - 1;
    this.#cleaned = this.#paneOf(watermark + 1 - this.#lateness) - 1;
  }

  /** The slices with all that is complete in or behind their window, as far as it has fired. */
  #upToDate(state: Slices | null): Slices {
    const store = this.#store;
    const complete = this.#complete;
    if (state === null) return store.empty(complete);
    if (store.head(state) >= complete) return state;
    const next = this.#next(state);
    return store.advance(state, next === undefined ? complete : Math.min(complete, next - 1));
  }

  /** The window that fires next; undefined when none is waiting. */
  #next(slices: Slices): number | undefined {
    const next = this.#store.next(slices);
    return next > this.#store.head(slices) ? next : undefined;
  }

  /** The first window after `fired`, with which the slices end, that holds anything. */
  #following(slices: Slices, fired: number): number | undefined {
    const following = fired + this.#step;
    if (this.#store.holdsFrom(slices, following - this.#panes + 1)) return following;
    const ahead = this.#store.ahead(slices);
    return ahead === undefined ? undefined : Math.max(following, this.#windowFrom(ahead));
  }

  /** Waits for the window `coming`, the first that has not fired of those up to `last`. */
  #await(
    slices: Slices,
    coming: number,
    last: number,
    ctx: KeyedContext<WindowResult<Result>>,
  ): void {
    const next = this.#next(slices);
    if (coming <= last) {
      if (next !== undefined && next <= coming) return;
      this.#store.setNext(slices, coming);
      ctx.setTimer(TIMER, this.#lastInstant(coming));
    } else if (next === undefined) this.#arm(slices, this.#watermark, ctx);
  }

  /** Sets the timer for what comes next, a firing or the cleanup; false when nothing does. */
  #arm(slices: Slices, now: EventTime, ctx: KeyedContext<WindowResult<Result>>): boolean {
    const next = this.#next(slices);
    if (next !== undefined) {
      ctx.setTimer(TIMER, this.#lastInstant(next));
      return true;
    }
    const newest = this.#store.newest(slices);
    if (newest === undefined) return false;
    const last = this.#lastInstant(this.#lastWindowOf(newest));
    const until = saturatingPlus(last, this.#lateness);
    if (until <= now) return false;
    ctx.setTimer(TIMER, until);
    return true;
  }

  /** Adds the element and fires the windows from `open` to `last` again. */
  #addLate(
    event: In,
    slices: Slices,
    pane: number,
    open: number,
    last: number,
    ctx: KeyedContext<WindowResult<Result>>,
  ): Slices {
    const { aggregate, accumulation, value } = this.#options;
    const store = this.#store;
    const over = (end: number) => store.between(after, end - this.#panes + 1, end);
    let after = slices;
    const again: { end: number; before: Result | undefined }[] = [];
    for (let end = open; end <= last; end += this.#step) {
      again.push({ end, before: accumulation === "retracting" ? over(end) : undefined });
    }
    const added = value(event);
    after = store.add(slices, pane, added, ctx.now);
    for (const { end, before } of again) {
      if (before !== undefined) ctx.emit(this.#shown(end, before, true));
      const result =
        accumulation === "discarding"
          ? aggregate.result(aggregate.add(aggregate.init(), added, ctx.now))
          : over(end);
      if (result !== undefined) ctx.emit(this.#shown(end, result, false));
    }
    return after;
  }
}
