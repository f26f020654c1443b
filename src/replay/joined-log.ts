import { Fault } from "../faults.ts";
import { type EventTime, isoTime } from "../time/event-time.ts";
import type { StoredLog, StoredMessage } from "./stored-message.ts";

/**
 * Parts of one log, each begun before the one before it ended, as one log; LOG_INCOMPLETE when
 * something may be missing between two of them.
 */
export function joinLogs(parts: readonly [StoredLog, ...StoredLog[]]): StoredLog {
  let until: EventTime = parts[0].until;
  for (const part of parts.slice(1)) {
    if (part.from !== undefined && part.from > until) {
      throw new Fault(
        "LOG_INCOMPLETE",
        `one part of the log ends at ${isoTime(until)}, the next begins at ${isoTime(part.from)}`,
      );
    }
    until = part.until;
  }
  return { from: parts[0].from, until, read: () => readAll(parts), at: (seq) => find(parts, seq) };
}

async function* readAll(parts: readonly StoredLog[]): AsyncGenerator<StoredMessage> {
  let last = 0;
  for (const part of parts) {
    for await (const message of part.read()) {
      if (message.seq <= last) continue;
      last = message.seq;
      yield message;
    }
  }
}

async function find(parts: readonly StoredLog[], seq: number): Promise<StoredMessage | undefined> {
  for (const part of parts) {
    const message = await part.at(seq);
    if (message !== undefined) return message;
  }
  return undefined;
}
