import { encode as encodeMsgpack } from "@msgpack/msgpack";
import { decodeFrame, encodeFrame, KEYED, type KeyedRecord } from "../src/codec/frame.ts";
import { decodeBody, WIRE_LIMITS } from "../src/codec/wire.ts";
import {
  type BenchOptions,
  type Contender,
  compare,
  type Figure,
  type Report,
  ratio,
  timed,
} from "./harness.ts";

const FRAME = 128;
const OURS = "Freshet";

interface Sample {
  readonly name: string;
  /** Handles all `EVENTS` events once; what it gives back stands for what it made of them. */
  readonly work: () => unknown;
}

function event(i: number) {
  return {
    id: `evt-${i.toString(36)}-7f3a`,
    type: "product.viewed",
    ts: 1_763_792_400_000 + i,
    touchpoint: "mp",
    ids: [{ k: "unionid", v: `o6_bmjrPTlm6_2sgVt7hMZ${i % 5000}` }],
    session: `s-${i % 700}`,
    props: { sku: `sku-${i % 900}`, category: "tents", dwell_ms: 42_000 + i, price_minor: 29_900 },
  };
}

const recordOf = (i: number): KeyedRecord => {
  const { id, type, ts, touchpoint, session, props } = event(i);
  const payload = [type, touchpoint, session, props, id];
  return [KEYED, i + 1, 0, ts, `p_${(i % 5000).toString(16).padStart(16, "0")}`, id, payload];
};

function contender({ name, work }: Sample, units: number, rounds: number): Contender {
  return {
    name,
    run() {
      let made: unknown;
      const seconds = timed(() => {
        for (let i = 0; i < rounds; i += 1) made = work();
      });
      return { seconds, units: units * rounds, digest: JSON.stringify(made) };
    },
  };
}

/** What messages and frames cost to read and write, beside the platform's own JSON. */
export async function codec({ short }: BenchOptions): Promise<Report> {
  const times = short ? 20 : 400;
  const rounds = short ? 3 : 7;
  const events = Array.from({ length: FRAME }, (_, i) => event(i));
  const bodies = events.map((one) => Buffer.from(JSON.stringify(one)));
  const records = events.map((_, i) => recordOf(i));
  const frame = { source: "collect-0", previous: [0, -1] as const, records };
  const frameBytes = encodeFrame(frame);
  const frameText = JSON.stringify(frame);
  const setting = (title: string, what: string) => ({ title, what, unit: "events/s", rounds });
  const of = (samples: readonly Sample[]) =>
    samples.map((sample) => contender(sample, FRAME, times));
  const comparisons = [
    await compare(
      setting("Read a message", `canonical events as JSON, ${bodies[0]?.length} bytes each`),
      of([
        { name: `${OURS}: depth, batch and form checked`, work: () => bodies.map(checked) },
        { name: "JSON.parse", work: () => bodies.map((body) => JSON.parse(body.toString())) },
      ]),
    ),
    await compare(
      setting("Read a frame", `${FRAME} records, ${frameBytes.length} bytes`),
      of([
        { name: `${OURS}: positional msgpack`, work: () => decodeFrame(frameBytes).records },
        { name: "the same as JSON", work: () => JSON.parse(frameText).records },
      ]),
    ),
    await compare(
      setting("Write a frame", `${FRAME} records`),
      of([
        { name: `${OURS}: positional msgpack`, work: () => encodeFrame(frame).length > 0 },
        { name: "the same as JSON", work: () => JSON.stringify(frame).length > 0 },
        {
          name: "its events as msgpack maps, one by one",
          work: () => events.map((one) => encodeMsgpack(one)).length > 0,
        },
      ]),
    ),
  ];
  const figures = comparisons.map((comparison): Figure => {
    const [ours, peer] = comparison.rates;
    const value = ratio(comparison, ours?.name ?? "", peer?.name ?? "");
    return { name: `${comparison.title}: ${OURS} / ${peer?.name}`, value, unit: "×" };
  });
  figures.push(
    { name: "a record in a frame", value: frameBytes.length / FRAME, unit: "bytes" },
    { name: "a record as JSON", value: frameText.length / FRAME, unit: "bytes" },
  );
  return { comparisons, figures };
}

function checked(body: Uint8Array): unknown {
  const read = decodeBody(body, "application/json", WIRE_LIMITS);
  if (!read.ok) throw new Error(`refused: ${read.reason}`);
  return read.values[0];
}
