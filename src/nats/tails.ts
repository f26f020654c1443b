import type { NatsConnection } from "nats";
import { Fault } from "../faults.ts";
import type { StreamTail } from "../state/marker.ts";
import { manager } from "./streams.ts";

/**
 * What the broker acknowledged must stand there. Throws LOG_LOST_TAIL when a stream ends before it,
 * LOG_REWRITTEN when another message stands in its place; what has aged out proves nothing.
 */
export async function checkTails(nc: NatsConnection, tails: readonly StreamTail[]): Promise<void> {
  const last = new Map<string, StreamTail>();
  for (const tail of tails) {
    if (tail.seq >= (last.get(tail.stream)?.seq ?? 0)) last.set(tail.stream, tail);
  }
  for (const tail of last.values()) await checkTail(nc, tail);
}

async function checkTail(nc: NatsConnection, { stream, seq, id }: StreamTail): Promise<void> {
  const jsm = await manager(nc);
  const { state } = await jsm.streams.info(stream);
  if (state.last_seq < seq) {
    throw new Fault(
      "LOG_LOST_TAIL",
      `stream ${stream} ends at ${state.last_seq}, but ${seq} had been acknowledged`,
      { stream },
    );
  }
  if (seq < state.first_seq) return;
  const stored = await jsm.streams.getMessage(stream, { seq }).catch((error: unknown) => {
    if (/no message found/.test(String(error))) return undefined;
    throw error;
  });
  if (stored !== undefined && stored.header.get("Nats-Msg-Id") !== id) {
    throw new Fault(
      "LOG_REWRITTEN",
      `message ${seq} of stream ${stream} is not the one that had been acknowledged`,
      { stream },
    );
  }
}
