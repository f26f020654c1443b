import { type EventTime, MAX_TIME, MIN_TIME, type Millis } from "./event-time.ts";
import { floorMod, maxTimestamp, type Window } from "./window.ts";

/** Bits of a verdict. Finishing closes the window to whatever comes later. */
export const FIRE = 1;
export const FINISH = 2;

/**
 * When a window shows its result. A trigger holds no state: what it remembers of a window are
 * `slots` numbers of the window, from `o` on in `s`.
 */
export interface Trigger {
  readonly slots: number;
  /** True when the window also fires when it is cleaned up. */
  readonly atClose: boolean;
  /** True when it fires at the watermark and for late elements, and at no other time. */
  readonly plain: boolean;
  init(s: number[], o: number): void;
  onElement(s: number[], o: number, at: EventTime, window: Window, watermark: EventTime): number;
  /** The next time, after `after`, that `onTime` is for; `MAX_TIME` for none. May have passed. */
  due(s: readonly number[], o: number, window: Window, after: EventTime): EventTime;
  onTime(s: number[], o: number, time: EventTime, window: Window): number;
  /** The window fired, for whatever reason. */
  fired(s: number[], o: number): void;
  /** Two windows became one. */
  merge(into: number[], from: readonly number[], o: number): void;
}

const nothing = (): void => {};
const never = (): EventTime => MAX_TIME;
/** Fires at no time: what triggers say where they say nothing else. */
const SILENT: Trigger = {
  slots: 0,
  atClose: false,
  plain: false,
  init: nothing,
  onElement: () => 0,
  due: never,
  onTime: () => 0,
  fired: nothing,
  merge: nothing,
};

const slot = (s: readonly number[], o: number): number => s[o] as number;
const setTo =
  (value: number) =>
  (s: number[], o: number): void => {
    s[o] = value;
  };
const smaller = (into: number[], from: readonly number[], o: number): void => {
  into[o] = Math.min(slot(into, o), slot(from, o));
};

const positive = (interval: Millis): void => {
  if (!(interval > 0)) throw new RangeError(`a firing every ${interval} ms: not positive`);
};

/** When the watermark passes the window's end, and again for each element after that. */
export function atWatermark(): Trigger {
  return {
    ...SILENT,
    plain: true,
    onElement: (_s, _o, _at, window, watermark) => (maxTimestamp(window) <= watermark ? FIRE : 0),
    due(_s, _o, window, after) {
      const end = maxTimestamp(window);
      return end > after ? end : MAX_TIME;
    },
    onTime: (_s, _o, time, window) => (time === maxTimestamp(window) ? FIRE : 0),
  };
}

/** When `n` elements have come since the last firing. */
export function everyCount(n: number): Trigger {
  if (!(n >= 1)) throw new RangeError(`a firing every ${n} elements: less than 1`);
  return {
    ...SILENT,
    slots: 1,
    init: setTo(0),
    onElement(s, o) {
      const seen = slot(s, o) + 1;
      s[o] = seen;
      return seen >= n ? FIRE : 0;
    },
    fired: setTo(0),
    merge: (into, from, o) => {
      into[o] = slot(into, o) + slot(from, o);
    },
  };
}

/** At each multiple of `interval` of event time after the first element, and at the window's end. */
export function continuously(interval: Millis): Trigger {
  positive(interval);
  return {
    ...SILENT,
    slots: 1,
    init: setTo(MAX_TIME),
    onElement(s, o, at, window, watermark) {
      if (maxTimestamp(window) <= watermark) return FIRE;
      if (slot(s, o) === MAX_TIME) s[o] = at - floorMod(at, interval) + interval;
      return 0;
    },
    due(s, o, window, after) {
      const end = maxTimestamp(window);
      const next = slot(s, o);
      return Math.min(next, end > after ? end : MAX_TIME) as EventTime;
    },
    onTime(s, o, time, window) {
      const next = slot(s, o);
      if (time >= next) s[o] = next + interval <= maxTimestamp(window) ? next + interval : MAX_TIME;
      return time >= next || time === maxTimestamp(window) ? FIRE : 0;
    },
    merge: smaller,
  };
}

/**
 * While something new has come: `interval` after the first of it, by the watermark. Watermarks of
 * the shop's flows come from broker time, so this is the early firing by the clock that a replay
 * repeats exactly.
 */
export function everyDelay(interval: Millis): Trigger {
  positive(interval);
  return {
    ...SILENT,
    slots: 1,
    init: setTo(MAX_TIME),
    onElement(s, o, at, _window, watermark) {
      const now = watermark === MIN_TIME ? at : watermark;
      if (slot(s, o) === MAX_TIME) s[o] = now + interval;
      return 0;
    },
    due: (s, o) => slot(s, o) as EventTime,
    onTime: (s, o, time) => (time >= slot(s, o) ? FIRE : 0),
    fired: setTo(MAX_TIME),
    merge: smaller,
  };
}

/** Once, when the window is cleaned up: nothing provisional is ever shown. */
export const atClose = (): Trigger => ({ ...SILENT, atClose: true });

/** Whenever one of them fires; then all begin anew. */
export function anyOf(...parts: readonly Trigger[]): Trigger {
  const offsets: number[] = [];
  let slots = 0;
  for (const part of parts) {
    offsets.push(slots);
    slots += part.slots;
  }
  const each = (o: number, visit: (part: Trigger, o: number) => void): void => {
    for (const [i, part] of parts.entries()) visit(part, o + (offsets[i] ?? 0));
  };
  const verdict = (o: number, ask: (part: Trigger, o: number) => number): number => {
    let said = 0;
    each(o, (part, at) => {
      said |= ask(part, at);
    });
    return said;
  };
  return {
    slots,
    atClose: parts.some((part) => part.atClose),
    plain: false,
    init: (s, o) => each(o, (part, at) => part.init(s, at)),
    onElement: (s, o, at, window, watermark) =>
      verdict(o, (part, place) => part.onElement(s, place, at, window, watermark)),
    due(s, o, window, after) {
      let first = MAX_TIME;
      each(o, (part, at) => {
        first = Math.min(first, part.due(s, at, window, after)) as EventTime;
      });
      return first;
    },
    onTime: (s, o, time, window) => verdict(o, (part, at) => part.onTime(s, at, time, window)),
    fired: (s, o) => each(o, (part, at) => part.fired(s, at)),
    merge: (into, from, o) => each(o, (part, at) => part.merge(into, from, at)),
  };
}

/** At the first firing of `trigger`, which closes the window although lateness may be left. */
export function once(trigger: Trigger): Trigger {
  const finishing = (said: number): number => (said === 0 ? 0 : said | FINISH);
  return {
    ...trigger,
    plain: false,
    onElement: (s, o, at, window, watermark) =>
      finishing(trigger.onElement(s, o, at, window, watermark)),
    onTime: (s, o, time, window) => finishing(trigger.onTime(s, o, time, window)),
  };
}

/** As `trigger` says, until `until` fires: that is the last firing. */
export const orFinally = (trigger: Trigger, until: Trigger): Trigger => anyOf(trigger, once(until));
