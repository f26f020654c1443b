import type { NatsConnection } from "nats";
import { StreamReader } from "../src/nats/reader.ts";
import { deleteStreams, ensureStreams, namesOf } from "../src/nats/streams.ts";
import { days, minutes } from "../src/time/event-time.ts";
import { makeLog } from "../src/watch/log.ts";

const LIMITS = {
  maxAge: days(1),
  maxOutAge: days(1),
  maxBytes: -1,
  duplicateWindow: minutes(2),
  replicas: 1,
};
const log = makeLog("warn");

/** The engine's own reader on fresh streams, for whoever reads without an engine. */
export async function bareReader(nc: NatsConnection, prefix: string): Promise<StreamReader> {
  const names = namesOf(prefix);
  await deleteStreams(nc, prefix);
  await ensureStreams(nc, names, LIMITS, prefix);
  return new StreamReader(nc, { stream: names.in, log });
}
