import { type Context, type Facts, FORGET, type Forget, type Timer } from "../flow/operator.ts";
import {
  type EventTime,
  MAX_TIME,
  MIN_TIME,
  type Millis,
  minus,
  plus,
} from "../time/event-time.ts";
import type { KeyedContext, KeyedLogic } from "../time/keyed-logic.ts";

/** Where a stream's values come from. Pure: an event is read for its key and again for its value. */
export interface Source<In, Value> {
  readonly name: string;
  readonly from: readonly string[];
  key(event: In): string | undefined;
  /** None where the stream leaves the event out; two where both sides of a join take it. */
  read(event: In, facts: Facts): readonly Value[];
}

/** What an operator does, with a state that nobody else looks into; null for none yet. */
export interface Body<In, Out> {
  readonly name: string;
  readonly from: readonly string[];
  readonly order: "arrival" | "event-time";
  readonly version: number;
  key(event: In): string | undefined;
  onEvent(event: In, state: unknown, ctx: Context<Out>): unknown | Forget;
  onTimer(timer: Timer, state: unknown, ctx: Context<Out>): unknown | Forget;
}

/** Neither begins nor ends: not to be moved. */
const moved = (at: EventTime, by: Millis): EventTime =>
  at === MIN_TIME || at === MAX_TIME ? at : plus(at, by);

/**
 * Gives a logic the values of a source. A stream fed by operators lives 1 ms behind them: what they
 * tell at the end of a window comes at the very moment the watermark passes it, and is still in time.
 */
export function bodyOf<In, Value, Out, State>(
  source: Source<In, Value>,
  logic: KeyedLogic<Value, Out, State>,
  order: "arrival" | "event-time",
): Body<In, Out> {
  const behind = (source.from.includes("events") ? 0 : 1) as Millis;
  // Only states that this logic returned come back to it.
  const stateOf = (state: unknown, key: string): State =>
    state === null ? logic.init(key) : (state as State);
  return {
    name: source.name,
    from: source.from,
    order,
    version: logic.version,
    key: (event) => source.key(event),
    onEvent(event, before, ctx) {
      let state = before;
      for (const value of source.read(event, ctx.facts)) {
        const view = viewOf(ctx, ctx.now, behind);
        const after = logic.onEvent(value, stateOf(state, ctx.key), view);
        state = after === FORGET ? null : after;
      }
      return state ?? FORGET;
    },
    onTimer(timer, state, ctx) {
      const at = minus(timer.at, behind);
      const due = { name: timer.name, at };
      return logic.onTimer(due, stateOf(state, ctx.key), viewOf(ctx, at, behind));
    },
  };
}

/** A logic's view of the runtime's context, `behind` it. */
function viewOf<Out>(ctx: Context<Out>, now: EventTime, behind: Millis): KeyedContext<Out> {
  return {
    key: ctx.key,
    now,
    watermark: moved(ctx.watermark, -behind as Millis),
    emit: (out) => ctx.emit(out),
    setTimer: (name, at) => ctx.setTimer(name, moved(at, behind)),
    clearTimer: (name) => ctx.clearTimer(name),
    late: (event) => ctx.late(event),
  };
}

/** The same context for one who emits something else. */
export function emitting<Out, Inner>(
  ctx: Context<Out>,
  emit: (out: Inner) => void,
): Context<Inner> {
  return {
    key: ctx.key,
    now: ctx.now,
    watermark: ctx.watermark,
    cause: ctx.cause,
    facts: ctx.facts,
    emit,
    setTimer: (name, at) => ctx.setTimer(name, at),
    clearTimer: (name) => ctx.clearTimer(name),
    score: (request) => ctx.score(request),
    derive: (label) => ctx.derive(label),
    permits: (purpose) => ctx.permits(purpose),
    forget: (purpose) => ctx.forget(purpose),
    note: (what) => ctx.note(what),
    profile: () => ctx.profile(),
    late: (event) => ctx.late(event),
  };
}

/** The same body, whose results go on as something else; undefined leaves one out. */
export function mapped<In, Out, Next>(
  inner: Body<In, Out>,
  to: (out: Out, key: string) => Next | undefined,
): Body<In, Next> {
  const through = (ctx: Context<Next>): Context<Out> =>
    emitting<Next, Out>(ctx, (out) => {
      const next = to(out, ctx.key);
      if (next !== undefined) ctx.emit(next);
    });
  return {
    ...inner,
    onEvent: (event, state, ctx) => inner.onEvent(event, state, through(ctx)),
    onTimer: (timer, state, ctx) => inner.onTimer(timer, state, through(ctx)),
  };
}
