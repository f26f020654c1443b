import type { EventTime, Millis } from "../../src/time/event-time.ts";

/**
 * Event time by our clock: what lies between an event and its sending is the same on every clock,
 * ts + (received − sent). Undefined when `sent` is no help: before the event, or later than it by
 * more than `maxAge`.
 */
export function clockCorrected(
  ts: number,
  sent: number,
  received: number,
  maxAge: Millis,
): EventTime | undefined {
  if (sent < ts || sent - ts > maxAge) return undefined;
  return (ts + (received - sent)) as EventTime;
}
