import type { ShopJob } from "../../operators/job.ts";
import { scoringFunctions } from "../../operators/scoring.ts";
import { MemoryLog } from "../../src/replay/memory-log.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import type { SimBroker, StoredMessage } from "./broker.ts";
import { type Account, probesSay, type SegmentMessage, segmentFaults } from "./oracle.ts";
import { PREFIX } from "./sim-engine.ts";

/** A message of `IN` as a reader gets it. */
export interface TakenIn {
  /** Without the prefix. */
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  /** Whole milliseconds. */
  readonly time: number;
  readonly contentType: string | undefined;
  readonly msgId: string | undefined;
  /** Whether an engine has put it there. */
  readonly own: boolean;
}

/** `subject id time data`: what makes two outputs the same. */
type Told = string;

/** All that was ever stored, what was erased since as well. */
function stored(broker: SimBroker, name: string): readonly StoredMessage[] {
  const stream = `${PREFIX.toUpperCase()}_${name}`;
  return broker.has(stream) ? broker.stream(stream).ever : [];
}

const bare = (subject: string): string => subject.slice(PREFIX.length + 1);
const text = (data: Uint8Array): string => Buffer.from(data).toString();

export function takenIn(broker: SimBroker): TakenIn[] {
  return stored(broker, "IN").map(({ subject, data, seq, time, headers }) => ({
    subject: bare(subject),
    data,
    seq,
    time: Math.floor((Math.round(time * 1000) * 1000) / 1_000_000),
    contentType: headers?.get("Content-Type") || undefined,
    msgId: headers?.get("Nats-Msg-Id") || undefined,
    own: (headers?.get("ce-id") ?? "") !== "",
  }));
}

/** What flows have published: all of `OUT` but notes of what was erased, and what they put back on `IN`. */
export function published(broker: SimBroker): Told[] {
  const out = stored(broker, "OUT").filter(
    ({ subject }) => !bare(subject).startsWith("audit.erasure."),
  );
  const own = stored(broker, "IN").filter(({ headers }) => (headers?.get("ce-id") ?? "") !== "");
  return [...out, ...own].map(({ subject, data, headers }) => {
    const id = headers?.get("ce-id");
    if (id !== headers?.get("Nats-Msg-Id")) throw new Error(`two ids on a message of ${subject}`);
    return `${bare(subject)} ${id} ${headers?.get("ce-time")} ${text(data)}`;
  });
}

/** What a job says to the stored `IN` when nothing ever goes wrong. */
export async function straight(job: ShopJob, intake: readonly TakenIn[]): Promise<Told[]> {
  const told: Told[] = [];
  const log = new MemoryLog(job, new InlineScoring(scoringFunctions), {
    frameSize: 128,
    loop: false,
    onOutput: ({ subject, id, time, data }) => {
      told.push(`${subject} ${id} ${isoTime(time)} ${JSON.stringify(data)}`);
    },
  });
  let second = 0;
  for (const { own: _own, ...message } of intake) {
    if (message.seq !== log.nextSeq) throw new Error(`IN has ${message.seq}, not ${log.nextSeq}`);
    if (Math.floor(message.time / 1000) > second) await log.settle();
    second = Math.floor(message.time / 1000);
    log.append({ ...message, time: message.time as EventTime });
  }
  await log.settle();
  return told;
}

/** The outputs of one person, the first sending of each, are in the order of their causes. */
export function orderFaults(got: readonly Told[], wanted: readonly Told[]): string[] {
  const before = new Map<string, number>();
  const places = new Map(wanted.map((line, place) => [line, place]));
  for (const line of got) {
    // What collect says of identities waits for nothing that the shopper flow has to say.
    if (/^(identity|in)\./.test(line)) continue;
    const person = /"person":"(p_[0-9a-f]+)"/.exec(line)?.[1];
    const place = places.get(line);
    if (person === undefined || place === undefined) continue;
    if (place < (before.get(person) ?? -1)) return [`out of order: ${line}`];
    before.set(person, place);
  }
  return [];
}

/** What the oracle has to say against what was published, worked out from the log alone. */
export function oracleFaults(job: ShopJob, broker: SimBroker, account: Account): string[] {
  const said: string[] = [];
  const segments: SegmentMessage[] = [];
  for (const { subject, data, headers } of stored(broker, "OUT")) {
    const name = bare(subject);
    if (name.startsWith("kpi.probe_")) said.push(`${name} ${text(data)}`);
    else if (name.startsWith("segment.")) {
      segments.push(segmentMessage(headers?.get("ce-id") ?? "", name, JSON.parse(text(data))));
    }
  }
  const judges = job.shopper.nodes.some(({ operator }) => operator.name === "segment");
  return [...unlike(said, probesSay(account)), ...(judges ? segmentFaults(account, segments) : [])];
}

function segmentMessage(
  id: string,
  subject: string,
  data: {
    readonly segment: string;
    readonly person: string;
    readonly at: string;
    readonly evidence: readonly { readonly id: string }[];
    readonly supersedes?: string;
  },
): SegmentMessage {
  const { segment, person, evidence, supersedes } = data;
  const member = subject.endsWith(".entered");
  const at = Date.parse(data.at);
  return { id, segment, person, member, at, evidence: evidence[0]?.id, supersedes };
}

/** The books of a job that has read the whole log: every input in its column, once. */
export function bookFaults({ intake: { counts } }: ShopJob, account: Account): string[] {
  const faults: string[] = [];
  const compare = (what: string, got: number, wanted: number) => {
    if (got !== wanted) faults.push(`the books say ${got} ${what}, the log ${wanted}`);
  };
  compare("taken in", counts.in, account.in);
  compare("in some column", columnsOf(counts), account.in);
  compare(
    "events applied",
    counts.events,
    account.acts + account.visits.size + account.feedback + account.consents,
  );
  compare("withheld", counts.withheld, account.withheld);
  compare("late", counts.late, account.late);
  compare("dead-lettered", counts.deadLettered, account.deadLettered);
  compare("duplicates of events", counts.duplicate - counts.stale, account.duplicate);
  return faults;
}

/** in = applied + duplicate + late + withheld + flagged + dead-lettered, at any moment between two messages. */
export const columnsOf = (counts: ShopJob["intake"]["counts"]): number =>
  counts.applied +
  counts.duplicate +
  counts.late +
  counts.withheld +
  counts.flagged +
  counts.deadLettered;

/** Compares two lists in no particular order, counting. */
function unlike(got: readonly string[], wanted: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of wanted) left.set(line, (left.get(line) ?? 0) + 1);
  for (const line of got) left.set(line, (left.get(line) ?? 0) - 1);
  return [...left]
    .filter(([, count]) => count !== 0)
    .map(([line, count]) => `${count > 0 ? "the oracle misses" : "the oracle knows no"} ${line}`)
    .slice(0, SHOWN);
}

const SHOWN = 3;

/** Nothing twice, nothing missing, nothing else: as a set, and byte for byte. */
export function differences(got: readonly Told[], wanted: readonly Told[]): string[] {
  const found: string[] = [];
  const ids = new Set<string>();
  for (const line of got) {
    const id = line.split(" ", 2)[1] ?? "";
    if (ids.has(id)) found.push(`twice: ${line}`);
    ids.add(id);
  }
  const had = new Set(got);
  const want = new Set(wanted);
  const missing = wanted.filter((line) => !had.has(line));
  const wrong = got.filter((line) => !want.has(line));
  for (const line of missing.slice(0, SHOWN)) found.push(`missing: ${line}`);
  for (const line of wrong.slice(0, SHOWN)) found.push(`wrong: ${line}`);
  return found;
}
