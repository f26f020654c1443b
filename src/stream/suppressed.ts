import { type Context, FORGET, type Forget } from "../flow/operator.ts";
import { Suppress, type SuppressOptions } from "../time/suppress.ts";
import { type Body, emitting } from "./body.ts";

/**
 * The inner state, null for none; what is held back, as `Suppress` writes it; and the names of the
 * timers that the inner body has set, which it forgets together with its state.
 */
type SuppressedState = [inner: unknown, held: unknown, timers: string[]];

/** A body whose results wait in a `Suppress` of their key. */
export function suppressed<In, Out>(
  inner: Body<In, Out>,
  by: (out: Out) => string,
  options: SuppressOptions,
): Body<In, Out> {
  const call = (
    state: unknown,
    ctx: Context<Out>,
    body: (inner: unknown, ctx: Context<Out>) => unknown | Forget,
  ): unknown | Forget => {
    // Only what was returned below comes back.
    const [before, held, set] = (state ?? [null, null, []]) as SuppressedState;
    const suppress =
      held === null ? new Suppress<Out>(options) : Suppress.restore<Out>(options, held);
    const timers = new Set(set);
    let used = held !== null;
    const view: Context<Out> = {
      ...emitting<Out, Out>(ctx, (out) => {
        used = true;
        const shown = suppress.update({ key: by(out), value: out, at: ctx.now });
        for (const { value } of shown) ctx.emit(value);
      }),
      setTimer(name, at) {
        timers.add(name);
        ctx.setTimer(name, at);
      },
      clearTimer(name) {
        timers.delete(name);
        ctx.clearTimer(name);
      },
    };
    const after = body(before, view);
    if (after !== FORGET) return [after, used ? suppress.snapshot() : null, [...timers]];
    if (!used) return FORGET;
    for (const name of timers) ctx.clearTimer(name);
    return [null, suppress.snapshot(), []];
  };
  return {
    ...inner,
    onEvent: (event, state, ctx) => call(state, ctx, (s, view) => inner.onEvent(event, s, view)),
    onTimer: (timer, state, ctx) =>
      call(state, ctx, (s, view) => {
        view.clearTimer(timer.name);
        return inner.onTimer(timer, s, view);
      }),
  };
}
