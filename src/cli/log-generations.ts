import type { NatsConnection } from "nats";
import {
  CONFIG_SUBJECT,
  type GenerationRecord,
  readGeneration,
} from "../config/generation-record.ts";
import { isFault } from "../faults.ts";
import { namesOf } from "../nats/streams.ts";
import { BrokerLog } from "../replay/broker-log.ts";
import type { StoredLog, StoredMessage } from "../replay/stored-message.ts";
import type { EventTime } from "../time/event-time.ts";
import type { Log } from "../watch/log.ts";

/** A generation where it stands in the log. */
export interface StoredGeneration {
  readonly record: GenerationRecord;
  readonly seq: number;
  readonly time: EventTime;
}

/** The generations that `IN` still holds, oldest first; none where there is no such stream yet. */
export async function generationsOf(
  nc: NatsConnection,
  prefix: string,
  log: Log,
): Promise<StoredGeneration[]> {
  const found: StoredGeneration[] = [];
  const stream = namesOf(prefix).in;
  try {
    const stored = await BrokerLog.open(nc, { stream, prefix, filter: CONFIG_SUBJECT, log });
    for await (const message of stored.read()) {
      const record = recordIn(message);
      if (record !== undefined && record.generation > (found.at(-1)?.record.generation ?? -1))
        found.push({ record, seq: message.seq, time: message.time });
    }
  } catch (error) {
    if (!isFault(error, "LOG_MISSING")) throw error;
  }
  return found;
}

/** What a stored log says it began with. */
export async function beginningOf(log: StoredLog): Promise<GenerationRecord | undefined> {
  for await (const message of log.read()) {
    if (message.subject !== CONFIG_SUBJECT) continue;
    const record = recordIn(message);
    return record?.generation === 0 ? record : undefined;
  }
  return undefined;
}

function recordIn({ data }: StoredMessage): GenerationRecord | undefined {
  try {
    return readGeneration(JSON.parse(Buffer.from(data).toString("utf8")));
  } catch {
    return undefined;
  }
}
