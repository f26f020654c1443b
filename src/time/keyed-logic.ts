import type { Context, Forget, Timer } from "../flow/operator.ts";

/** The part of an operator's context that windows and joins need. */
export type KeyedContext<Out> = Pick<
  Context<Out>,
  "key" | "now" | "watermark" | "emit" | "setTimer" | "clearTimer" | "late"
>;

/**
 * What a window or a join does for one key, as the operator contract has it, so that it can be an
 * operator's whole behaviour or a part of it.
 */
export interface KeyedLogic<In, Out, State> {
  /** Of the state's shape. */
  readonly version: number;
  init(key: string): State;
  onEvent(event: In, state: State, ctx: KeyedContext<Out>): State | Forget;
  onTimer(timer: Timer, state: State, ctx: KeyedContext<Out>): State | Forget;
}
