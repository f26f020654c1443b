import type { EventTime } from "../time/event-time.ts";

/** A message as it leaves the engine. */
export interface Output {
  /** Without the prefix. */
  readonly subject: string;
  /** 32 hex digits: hash of (operator, key, cause, k). */
  readonly id: string;
  readonly time: EventTime;
  readonly data: Readonly<Record<string, unknown>>;
  /** Key it belongs to; outputs of one key keep their order. */
  readonly key: string;
  /** What made it, for `ce-causationid`. */
  readonly cause: string;
}
