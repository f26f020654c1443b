import type { JetStreamManager, StreamState } from "nats";
import { Fault } from "../faults.ts";
import type { StreamTail } from "../state/marker.ts";
import { storedAt } from "./streams.ts";

/** Throws LOG_LOST_TAIL when there is no such stream: all that stood on it is gone. */
async function stateOf(jsm: JetStreamManager, stream: string): Promise<StreamState> {
  try {
    return (await jsm.streams.info(stream)).state;
  } catch (error) {
    if (!/stream not found/.test(String(error))) throw error;
    throw new Fault("LOG_LOST_TAIL", `stream ${stream} is not there any more`, { stream }, error);
  }
}

/**
 * A log must still be the one that was read up to `position`. Throws LOG_LOST_TAIL when it ends before
 * that, LOG_TRUNCATED when what comes next is gone (but from a log that is `forgetful`), LOG_REWRITTEN
 * when another record stands there.
 */
export async function checkRead(
  jsm: JetStreamManager,
  stream: string,
  { seq, time }: { readonly seq: number; readonly time: number | undefined },
  forgetful = false,
): Promise<StreamState> {
  const state = await stateOf(jsm, stream);
  if (seq > state.last_seq) {
    throw new Fault(
      "LOG_LOST_TAIL",
      `stream ${stream} ends at ${state.last_seq}, but ${seq} had been read`,
    );
  }
  if (state.first_seq > seq + 1 && !forgetful) {
    throw new Fault(
      "LOG_TRUNCATED",
      `stream ${stream} begins at ${state.first_seq}, but ${seq + 1} comes next`,
    );
  }
  if (seq === 0 || seq < state.first_seq || time === undefined) return state;
  // A record may be gone by purge while its neighbours are there.
  const stored = await storedAt(jsm, stream, seq);
  // The client rounds nanoseconds to a double, which may move a time by a millisecond.
  if (stored !== undefined && Math.abs(stored.time.getTime() - time) > 1) {
    throw new Fault(
      "LOG_REWRITTEN",
      `record ${seq} of stream ${stream} is not the one that had been read`,
    );
  }
  return state;
}

/**
 * What the broker acknowledged must stand there. Throws LOG_LOST_TAIL when a stream ends before it,
 * LOG_REWRITTEN when another message stands in its place; what has aged out proves nothing.
 */
export async function checkTails(
  jsm: JetStreamManager,
  tails: readonly StreamTail[],
): Promise<void> {
  const last = new Map<string, StreamTail>();
  for (const tail of tails) {
    if (tail.seq >= (last.get(tail.stream)?.seq ?? 0)) last.set(tail.stream, tail);
  }
  for (const tail of last.values()) await checkTail(jsm, tail);
}

async function checkTail(jsm: JetStreamManager, { stream, seq, id }: StreamTail): Promise<void> {
  const state = await stateOf(jsm, stream);
  if (state.last_seq < seq) {
    throw new Fault(
      "LOG_LOST_TAIL",
      `stream ${stream} ends at ${state.last_seq}, but ${seq} had been acknowledged`,
      { stream },
    );
  }
  if (seq < state.first_seq) return;
  const stored = await storedAt(jsm, stream, seq);
  if (stored !== undefined && stored.header.get("Nats-Msg-Id") !== id) {
    throw new Fault(
      "LOG_REWRITTEN",
      `message ${seq} of stream ${stream} is not the one that had been acknowledged`,
      { stream },
    );
  }
}
