import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "nats";
import { samples } from "./engine.ts";

const STREAMS = ["IN", "EVENTS", "DEMAND", "OUT"];
const STILL = 6;
const EVERY_MS = 150;

/**
 * Waits until an engine whose time comes from the events has nothing left to do: its queues are
 * empty, every log is read to its end and no stream grows any more. `metrics` fails while the engine is not there yet.
 */
export async function untilQuiet(
  nc: NatsConnection,
  metrics: () => Promise<string>,
  withinMs = 180_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  let before = "";
  let still = 0;
  while (still < STILL) {
    if (Date.now() > deadline) throw new Error(`not quiet after ${withinMs} ms: ${before}`);
    await sleep(EVERY_MS);
    const now = await state(nc, metrics).catch((error: unknown) => `unknown: ${error}`);
    still = now === before && now.endsWith(" idle") ? still + 1 : 0;
    before = now;
  }
}

/**
 * Waits until an engine that ticks has done what the messages of `IN` up to now ask for: each log in its
 * turn is read to the end that it has once the one before it is read and what follows from it is sent.
 */
export async function untilCaughtUp(
  nc: NatsConnection,
  metrics: () => Promise<string>,
  withinMs = 180_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  const jsm = await nc.jetstreamManager();
  for (const log of ["in", "events", "demand"]) {
    const { state: stored } = await jsm.streams.info(`FRESHET_${log.toUpperCase()}`);
    for (;;) {
      const text = await metrics();
      const read = samples(text, "freshet_reader_sequence").get(`log="${log}"`) ?? 0;
      const queues = samples(text, "freshet_queue_records");
      const waiting = ["hops", "outputs"].some((name) => queues.get(`queue="${name}"`) !== 0);
      if (read >= stored.last_seq && !waiting) break;
      if (Date.now() > deadline) throw new Error(`${log} read to ${read} of ${stored.last_seq}`);
      await sleep(EVERY_MS);
    }
  }
}

async function state(nc: NatsConnection, metrics: () => Promise<string>): Promise<string> {
  const jsm = await nc.jetstreamManager({ timeout: 1000 });
  const infos = await Promise.all(STREAMS.map((name) => jsm.streams.info(`FRESHET_${name}`)));
  const ends = infos.map(({ state }) => state.last_seq);
  const text = await metrics();
  const queues = samples(text, "freshet_queue_records");
  const read = samples(text, "freshet_reader_sequence");
  const atEnds = ["in", "events", "demand"].every((log, i) => read.get(`log="${log}"`) === ends[i]);
  const waiting = [...queues].filter(([queue, n]) => n > 0 && !queue.includes("merging"));
  const idle = atEnds && queues.size > 0 && waiting.length === 0;
  return `${ends.join(" ")} ${idle ? "idle" : JSON.stringify(waiting)}`;
}
