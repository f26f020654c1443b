import { encode } from "@msgpack/msgpack";
import { type Collect, makeCollect } from "../../../operators/collect/collect.ts";
import type {
  CollectInput,
  CollectSink,
  JournalRecord,
  LinkRecord,
} from "../../../operators/collect/contract.ts";
import type { CollectOptions, Props, Validated } from "../../../operators/collect/options.ts";
import { makeIdentifier } from "../../../src/codec/identifier.ts";
import type { Message } from "../../../src/flow/operator.ts";
import { type EventTime, eventTime } from "../../../src/time/event-time.ts";

/** Saturday 31 October 2026, 16:00 UTC. */
export const T0 = Date.UTC(2026, 9, 31, 16);

const refuse = (field: string, reason: string): Validated => ({
  ok: false,
  field,
  reason,
  remedy: "Read the tracking plan.",
});

/** A tracking plan of a few types, each property a text or a finite number. */
const PLAN: Readonly<Record<string, readonly string[]>> = {
  "product.viewed": ["sku", "dwell_ms"],
  searched: ["query"],
  "order.paid": ["order_id", "sku", "total_minor"],
  "feedback.clicked": ["rec_id", "item"],
  "recommendation.served": ["rec_id"],
  "privacy.request.delete": [],
};
const isNumeric = (name: string): boolean => name.endsWith("_ms") || name.endsWith("_minor");

function validate(type: string, props: Readonly<Record<string, unknown>>): Validated {
  const declared = Object.hasOwn(PLAN, type) ? PLAN[type] : undefined;
  if (declared === undefined) return refuse("type", "unknown_schema");
  const kept: Record<string, string | number> = {};
  let stripped = 0;
  for (const name of Object.keys(props)) {
    const value = props[name];
    if (!declared.includes(name)) stripped += 1;
    else if (typeof value === "string" && !isNumeric(name)) kept[name] = value;
    else if (Number.isFinite(value) && isNumeric(name)) kept[name] = value as number;
    else return refuse(name, "wrong_type");
  }
  return { ok: true, props: kept as Props, stripped };
}

const key = makeIdentifier({ key: "a tenant key for tests" });

export const collector = (options: Partial<CollectOptions> = {}): Collect =>
  makeCollect({ key, validate, ...options });

export type Said =
  | readonly ["event", JournalRecord]
  | readonly ["fact", string, string, unknown]
  | readonly ["link", LinkRecord]
  | readonly ["time", EventTime]
  | readonly ["publish", Message, string];

/** Keeps what collect hands on, in order. */
export class Recorder implements CollectSink {
  readonly said: Said[] = [];
  event(record: JournalRecord): void {
    this.said.push(["event", record]);
  }
  fact(kind: string, key: string, value: unknown): void {
    this.said.push(["fact", kind, key, value]);
  }
  link(record: LinkRecord): void {
    this.said.push(["link", record]);
  }
  time(second: EventTime): void {
    this.said.push(["time", second]);
  }
  publish(message: Message, cause: string): void {
    this.said.push(["publish", message, cause]);
  }
  get events(): JournalRecord[] {
    return this.said.flatMap((s) => (s[0] === "event" ? [s[1]] : []));
  }
  get messages(): Message[] {
    return this.said.flatMap((s) => (s[0] === "publish" ? [s[1]] : []));
  }
  get facts(): (readonly [string, string, unknown])[] {
    return this.said.flatMap((s) => (s[0] === "fact" ? [[s[1], s[2], s[3]] as const] : []));
  }
  get seconds(): number[] {
    return this.said.flatMap((s) => (s[0] === "time" ? [s[1]] : []));
  }
}

export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
export const msgpack = (value: unknown): Uint8Array => encode(value);

export interface Sent extends Partial<Omit<CollectInput, "time">> {
  readonly time?: number;
}

/** A record of `IN` on an event subject, at `T0` when nothing else is said. */
export const sent = (data: Uint8Array, over: Sent = {}): CollectInput => ({
  subject: "in.event.mp.product.viewed",
  contentType: undefined,
  seq: 1,
  msgId: undefined,
  ...over,
  data,
  time: eventTime(over.time ?? T0),
});

/** A canonical event of person `who`, viewed at `T0`. */
export const viewed = (id: string, over: Readonly<Record<string, unknown>> = {}) => ({
  id,
  type: "product.viewed",
  ts: T0,
  ids: [{ k: "unionid", v: "union-ann" }],
  props: { sku: "s1" },
  ...over,
});

/** What collect says to some records. */
export function play(inputs: readonly CollectInput[], collect: Collect = collector()): Recorder {
  const recorder = new Recorder();
  for (const input of inputs) collect.handle(input, recorder);
  return recorder;
}
