import type { AnyAggregate } from "../../src/time/aggregate.ts";
import { type EventTime, MIN_TIME, type Millis } from "../../src/time/event-time.ts";
import type { SessionWindows, WindowKind } from "../../src/time/window-kind.ts";
import type { WindowOptions } from "../../src/time/window-operator.ts";

export interface Happening {
  readonly at: EventTime;
  readonly value: number;
}
export type Options = WindowOptions<Happening, unknown, unknown, unknown>;
export type Step = { readonly happening: Happening } | { readonly watermark: EventTime };

/** What each step shows, as texts that do not depend on the order across windows; what is late. */
export interface Log {
  readonly shown: string[][];
  readonly late: unknown[];
}
export const line = (start: number, end: number, value: unknown, retraction: boolean): string =>
  JSON.stringify([start, end, value, retraction]);

interface Held {
  readonly start: number;
  readonly end: number;
  readonly parts: readonly Happening[];
}

/** The contract of windows that fire at the watermark, slowly. */
abstract class Oracle {
  readonly options: Options;
  readonly log: Log = { shown: [], late: [] };
  readonly lateness: Millis | 0;
  held: Held[] = [];
  watermark: EventTime = MIN_TIME;

  constructor(options: Options) {
    this.options = options;
    this.lateness = options.allowedLateness ?? 0;
  }

  abstract take(happening: Happening, shown: string[]): void;

  step(step: Step): void {
    const shown: string[] = [];
    if ("happening" in step) this.take(step.happening, shown);
    else if (step.watermark > this.watermark) {
      for (const one of this.held) {
        if (one.end - 1 > this.watermark && one.end - 1 <= step.watermark) this.onTime(one, shown);
      }
      this.watermark = step.watermark;
    }
    this.log.shown.push(shown.sort());
  }

  /** The watermark has passed its end. */
  onTime({ start, end, parts }: Held, shown: string[]): void {
    shown.push(line(start, end, this.result(parts), false));
  }

  cleanedUp({ end }: { readonly end: number }): boolean {
    return end - 1 + this.lateness <= this.watermark;
  }

  result(parts: readonly Happening[]): unknown {
    const aggregate: AnyAggregate = this.options.aggregate;
    let acc = aggregate.init();
    for (const { value, at } of parts) acc = aggregate.add(acc, value, at);
    return aggregate.result(acc);
  }
}

/** Every window of a grid is recomputed from all it ever took. */
class GridOracle extends Oracle {
  take(happening: Happening, shown: string[]): void {
    const { windows } = this.options;
    const all = windows.kind === "session" ? [] : windows.windows(happening.at);
    const open = all.filter((window) => !this.cleanedUp(window));
    if (all.length > 0 && open.length === 0) this.log.late.push({ ...happening });
    for (const { start, end } of open) {
      const before = this.held.find((one) => one.start === start)?.parts ?? [];
      const parts = [...before, happening];
      this.held = [...this.held.filter((one) => one.start !== start), { start, end, parts }];
      if (end - 1 <= this.watermark) this.again({ start, end, parts }, before, shown);
    }
  }

  again({ start, end, parts }: Held, before: readonly Happening[], shown: string[]): void {
    const { accumulation } = this.options;
    if (accumulation === "retracting" && before.length > 0) {
      shown.push(line(start, end, this.result(before), true));
    }
    const now = accumulation === "discarding" ? parts.slice(-1) : parts;
    shown.push(line(start, end, this.result(now), false));
  }
}

interface Session extends Held {
  /** Of the parts those that no firing has shown. */
  fresh: readonly Happening[];
  /** What firings have said of it and of the sessions it was joined from, and not taken back. */
  said: readonly (readonly [start: number, end: number, value: unknown])[];
}

/** Sessions are joined anew from every element that is not cleaned up. */
class SessionOracle extends Oracle {
  override held: Session[] = [];

  override onTime(session: Held, shown: string[]): void {
    this.fire(session as Session, shown);
  }

  fire(session: Session, shown: string[]): void {
    const { accumulation } = this.options;
    const parts = accumulation === "discarding" ? session.fresh : session.parts;
    session.fresh = [];
    if (parts.length === 0) return;
    const { start, end } = session;
    const value = this.result(parts);
    if (accumulation === "retracting") {
      for (const [from, to, before] of session.said) shown.push(line(from, to, before, true));
      session.said = [[start, end, value]];
    }
    shown.push(line(start, end, value, false));
  }

  take(happening: Happening, shown: string[]): void {
    const windows = this.options.windows as SessionWindows<Happening>;
    this.held = this.held.filter((one) => !this.cleanedUp(one));
    const parts = [happening];
    const own = windows.window(happening.at, happening, "k");
    let joined: Session = { ...own, parts, fresh: parts, said: [] };
    for (let next = this.met(joined); next !== undefined; next = this.met(joined)) {
      const one = next;
      this.held = this.held.filter((other) => other !== one);
      joined = {
        start: Math.min(one.start, joined.start),
        end: Math.max(one.end, joined.end),
        parts: [...one.parts, ...joined.parts],
        fresh: [...one.fresh, ...joined.fresh],
        said: [...one.said, ...joined.said],
      };
    }
    if (this.cleanedUp(joined)) {
      this.log.late.push({ ...happening });
      return;
    }
    this.held.push(joined);
    if (joined.end - 1 > this.watermark) return;
    this.fire(joined, shown);
  }

  met(window: Held): Session | undefined {
    const { touching } = this.options.windows as SessionWindows<Happening>;
    const meets = (a: number, b: number): boolean => (touching ? a <= b : a < b);
    return this.held.find(
      (one) =>
        one.start === window.start ||
        (meets(one.start, window.end) && meets(window.start, one.end)),
    );
  }
}

export function recomputed(options: Options, steps: readonly Step[]): Log {
  const kind: WindowKind<Happening>["kind"] = options.windows.kind;
  const oracle = kind === "session" ? new SessionOracle(options) : new GridOracle(options);
  for (const step of steps) oracle.step(step);
  return oracle.log;
}
