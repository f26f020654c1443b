import { type EventTime, MAX_TIME, MIN_TIME, type Millis, millis } from "./event-time.ts";
import { sessionWindow } from "./session.ts";
import { slidingWindows, tumblingWindow, type Window } from "./window.ts";

/** Windows on a fixed grid; `windows(at)` are those that hold an instant, oldest first. */
export interface GridWindows {
  readonly kind: "tumbling" | "sliding" | "global";
  windows(at: EventTime): Window[];
}
export interface SlidingGrid extends GridWindows {
  readonly kind: "sliding";
  readonly size: Millis;
  readonly slide: Millis;
  readonly offset: Millis;
}
/** Windows that each element opens and that join when they meet. */
export interface SessionWindows<Event> {
  readonly kind: "session";
  readonly touching: boolean;
  window(at: EventTime, event: Event, key: string): Window;
}
export type WindowKind<Event> = GridWindows | SlidingGrid | SessionWindows<Event>;

const positive = (length: Millis): void => {
  if (!(length > 0)) throw new RangeError(`a window's size or slide of ${length} ms: not positive`);
};
const checkedGap = (gap: Millis): Millis => {
  if (!(gap >= 0)) throw new RangeError(`a session's gap of ${gap} ms: less than 0`);
  return gap;
};

export function tumbling(size: Millis, offset = millis(0)): GridWindows {
  positive(size);
  return { kind: "tumbling", windows: (at) => [tumblingWindow(at, size, offset)] };
}

export function sliding(size: Millis, slide: Millis, offset = millis(0)): SlidingGrid {
  positive(size);
  positive(slide);
  return {
    kind: "sliding",
    size,
    slide,
    offset,
    windows: (at) => slidingWindows(at, size, slide, offset),
  };
}

/** The window of everything; it has no end, so its trigger must be one that needs none. */
const ALL_TIME: Window = { start: MIN_TIME, end: MAX_TIME };
export const global = (): GridWindows => ({ kind: "global", windows: () => [ALL_TIME] });

/**
 * Ended by a gap without events: a fixed one, or one that the event decides. A gap of 0 makes a
 * point: the event counts in a session that it falls into, without making it longer.
 */
export function session<Event>(
  gap: Millis | ((event: Event, key: string) => Millis),
  options: { readonly touching?: boolean } = {},
): SessionWindows<Event> {
  if (typeof gap !== "function") checkedGap(gap);
  return {
    kind: "session",
    touching: options.touching ?? true,
    window: (at, event, key) =>
      sessionWindow(at, typeof gap === "function" ? checkedGap(gap(event, key)) : gap),
  };
}
