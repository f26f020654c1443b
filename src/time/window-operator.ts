import { FORGET, type Forget, type Timer } from "../flow/operator.ts";
import type { Aggregate } from "./aggregate.ts";
import { type EventTime, MAX_TIME, type Millis, millis } from "./event-time.ts";
import type { KeyedContext, KeyedLogic } from "./keyed-logic.ts";
import {
  nextDue,
  nextPane,
  type OpenWindow,
  openWindow,
  type WindowResult,
} from "./open-window.ts";
import { meeting } from "./session.ts";
import { FINISH, FIRE, type Trigger } from "./trigger.ts";
import { cleanupTime, saturatingPlus, type Window } from "./window.ts";
import type { SessionWindows, WindowKind } from "./window-kind.ts";

export interface WindowOptions<In, Value, Acc, Result> {
  readonly windows: WindowKind<In>;
  readonly aggregate: Aggregate<Value, Acc, Result>;
  value(event: In): Value;
  readonly trigger: Trigger;
  /** What a firing shows: all so far, what is new, or all so far after taking back the last one. */
  readonly accumulation?: "accumulating" | "discarding" | "retracting" | undefined;
  /** How long after its end a window takes late elements and fires again. */
  readonly allowedLateness?: Millis | undefined;
  /**
   * Numbers the panes and marks the last one; `always` shows a last pane at cleanup even when
   * nothing new came. Without it a window ends in silence.
   */
  readonly finalPane?: "always" | "ifNonEmpty" | undefined;
  /** How long a window may still be read after its cleanup. */
  readonly retention?: Millis | undefined;
  /** What the late output says of an event. */
  late(event: In): Readonly<Record<string, unknown>>;
}

export interface WindowState<Acc> {
  /** Sorted by start; sessions do not meet one another. */
  open: OpenWindow<Acc>[];
  /** When the key's one timer is set for; `MAX_TIME` for not at all. */
  timer: EventTime;
}

const TIMER = "windows";

/**
 * Windows of any kind under any trigger, one accumulator a window. Sliding windows that fire at the
 * watermark share their slices in `SlidingOperator`; this one puts an element into each of them.
 */
export class WindowOperator<In, Value, Acc, Result>
  implements KeyedLogic<In, WindowResult<Result>, WindowState<Acc>>
{
  readonly version = 1;
  /** Since the start of the process: (element, window) pairs refused, elements in no window. */
  readonly counts = { refused: 0, unassigned: 0 };
  readonly #options: WindowOptions<In, Value, Acc, Result>;
  readonly #trigger: Trigger;
  readonly #lateness: Millis;
  readonly #retention: Millis;

  constructor(options: WindowOptions<In, Value, Acc, Result>) {
    this.#options = options;
    this.#trigger = options.trigger;
    this.#lateness = options.allowedLateness ?? millis(0);
    this.#retention = options.retention ?? millis(0);
  }

  init(): WindowState<Acc> {
    return { open: [], timer: MAX_TIME };
  }

  onEvent(
    event: In,
    state: WindowState<Acc>,
    ctx: KeyedContext<WindowResult<Result>>,
  ): WindowState<Acc> | Forget {
    const { windows } = this.#options;
    const before = this.counts.refused;
    let accepted = 0;
    if (windows.kind === "session") {
      const window = windows.window(ctx.now, event, ctx.key);
      if (this.#add(this.#joinSession(state, window, windows, ctx), event, ctx)) accepted++;
    } else {
      const held = windows.windows(ctx.now);
      if (held.length === 0) this.counts.unassigned++;
      for (const window of held) {
        if (this.#add(this.#windowAt(state, window, ctx.watermark), event, ctx)) accepted++;
      }
    }
    if (accepted === 0 && this.counts.refused > before) ctx.late(this.#options.late(event));
    return this.#settle(state, ctx);
  }

  onTimer(
    timer: Timer,
    state: WindowState<Acc>,
    ctx: KeyedContext<WindowResult<Result>>,
  ): WindowState<Acc> | Forget {
    state.timer = MAX_TIME;
    for (;;) {
      const window = earliestDue(state.open);
      if (window === undefined || window.due > timer.at) break;
      this.#onDue(window, state, ctx);
    }
    return this.#settle(state, ctx);
  }

  /** What the windows hold, also those that have fired or are only kept for reading. */
  read(state: WindowState<Acc>): (Window & { readonly value: Result })[] {
    return state.open.flatMap(({ start, end, acc }) =>
      acc === null ? [] : [{ start, end, value: this.#options.aggregate.result(acc) }],
    );
  }

  #late(window: Window, watermark: EventTime): boolean {
    return cleanupTime(window, this.#lateness) <= watermark;
  }

  #windowAt(
    state: WindowState<Acc>,
    window: Window,
    watermark: EventTime,
  ): OpenWindow<Acc> | undefined {
    if (this.#late(window, watermark)) return undefined;
    const { open } = state;
    let place = open.length;
    for (; place > 0; place--) {
      const other = open[place - 1] as OpenWindow<Acc>;
      if (other.start === window.start) return other.closed ? undefined : other;
      if (other.start < window.start) break;
    }
    const opened = openWindow<Acc>(window, this.#trigger, watermark);
    open.splice(place, 0, opened);
    return opened;
  }

  /** Joins first and judges lateness then: a late element may bridge sessions that are not. */
  #joinSession(
    state: WindowState<Acc>,
    added: Window,
    join: SessionWindows<In>,
    ctx: KeyedContext<WindowResult<Result>>,
  ): OpenWindow<Acc> | undefined {
    const { first, last, window } = meeting(state.open, added, join);
    const absorbed = state.open.slice(first, last);
    if (absorbed.length > 0 && absorbed.every((other) => other.closed && !other.expired))
      return undefined;
    if (this.#late(window, ctx.watermark)) return undefined;
    const [only] = absorbed;
    if (absorbed.length === 1 && only?.start === window.start && only.end === window.end) {
      return only;
    }
    const joined = openWindow<Acc>(window, this.#trigger, ctx.watermark);
    for (const other of absorbed) this.#absorb(joined, other);
    state.open.splice(first, last - first, joined);
    return joined;
  }

  #absorb(into: OpenWindow<Acc>, from: OpenWindow<Acc>): void {
    if (from.acc !== null) {
      const { aggregate } = this.#options;
      into.acc = aggregate.merge(into.acc ?? aggregate.init(), from.acc);
    }
    into.fresh += from.fresh;
    this.#trigger.merge(into.trigger, from.trigger, 0);
    into.panes = Math.max(into.panes, from.panes);
    into.settled = Math.max(into.settled, from.settled);
    into.born = from.born === "inTime" ? "inTime" : into.born;
    into.shown.push(...from.shown);
  }

  #add(
    window: OpenWindow<Acc> | undefined,
    event: In,
    ctx: KeyedContext<WindowResult<Result>>,
  ): boolean {
    if (window === undefined) {
      this.counts.refused++;
      return false;
    }
    const { aggregate, value } = this.#options;
    window.acc = aggregate.add(window.acc ?? aggregate.init(), value(event), ctx.now);
    window.fresh++;
    const said = this.#trigger.onElement(window.trigger, 0, ctx.now, window, ctx.watermark);
    if (said !== 0) this.#fire(window, ctx.watermark, said, ctx);
    window.due = nextDue(window, this.#trigger, this.#lateness, ctx.watermark);
    return true;
  }

  #onDue(
    window: OpenWindow<Acc>,
    state: WindowState<Acc>,
    ctx: KeyedContext<WindowResult<Result>>,
  ): void {
    const time = window.due;
    if (!window.closed) {
      const said = this.#trigger.onTime(window.trigger, 0, time, window);
      if (said !== 0) this.#fire(window, time, said, ctx);
    }
    const cleanup = cleanupTime(window, this.#lateness);
    if (time < cleanup) {
      window.due = nextDue(window, this.#trigger, this.#lateness, time);
      return;
    }
    if (!window.closed) this.#close(window, time, ctx);
    const forget = saturatingPlus(cleanup, this.#retention);
    if (time >= forget) state.open.splice(state.open.indexOf(window), 1);
    else {
      window.closed = true;
      window.expired = true;
      window.due = forget;
    }
  }

  #close(window: OpenWindow<Acc>, time: EventTime, ctx: KeyedContext<WindowResult<Result>>): void {
    const { finalPane } = this.#options;
    const final = finalPane === "always" || (finalPane === "ifNonEmpty" && window.fresh > 0);
    if (final || this.#trigger.atClose) this.#fire(window, time, FIRE | FINISH, ctx);
  }

  #fire(
    window: OpenWindow<Acc>,
    time: EventTime,
    said: number,
    ctx: KeyedContext<WindowResult<Result>>,
  ): void {
    const isLast = (said & FINISH) !== 0 || this.#endsNow(window, time, ctx.watermark);
    this.#show(window, time, isLast, ctx);
    window.fresh = 0;
    this.#trigger.fired(window.trigger, 0);
    if (this.#options.accumulation === "discarding") window.acc = null;
    if ((said & FINISH) !== 0 || (isLast && this.#options.finalPane !== undefined)) {
      window.closed = true;
      if (this.#retention === 0) window.acc = null;
    }
  }

  /** The same watermark also reaches the cleanup, with no firing in between. */
  #endsNow(window: OpenWindow<Acc>, time: EventTime, watermark: EventTime): boolean {
    const cleanup = cleanupTime(window, this.#lateness);
    return cleanup <= watermark && this.#trigger.due(window.trigger, 0, window, time) >= cleanup;
  }

  #show(
    window: OpenWindow<Acc>,
    time: EventTime,
    isLast: boolean,
    ctx: KeyedContext<WindowResult<Result>>,
  ): void {
    const { aggregate, accumulation, finalPane } = this.#options;
    const { start, end, acc } = window;
    if (finalPane === undefined) {
      if (acc === null) return;
    } else {
      const pane = nextPane(window, time, isLast);
      const wanted = pane.timing === "onTime" || (isLast && finalPane === "always");
      if (window.fresh === 0 && !wanted) return;
    }
    const value = aggregate.result(acc ?? aggregate.init());
    if (accumulation === "retracting") {
      for (const [from, to, said] of window.shown) {
        ctx.emit({ start: from, end: to, value: said as Result, retraction: true });
      }
      window.shown = [[start, end, value]];
    }
    if (finalPane === undefined) {
      ctx.emit({ start, end, value, retraction: false });
      return;
    }
    const pane = nextPane(window, time, isLast);
    window.panes++;
    if (pane.timing !== "early") window.settled++;
    ctx.emit({ start, end, value, retraction: false, pane });
  }

  /** Sets the key's one timer; forgets the key when it holds nothing. */
  #settle(
    state: WindowState<Acc>,
    ctx: KeyedContext<WindowResult<Result>>,
  ): WindowState<Acc> | Forget {
    if (state.open.length === 0) return FORGET;
    const due = earliestDue(state.open)?.due ?? MAX_TIME;
    if (due !== state.timer) {
      state.timer = due;
      if (due === MAX_TIME) ctx.clearTimer(TIMER);
      else ctx.setTimer(TIMER, due);
    }
    return state;
  }
}

/** The window to look at first; of several at one time the one that ends first. */
function earliestDue<Acc>(open: readonly OpenWindow<Acc>[]): OpenWindow<Acc> | undefined {
  let first: OpenWindow<Acc> | undefined;
  for (const window of open) {
    if (
      first === undefined ||
      window.due < first.due ||
      (window.due === first.due && window.end < first.end)
    ) {
      first = window;
    }
  }
  return first;
}
