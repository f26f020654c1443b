import { type Context, FORGET, type Forget } from "../flow/operator.ts";
import { Suppress, type SuppressOptions } from "../time/suppress.ts";
import { type Body, emitting } from "./body.ts";

/** The inner state, null for none; and what is held back, as `Suppress` writes it. */
type SuppressedState = [inner: unknown, held: unknown];

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
    const [before, held] = (state ?? [null, null]) as SuppressedState;
    const suppress =
      held === null ? new Suppress<Out>(options) : Suppress.restore<Out>(options, held);
    let used = held !== null;
    const after = body(
      before,
      emitting<Out, Out>(ctx, (out) => {
        used = true;
        const shown = suppress.update({ key: by(out), value: out, at: ctx.now });
        for (const { value } of shown) ctx.emit(value);
      }),
    );
    const kept = after === FORGET ? null : after;
    return kept === null && !used ? FORGET : [kept, used ? suppress.snapshot() : null];
  };
  return {
    ...inner,
    onEvent: (event, state, ctx) => call(state, ctx, (s, view) => inner.onEvent(event, s, view)),
    onTimer: (timer, state, ctx) => call(state, ctx, (s, view) => inner.onTimer(timer, s, view)),
  };
}
