import { Option } from "commander";
import { Fault } from "../faults.ts";
import { readTime } from "../replay/formats.ts";
import { days, type EventTime, type Millis, parseDuration } from "../time/event-time.ts";

/** Reads an option that names a time; USAGE when it is none. */
export function timeOption(option: string, text: string | undefined): EventTime | undefined {
  if (text === undefined) return undefined;
  const time = readTime(text);
  if (time === undefined)
    throw new Fault("USAGE", `${option} ${text} is no time such as 2026-12-05T00:00:00Z`);
  return time;
}

/** Reads an option that names how long to wait; USAGE when it is no length of time or more than a timer takes. */
export function durationOption(option: string, text: string): Millis {
  const length = parseDuration(text);
  if (length === undefined)
    throw new Fault("USAGE", `${option} ${text} is no length of time such as 30s or 5m`);
  if (length > LONGEST_WAIT)
    throw new Fault("USAGE", `${option} takes 24d at the most, not ${text}`);
  return length;
}
const LONGEST_WAIT = days(24);

/** Reads an option that takes a whole number; USAGE when it is none or out of bounds. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < least || n > most) {
    throw new Fault(
      "USAGE",
      `${option} takes a whole number from ${least} to ${most}, not ${text}`,
    );
  }
  return n;
}

/** Reads an option that takes a port; 0 is any free one. */
export const portOption = (option: string, text: string): number =>
  wholeNumber(option, text, 0, 65_535);

/** `--pack`: the same of every command that runs or checks a configuration. */
export const packOption = (): Option =>
  new Option("--pack <name>", "only this part of the configuration: packs/NAME.yaml");
