import { connectBroker } from "../src/nats/connect.ts";
import type { EmbeddedServer } from "../src/nats/embedded-server.ts";
import { bareReader } from "./bare-reader.ts";
import { type Latencies, latenciesOf } from "./harness.ts";
import type { Pace, Paced } from "./open-loop.ts";
import { type Busy, busySince } from "./whole-path.ts";

const PREFIX = "bare";
/** Answers come at once. */
const LISTEN_MS = 200;

export interface BarePace {
  readonly rate: number;
  readonly seconds: number;
  /** Asks a second, none when left out. */
  readonly asks?: number;
}
export interface Bare extends Busy, Pick<Paced, "rate" | "asks"> {
  readonly wanted: number;
  /** From an event's intended moment until it was in the hands of the reader. */
  readonly arrivals: Latencies;
}

/**
 * What of a wait is the sender, the broker and the machine: the same events in the same open loop to a
 * reader that does nothing with them, and asks that are answered with nothing.
 */
export async function barePath(
  server: EmbeddedServer,
  send: (order: Pace & { readonly prefix: string }) => Promise<Paced>,
  { rate, seconds, asks }: BarePace,
): Promise<Bare> {
  const nc = await connectBroker({ url: server.url }, "freshet bench, bare reader");
  const pages = await connectBroker({ url: server.url }, "freshet bench, bare answers");
  try {
    const reader = await bareReader(nc, PREFIX);
    pages.subscribe(`${PREFIX}.ask.>`, { callback: (_, message) => message.respond() });
    await pages.flush();
    const busy = busySince(server);
    const pacing = send({
      prefix: PREFIX,
      rate,
      seconds,
      asks: asks === undefined ? undefined : { of: "profile", rate: asks },
      listenMs: LISTEN_MS,
    });
    const arrived: number[] = [];
    for await (const { subject } of reader.messages()) {
      if (subject.endsWith(".tick")) break;
      arrived.push(performance.timeOrigin + performance.now());
    }
    const shares = busy();
    const paced = await pacing;
    const events = Math.round(rate * seconds);
    if (arrived.length !== events) throw new Error(`${arrived.length} of ${events} events arrived`);
    // They come in the order in which they were sent.
    const waits = arrived.map((at, i) => at - paced.begunAt - (i * 1000) / rate);
    const { rate: sent, asks: asked } = paced;
    return { ...shares, wanted: rate, rate: sent, asks: asked, arrivals: latenciesOf(waits) };
  } finally {
    await nc.close();
    await pages.close();
  }
}
