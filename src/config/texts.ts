import Type, { type TString } from "typebox";
import { type Millis, parseDuration } from "../time/event-time.ts";

/** What a schema may say beside JSON Schema; `patternErrorMessage` is the keyword editors know. */
interface TextOptions {
  readonly description?: string;
  readonly default?: string;
}

function text(pattern: string, patternErrorMessage: string, options: TextOptions): TString {
  return Type.String({ ...options, pattern, patternErrorMessage });
}

/** A length of time: `1500ms`, `90s`, `30m`, `24h`, `7d`, `2w`. Read with `durationOf`. */
export const durationText = (options: TextOptions = {}): TString =>
  text("^[0-9]{1,7}(ms|s|m|h|d|w)$", "a length of time such as 90s, 30m, 24h or 7d", options);

/** A moment after a beginning: `2d`, `24h - 1ms`, `30d + 1ms`. Read with `momentOf`. */
export const momentText = (options: TextOptions = {}): TString =>
  text(
    "^[0-9]{1,7}(ms|s|m|h|d|w)( [+-] [0-9]{1,7}(ms|s|m|h|d|w))*$",
    "a time after the beginning such as 2d, 24h - 1ms or 30d + 1ms",
    options,
  );

/** A local time to the minute: `2026-03-02 10:00`. */
export const localTimeText = (options: TextOptions = {}): TString =>
  text(
    "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]$",
    "a local time such as 2026-03-02 10:00",
    options,
  );

/** A time of day, `00:00` to `24:00`. Read with `minuteOfDay`. */
export const timeOfDayText = (options: TextOptions = {}): TString =>
  text("^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "a time of day such as 07:30", options);

/** A share: `12.5%`. Read with `shareOf`. */
export const percentText = (options: TextOptions = {}): TString =>
  text("^(100(\\.0{1,6})?|[0-9]{1,2}(\\.[0-9]{1,6})?)%$", "a share such as 12.5%", options);

/** A name that may stand in a subject: `high_value_interest`. */
export const nameText = (options: TextOptions = {}): TString =>
  text(
    "^[a-z][a-z0-9_-]{0,63}$",
    "a name of lower-case letters, digits, `_` and `-` that begins with a letter",
    options,
  );

/** Only for texts that `durationText` accepted. */
export function durationOf(checked: string): Millis {
  const length = parseDuration(checked);
  if (length === undefined) throw new RangeError(`not a length of time: ${checked}`);
  return length;
}

/** Only for texts that `momentText` accepted; never before the beginning. */
export function momentOf(checked: string): Millis {
  const [first = "", ...rest] = checked.split(" ");
  let sum: number = durationOf(first);
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const length = durationOf(rest[i + 1] ?? "");
    sum += rest[i] === "-" ? -length : length;
  }
  return Math.max(0, sum) as Millis;
}

/** Minutes since midnight, 0 to 1440; only for texts that `timeOfDayText` accepted. */
export function minuteOfDay(checked: string): number {
  const [hour, minute] = checked.split(":");
  return Number(hour) * 60 + Number(minute);
}

/** A stretch of the local day, `07:00-09:30`. Read with `hoursOf`. */
export const HoursText = Type.String({
  pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
  patternErrorMessage: "hours such as 07:00-09:30",
});
/** Minutes of the local day, `[from, to)`; `to` before `from` goes past midnight. */
export type Hours = readonly [from: number, to: number];

export function hoursOf(checked: string): Hours {
  const [from = "", to = ""] = checked.split("-");
  return [minuteOfDay(from), minuteOfDay(to)];
}

/** 0 to 1; only for texts that `percentText` accepted. */
export const shareOf = (checked: string): number => Number(checked.slice(0, -1)) / 100;
