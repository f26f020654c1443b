import type { JetStreamManager } from "nats";
import { Fault } from "../faults.ts";
import type { Names } from "./streams.ts";

/** A request to be sent more lives so long at the broker, whoever asked. */
const REQUEST_MS = 6000;
const AGAIN_MS = 200;

/**
 * Throws ENGINE_RUNS while somebody reads the logs between the flows: what he knows would be changed
 * under him. An engine that was killed seems to read for some seconds more.
 */
export async function refuseWhileRead(jsm: JetStreamManager, names: Names): Promise<void> {
  const until = Date.now() + REQUEST_MS;
  for (;;) {
    const stream = await streamRead(jsm, [names.events, names.demand]);
    if (stream === undefined) return;
    if (Date.now() >= until)
      throw new Fault("ENGINE_RUNS", `an engine reads ${stream}`, { stream });
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** The first stream that somebody waits on. */
async function streamRead(
  jsm: JetStreamManager,
  streams: readonly string[],
): Promise<string | undefined> {
  for (const stream of streams) {
    const consumers = await jsm.consumers
      .list(stream)
      .next()
      .catch(() => []);
    if (consumers.some(({ num_waiting }) => num_waiting > 0)) return stream;
  }
  return undefined;
}
