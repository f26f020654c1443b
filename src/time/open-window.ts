import { type EventTime, earliest, MIN_TIME, type Millis } from "./event-time.ts";
import type { Trigger } from "./trigger.ts";
import { cleanupTime, maxTimestamp, type Window } from "./window.ts";

/** Which firing of its window a result is; as Beam numbers them. */
export interface Pane {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly timing: "early" | "onTime" | "late";
  readonly index: number;
  /** Counts firings that are not early; -1 for early ones. */
  readonly nonSpeculativeIndex: number;
}

export interface WindowResult<Result> extends Window {
  readonly value: Result;
  /** True when this takes back what was said before about the window. */
  readonly retraction: boolean;
  /** Present when the operator numbers its panes. */
  readonly pane?: Pane;
}

/** A window that elements have reached, as plain data. */
export interface OpenWindow<Acc> extends Window {
  /** Null when nothing is in it, or when what was has been shown and discarded. */
  acc: Acc | null;
  /** Elements since the last firing. */
  fresh: number;
  /** What the trigger remembers. */
  trigger: number[];
  /** When to look at it again. */
  due: EventTime;
  /** Takes no more elements; kept until cleanup so that they are seen to be late. */
  closed: boolean;
  /** Past its cleanup and only kept for reading; a session may still be joined by a later one. */
  expired: boolean;
  /** Firings so far, and those of them that were not early. */
  panes: number;
  settled: number;
  /** True when its first element came after its end. */
  born: "inTime" | "late";
  /** What was shown and may have to be taken back: `[start, end, value]`. */
  shown: [EventTime, EventTime, unknown][];
}

export function openWindow<Acc>(
  window: Window,
  trigger: Trigger,
  watermark: EventTime,
): OpenWindow<Acc> {
  const slots = new Array<number>(trigger.slots).fill(0);
  trigger.init(slots, 0);
  return {
    start: window.start,
    end: window.end,
    acc: null,
    fresh: 0,
    trigger: slots,
    due: MIN_TIME,
    closed: false,
    expired: false,
    panes: 0,
    settled: 0,
    born: maxTimestamp(window) <= watermark ? "late" : "inTime",
    shown: [],
  };
}

/** The next time after `after` that the window wants attention: a firing or its cleanup. */
export function nextDue<Acc>(
  window: OpenWindow<Acc>,
  trigger: Trigger,
  lateness: Millis,
  after: EventTime,
): EventTime {
  const cleanup = cleanupTime(window, lateness);
  if (window.closed) return cleanup;
  const firing = trigger.due(window.trigger, 0, window, after);
  return earliest(firing, cleanup);
}

/** The pane of a firing at `time`; `isLast` is the caller's to know. */
export function nextPane<Acc>(window: OpenWindow<Acc>, time: EventTime, isLast: boolean): Pane {
  const early = time < maxTimestamp(window);
  const onTime = !early && window.settled === 0 && window.born === "inTime";
  return {
    isFirst: window.panes === 0,
    isLast,
    timing: early ? "early" : onTime ? "onTime" : "late",
    index: window.panes,
    nonSpeculativeIndex: early ? -1 : window.settled,
  };
}
