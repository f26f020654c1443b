import type { ContactPolicy, MessageClass, QuietHours } from "../../../src/config/rule-ast.ts";
import { type EventTime, latest } from "../../../src/time/event-time.ts";
import type { LocalTime } from "../../../src/time/local-time.ts";

/** `go`: not quiet. A held message may go at `until` at the earliest. */
export type Quiet =
  | { readonly does: "go" | "drop" }
  | { readonly does: "hold"; readonly until: EventTime };

/** Whether a message of this class may go by a channel at a moment, and if not, what becomes of it. */
export function quietAt(
  policy: ContactPolicy,
  channel: string,
  of: MessageClass,
  at: EventTime,
  local: LocalTime,
): Quiet {
  let until = at;
  for (const hours of policy.quiet) {
    if (!concerns(hours, policy.pages, channel, of) || !isIn(hours, local.minute(at))) continue;
    if (hours.does === "drop") return { does: "drop" };
    until = latest(until, local.nextMinute(at, hours.to));
  }
  return until > at ? { does: "hold", until } : { does: "go" };
}

const concerns = (
  { channels, classes }: QuietHours,
  pages: readonly string[],
  channel: string,
  of: MessageClass,
): boolean => classes.includes(of) && (channels?.includes(channel) ?? !pages.includes(channel));

const isIn = ({ from, to }: QuietHours, minute: number): boolean =>
  from <= to ? minute >= from && minute < to : minute >= from || minute < to;
