import { type Millis, parseDuration } from "../../src/time/event-time.ts";

/** A length of time out of an operator's options; throws on what is none. */
export function duration(text: string | undefined, fallback: string): Millis {
  const length = parseDuration(text ?? fallback);
  if (length === undefined) throw new RangeError(`not a length of time: ${text}`);
  return length;
}
