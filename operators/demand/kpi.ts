import Type from "typebox";
import type { Context } from "../../src/flow/operator.ts";
import { type EventTime, latest, type Millis } from "../../src/time/event-time.ts";
import { rounded } from "./surprise.ts";
import { nextTelling } from "./told.ts";

/** The option of every operator that tells figures: how often. */
export const intervalOption = Type.String({
  default: "60s",
  description: "How often changes are told.",
});

/** Something came in at `time`: it is told with whatever else comes in up to the next telling. */
export function tellLater(
  state: { news: boolean },
  time: EventTime,
  ctx: Pick<Context<never>, "key" | "watermark" | "setTimer">,
  interval: Millis,
): void {
  if (!state.news)
    ctx.setTimer("tell", nextTelling(ctx.key, latest(time, ctx.watermark), interval));
  state.news = true;
}

/** Rounded; 0 of none. */
export const rateOf = (part: number, whole: number): number =>
  whole > 0 ? rounded(part / whole) : 0;
