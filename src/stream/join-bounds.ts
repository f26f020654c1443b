import type { Millis } from "../time/event-time.ts";
import type { IntervalJoinOptions } from "../time/interval-join.ts";

export type Between = Pick<
  IntervalJoinOptions<unknown>,
  "lower" | "upper" | "lowerOpen" | "upperOpen"
>;

/** `lower <= right - left <= upper`; negative bounds look back, `open` ones leave the bound out. */
export function between(
  lower: Millis,
  upper: Millis,
  open: { readonly lowerOpen?: boolean; readonly upperOpen?: boolean } = {},
): Between {
  return { lower, upper, ...open };
}
