import type { Aggregate } from "./aggregate.ts";
import { type EventTime, MIN_TIME, type Millis, millis } from "./event-time.ts";
import type { KeyedHost } from "./keyed-host.ts";
import { atClose, everyCount } from "./trigger.ts";
import type { GridWindows } from "./window-kind.ts";
import { session } from "./window-kind.ts";
import type { WindowOptions } from "./window-operator.ts";

/*
 * Windows for those who come from Kafka Streams: time is the largest event time seen over all keys,
 * and moves before the element that moves it is handled. Stream time S is the watermark S - 1.
 */

/** Feeds a host by stream time. The clock is in the host, so it is in the host's snapshot. */
export function streamElement<In, Out, State>(
  host: KeyedHost<In, Out, State>,
  key: string,
  at: EventTime,
  event: In,
): void {
  if (at > MIN_TIME) host.advance((at - 1) as EventTime);
  host.element(key, at, event);
}

export interface StreamTimeOptions<In, Value, Acc, Result> {
  /** Windows of a grid, or the gap that ends a session (a gap of exactly that length does not). */
  readonly windows: GridWindows | { readonly gap: Millis };
  readonly grace: Millis;
  /**
   * `onUpdateRetract` takes each result back before the next one, as sessions need that grow.
   */
  readonly emit: "onUpdate" | "onUpdateRetract" | "onClose";
  readonly aggregate: Aggregate<Value, Acc, Result>;
  value(event: In): Value;
  /** How long a window may be read after it closed. */
  readonly retention?: Millis | undefined;
  late(event: In): Readonly<Record<string, unknown>>;
}

/**
 * The options of a `WindowOperator` that gives these windows. A session's window ends `gap + 1`
 * after its last element: `[first, last]` in Kafka's way of writing is `[start, end - gap - 1]`.
 */
export function streamTimeWindows<In, Value, Acc, Result>(
  options: StreamTimeOptions<In, Value, Acc, Result>,
): WindowOptions<In, Value, Acc, Result> {
  const { windows, grace, emit, aggregate, value, late } = options;
  return {
    windows: "gap" in windows ? session<In>(millis(windows.gap + 1), { touching: false }) : windows,
    allowedLateness: grace,
    trigger: emit === "onClose" ? atClose() : everyCount(1),
    accumulation: emit === "onUpdateRetract" ? "retracting" : "accumulating",
    retention: options.retention,
    aggregate,
    value,
    late,
  };
}
