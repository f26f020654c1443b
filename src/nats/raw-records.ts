import type { JetStreamManager } from "nats";
import { storedAt } from "./streams.ts";

/**
 * Forgets the messages of a stream that were stored before `cutoff`, none from `until` on. The last
 * of them stays, so that the stream still shows where it was read to.
 */
export async function forgetBefore(
  jsm: JetStreamManager,
  stream: string,
  cutoff: number,
  until: number,
): Promise<void> {
  const { state } = await jsm.streams.info(stream);
  let kept = state.first_seq;
  let later = Math.min(until, state.last_seq + 1);
  while (later - kept > 1) {
    const middle = Math.floor((kept + later) / 2);
    const stored = await storedAt(jsm, stream, middle);
    // One that is gone already tells nothing: what lies before it is left for the next time.
    if (stored !== undefined && stored.time.getTime() < cutoff) kept = middle;
    else later = middle;
  }
  // The server takes a purge below the first for a purge of everything.
  if (kept > state.first_seq) await jsm.streams.purge(stream, { seq: kept });
}
