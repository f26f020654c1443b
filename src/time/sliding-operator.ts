import { FORGET, type Forget, type Timer } from "../flow/operator.ts";
import {
  type EventTime,
  latest,
  MAX_TIME,
  type Millis,
  millis,
  minus,
  plus,
} from "./event-time.ts";
import type { KeyedContext, KeyedLogic } from "./keyed-logic.ts";
import type { WindowResult } from "./open-window.ts";
import type { SliceStore } from "./slice-store.ts";
import { gridStart, saturatingPlus } from "./window.ts";
import type { SlidingGrid } from "./window-kind.ts";
import type { WindowOptions } from "./window-operator.ts";

export interface SlidingState<Slices> {
  /** Null until the first element. */
  slices: Slices | null;
  /** End of the next window to fire; `MAX_TIME` when none is waiting. */
  next: EventTime;
  /** After this watermark nothing in the slices is of use. */
  until: EventTime;
  timer: EventTime;
}

const TIMER = "windows";

/**
 * Sliding windows that fire at the watermark, over shared slices: an element costs O(1) whatever
 * size / slide is. A late element fires the windows again that it falls into and that are not
 * cleaned up, each merged from its slices.
 */
export class SlidingOperator<In, Value, Acc, Result, Slices>
  implements KeyedLogic<In, WindowResult<Result>, SlidingState<Slices>>
{
  readonly version = 1;
  /** Since the start of the process: (element, window) pairs refused, elements in no window. */
  readonly counts = { refused: 0, unassigned: 0 };
  readonly #options: WindowOptions<In, Value, Acc, Result>;
  readonly #grid: SlidingGrid;
  readonly #store: SliceStore<Value, Result, Slices>;
  readonly #lateness: Millis;

  constructor(
    options: WindowOptions<In, Value, Acc, Result>,
    grid: SlidingGrid,
    store: SliceStore<Value, Result, Slices>,
  ) {
    this.#options = options;
    this.#grid = grid;
    this.#store = store;
    this.#lateness = options.allowedLateness ?? millis(0);
  }

  init(): SlidingState<Slices> {
    return { slices: null, next: MAX_TIME, until: MAX_TIME, timer: MAX_TIME };
  }

  onEvent(
    event: In,
    state: SlidingState<Slices>,
    ctx: KeyedContext<WindowResult<Result>>,
  ): SlidingState<Slices> | Forget {
    const at = ctx.now;
    const { size, slide, offset } = this.#grid;
    const lastEnd = plus(gridStart(at, slide, offset), size);
    if (lastEnd <= at) {
      this.counts.unassigned++;
      return state.slices === null ? FORGET : state;
    }
    const firstEnd = this.#endAfter(at);
    const firstUncleaned = this.#endAfter(
      latest(at, (ctx.watermark - this.#lateness + 1) as EventTime),
    );
    this.counts.refused += (Math.min(firstUncleaned, plus(lastEnd, slide)) - firstEnd) / slide;
    if (firstUncleaned > lastEnd) {
      ctx.late(this.#options.late(event));
      return state.slices === null ? FORGET : state;
    }
    this.#add(event, state, firstUncleaned, lastEnd, ctx);
    const coming = this.#endAfter(latest(at, (ctx.watermark + 1) as EventTime));
    if (coming <= lastEnd && coming < state.next) state.next = coming;
    const use = saturatingPlus((lastEnd - 1) as EventTime, this.#lateness);
    state.until = state.until === MAX_TIME ? use : latest(state.until, use);
    this.#arm(state, ctx);
    return state;
  }

  onTimer(
    timer: Timer,
    state: SlidingState<Slices>,
    ctx: KeyedContext<WindowResult<Result>>,
  ): SlidingState<Slices> | Forget {
    state.timer = MAX_TIME;
    while (state.slices !== null && state.next - 1 <= timer.at)
      this.#fireNext(state, state.slices, ctx);
    if (state.next === MAX_TIME && state.until <= timer.at) return FORGET;
    this.#arm(state, ctx);
    return state;
  }

  /** The first window end after `at`, on the grid of ends. */
  #endAfter(at: EventTime): EventTime {
    const { size, slide, offset } = this.#grid;
    return plus(plus(gridStart(minus(at, size), slide, offset), slide), size);
  }

  /** Adds the element and fires the windows again that end from `first` on and have fired. */
  #add(
    event: In,
    state: SlidingState<Slices>,
    first: EventTime,
    last: EventTime,
    ctx: KeyedContext<WindowResult<Result>>,
  ): void {
    const { aggregate, accumulation, value } = this.#options;
    const { size, slide } = this.#grid;
    const { now: at, watermark } = ctx;
    const store = this.#store;
    let slices = store.advance(state.slices ?? store.empty(watermark), watermark);
    const again: { start: EventTime; end: EventTime; before: Result | undefined }[] = [];
    for (let end = first; end <= last && end - 1 <= watermark; end = plus(end, slide)) {
      const start = minus(end, size);
      const before =
        accumulation === "retracting" ? store.between(slices, start, minus(end, ONE)) : undefined;
      again.push({ start, end, before });
    }
    const added = value(event);
    slices = store.add(slices, at, added);
    state.slices = slices;
    for (const { start, end, before } of again) {
      if (before !== undefined) ctx.emit({ start, end, value: before, retraction: true });
      const result =
        accumulation === "discarding"
          ? aggregate.result(aggregate.add(aggregate.init(), added, at))
          : store.between(slices, start, minus(end, ONE));
      if (result !== undefined) ctx.emit({ start, end, value: result, retraction: false });
    }
  }

  #fireNext(
    state: SlidingState<Slices>,
    before: Slices,
    ctx: KeyedContext<WindowResult<Result>>,
  ): void {
    const { size, slide } = this.#grid;
    const end = state.next;
    const slices = this.#store.advance(before, minus(end, ONE));
    state.slices = slices;
    const value = this.#store.window(slices);
    if (value !== undefined) ctx.emit({ start: minus(end, size), end, value, retraction: false });
    const following = plus(end, slide);
    const occupied = this.#store.nextOccupied(slices, minus(following, size));
    if (occupied === undefined) state.next = MAX_TIME;
    else state.next = latest(following, this.#endAfter(occupied));
  }

  #arm(state: SlidingState<Slices>, ctx: KeyedContext<WindowResult<Result>>): void {
    const due = state.next === MAX_TIME ? state.until : minus(state.next, ONE);
    if (due === state.timer) return;
    state.timer = due;
    ctx.setTimer(TIMER, due);
  }
}

const ONE = millis(1);
