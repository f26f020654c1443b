import {
  DiscardPolicy,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StoredMsg,
  type StreamConfig,
} from "nats";
import { Fault } from "../faults.ts";
import type { Millis } from "../time/event-time.ts";

/** The first tokens of every output subject. */
const OUTPUT_TOKENS = [
  "intent",
  "segment",
  "lifecycle",
  "tag",
  "recommendation",
  "suppressed",
  "late",
  "trend",
  "demand",
  "restock",
  "transfer",
  "preposition",
  "capacity",
  "logistics",
  "presale",
  "overstock",
  "c2m",
  "crm",
  "kpi",
  "deadletter",
  "privacy",
  "audit",
  "identity",
  "preference",
  "cluster",
  "spending",
  "scene",
  "coverage",
  // What operators of one's own have to say.
  "own",
] as const;

/** Throws SUBJECT_UNKNOWN for an output that no stream would take: it would wait for ever. */
export function requireOutputSubject(subject: string): void {
  const [token = ""] = subject.split(".", 1);
  if (token === "in" || (OUTPUT_TOKENS as readonly string[]).includes(token)) return;
  throw new Fault("SUBJECT_UNKNOWN", `no stream takes the output ${subject}`, { subject });
}

/** Names of streams and subjects under one prefix. */
export interface Names {
  readonly in: string;
  readonly events: string;
  readonly demand: string;
  readonly out: string;
  readonly state: string;
  readonly moves: string;
  /** `<prefix>.in.tick` and so on. */
  subject(name: string): string;
  /** Where the frames of a source for a group go: `<prefix>.hop.<flow>.<group>.<source>`. */
  hop(target: string, source: string): string;
  /** Where a piece of what moves to a group by a link goes. */
  moved(target: string, link: string, piece: number): string;
  /** Where a group's checkpoints go: `<prefix>.state.<flow>.<group>.<chunk|marker>`. */
  checkpoint(group: string, kind: "chunk" | "marker" | "*"): string;
}

export function namesOf(prefix: string): Names {
  const upper = prefix.toUpperCase().replaceAll(/[^A-Z0-9_-]/g, "_");
  return {
    in: `${upper}_IN`,
    events: `${upper}_EVENTS`,
    demand: `${upper}_DEMAND`,
    out: `${upper}_OUT`,
    state: `${upper}_STATE`,
    moves: `${upper}_MOVES`,
    subject: (name) => `${prefix}.${name}`,
    hop: (target, source) => `${prefix}.hop.${target.replace("-", ".")}.${source}`,
    moved: (target, link, piece) => `${prefix}.moved.${target.replace("-", ".")}.${link}.${piece}`,
    checkpoint: (group, kind) => `${prefix}.state.${group.replace("-", ".")}.${kind}`,
  };
}

export interface StreamLimits {
  /** How long the broker keeps a record; the log must reach back as far as a restart needs. */
  readonly maxAge: Millis;
  /** How long outputs are kept for subscribers that were away. */
  readonly maxOutAge: Millis;
  /** Bytes a stream may hold, -1 for as many as the disk; a full `IN` refuses new events rather than forget old ones. */
  readonly maxBytes: number;
  /** The broker's window for recognising a message id it has seen. */
  readonly duplicateWindow: Millis;
  readonly replicas: number;
}

/**
 * Makes the streams that are missing. Those that are there stay as they are, but take every subject
 * that this build publishes.
 */
export async function ensureStreams(
  nc: NatsConnection,
  names: Names,
  limits: StreamLimits,
  prefix: string,
): Promise<void> {
  const jsm = await manager(nc);
  const base = {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: limits.replicas,
    max_age: nanos(limits.maxAge),
    max_bytes: limits.maxBytes,
    duplicate_window: nanos(limits.duplicateWindow),
  };
  const streams: readonly Partial<StreamConfig>[] = [
    { name: names.in, subjects: [`${prefix}.in.>`] },
    { name: names.events, subjects: [`${prefix}.hop.shopper.>`] },
    { name: names.demand, subjects: [`${prefix}.hop.demand.>`] },
    { name: names.moves, subjects: [`${prefix}.moved.>`] },
    {
      name: names.out,
      subjects: OUTPUT_TOKENS.map((token) => `${prefix}.${token}.>`),
      discard: DiscardPolicy.Old,
      max_age: nanos(limits.maxOutAge),
    },
    // Bounded by what is purged; a bound in bytes would stop the checkpoints that purge.
    { name: names.state, subjects: [`${prefix}.state.>`], max_age: 0, max_bytes: -1 },
  ];
  for (const stream of streams) await ensureStream(jsm, { ...base, ...stream });
}

async function ensureStream(jsm: JetStreamManager, config: Partial<StreamConfig>): Promise<void> {
  const name = config.name ?? "";
  try {
    const { config: made } = await jsm.streams.info(name);
    const more = (config.subjects ?? []).filter((subject) => !made.subjects.includes(subject));
    if (more.length > 0) {
      await jsm.streams.update(name, { ...made, subjects: [...made.subjects, ...more] });
    }
  } catch (missing) {
    if (!/stream not found/.test(String(missing))) throw missing;
    try {
      await jsm.streams.add(config);
    } catch (error) {
      if (error instanceof NatsError && error.api_error === undefined) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new Fault(
        "BROKER_UNFIT",
        `the broker does not make stream ${name}: ${why}`,
        { stream: name },
        error,
      );
    }
  }
}

/** A JetStream manager with short requests: a broker that is away for a moment costs a moment. */
export async function manager(nc: NatsConnection, timeout = 3000): Promise<JetStreamManager> {
  try {
    return await nc.jetstreamManager({ timeout, checkAPI: false });
  } catch (error) {
    throw new Fault("BROKER_UNFIT", "the broker has no JetStream", {}, error);
  }
}

/** The last message of a subject; undefined when there is none. */
export const lastOf = (
  jsm: JetStreamManager,
  stream: string,
  subject: string,
): Promise<StoredMsg | undefined> =>
  found(jsm.streams.getMessage(stream, { last_by_subj: subject }));

/** The message of a sequence; undefined when it is gone. */
export const storedAt = (
  jsm: JetStreamManager,
  stream: string,
  seq: number,
): Promise<StoredMsg | undefined> => found(jsm.streams.getMessage(stream, { seq }));

async function found(asked: Promise<StoredMsg>): Promise<StoredMsg | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (/no message found/.test(String(error))) return undefined;
    throw error;
  }
}

/** Forgets everything a job of this prefix has stored. */
export async function deleteStreams(nc: NatsConnection, prefix: string): Promise<void> {
  const names = namesOf(prefix);
  const jsm = await manager(nc);
  const { events, demand, out, state, moves } = names;
  for (const stream of [names.in, events, demand, out, state, moves]) {
    await jsm.streams.delete(stream).catch((error: unknown) => {
      if (!/stream not found/.test(String(error))) throw error;
    });
  }
}
