import type { JsMsg, NatsConnection } from "nats";
import { scoringFunctions } from "../../operators/scoring.ts";
import { MemoryLog } from "../../src/replay/memory-log.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import { openShipped, type Settings } from "./job.ts";

/** A message of a stream as the broker keeps it. */
export interface Stored {
  /** Without the prefix. */
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  /** Milliseconds. */
  readonly time: number;
  header(name: string): string | undefined;
}

/** A whole stream from its beginning to its present end, by a plain ordered consumer. */
export async function readStream(
  nc: NatsConnection,
  stream: string,
  prefix = "freshet",
): Promise<Stored[]> {
  const js = nc.jetstream();
  const { state } = await (await js.jetstreamManager()).streams.info(stream);
  const stored: Stored[] = [];
  if (state.messages === 0) return stored;
  const consumer = await js.consumers.get(stream);
  const messages = await consumer.consume();
  for await (const message of messages) {
    stored.push(storedMessage(message, prefix));
    if (message.seq >= state.last_seq) break;
  }
  await messages.close();
  return stored;
}

const storedMessage = (message: JsMsg, prefix: string): Stored => ({
  subject: message.subject.slice(prefix.length + 1),
  data: message.data,
  seq: message.seq,
  time: Math.floor(message.info.timestampNanos / 1_000_000),
  header: (name) => message.headers?.get(name) || undefined,
});

/** `subject id time data`, the data as JSON: what makes two outputs the same. */
export type Told = string;

/** What the shipped job says to a stored `IN`, by a replay of it in memory: no broker, no clock. */
export async function replayStored(
  intake: readonly Stored[],
  options: { readonly trustRecv: boolean; readonly settings?: Settings },
): Promise<Told[]> {
  const { job } = await openShipped(options);
  const told: Told[] = [];
  const log = new MemoryLog(job, new InlineScoring(scoringFunctions), {
    frameSize: 128,
    loop: false,
    onOutput: ({ subject, id, time, data }) => {
      told.push(`${subject} ${id} ${isoTime(time)} ${JSON.stringify(data)}`);
    },
  });
  let second = 0;
  for (const { subject, data, seq, time, header } of intake) {
    if (seq !== log.nextSeq) throw new Error(`IN has ${seq} where ${log.nextSeq} comes next`);
    if (Math.floor(time / 1000) > second) await log.settle();
    second = Math.floor(time / 1000);
    const contentType = header("Content-Type");
    const msgId = header("Nats-Msg-Id");
    log.append({ subject, data, contentType, time: time as EventTime, msgId });
  }
  await log.settle();
  return told;
}

/** What was published: the messages of `OUT`, and those of `IN` that the engine put there itself. */
export function published(out: readonly Stored[], intake: readonly Stored[]): Told[] {
  const own = intake.filter(({ header }) => header("ce-id") !== undefined);
  return [...out, ...own].map(({ subject, data, header }) => {
    if (header("ce-id") !== header("Nats-Msg-Id")) throw new Error("two ids on one message");
    return `${subject} ${header("ce-id")} ${header("ce-time")} ${Buffer.from(data).toString()}`;
  });
}
