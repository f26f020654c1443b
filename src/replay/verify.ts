import { Fault } from "../faults.ts";
import type { JobDefinition } from "../flow/job.ts";
import type { Output } from "../flow/output.ts";
import type { Scoring } from "../score/seam.ts";
import { type EventTime, isoTime } from "../time/event-time.ts";
import { MemoryLog } from "./memory-log.ts";
import {
  differencesOf,
  digestOfOutput,
  type Place,
  Published,
  type PublishedOutput,
  placeOf,
} from "./published.ts";
import {
  CAUSE_HEADER,
  GROUP_HEADER,
  headerOf,
  STORED_HEADER,
  type StoredLog,
  type StoredMessage,
} from "./stored-message.ts";

export interface VerifyOptions {
  readonly definition: JobDefinition;
  readonly scoring: Scoring;
  readonly intake: StoredLog;
  readonly out: StoredLog;
  /** An output whose cause was stored later may still be on its way; by the log it goes to. */
  readonly settled: Readonly<Record<Place, EventTime>>;
  /** Under which names somebody was known whom a record of `IN` makes forgotten; none where it does not. */
  readonly erased?: (message: StoredMessage) => readonly string[];
  /** How many of each kind are shown. */
  readonly examples: number;
}

/** The records of `IN` stored in one second: what they cause is known when all of them are in. */
interface Batch {
  /** Of the first. */
  readonly began: EventTime;
  /** Of the last. */
  readonly seq: number;
  readonly time: EventTime;
}

export type Kind = "missing" | "extra" | "different" | "twice";

export interface Example {
  readonly kind: Kind;
  readonly subject: string;
  readonly id: string;
  /** Where it stands on the broker. */
  readonly at?: { readonly log: Place; readonly seq: number };
  /** The last record of the second of `IN` in which it was caused. */
  readonly cause?: { readonly seq: number; readonly time: string };
  readonly differences?: readonly string[];
  readonly data?: unknown;
}

export interface Verdict {
  /** Nothing missing, extra, different or twice. */
  readonly equal: boolean;
  /** Records of `IN`. */
  readonly records: number;
  /** Outputs that the log makes. */
  readonly expected: number;
  /** Those that were published just so. */
  readonly same: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  readonly twice: number;
  /** Expected, not there yet, and caused so lately that they may be on their way. */
  readonly inFlight: number;
  /** Expected, and caused before the oldest message that is kept. */
  readonly agedOut: number;
  /** Published behind the end of what was read of `IN`: nothing can be said of them. */
  readonly beyond: number;
  /** Records of `IN` that were taken out of it: of people who were erased. */
  readonly erased: number;
  /** Differences that are as they must be for want of those records. */
  readonly unsettled: number;
  /** The last record of `IN` with an output that was found published; 0 without one. */
  readonly reached: number;
  readonly examples: readonly Example[];
}

/** Beginnings of subjects that tools write to `OUT`; the flows do not. */
const NOTES = /^audit\.(erasure|recover|deadletter)(\.|$)/;
/** What counts over many people. */
const OVER_MANY = /^(in\.knowledge|trend|restock|kpi)\./;

/**
 * Replays a stored `IN` in memory and compares what comes out with what was published: the same set
 * of {subject, id, time, data}, byte for byte. Knowledge that demand publishes to `IN` is taken from
 * there, in its place, and compared too. Where people were erased, what counted them too, what tells of them
 * (receipts), and what one of the records that are gone has caused cannot be made again; all else is held to
 * the same. Throws LOG_INCOMPLETE when `IN` has lost its beginning.
 */
export async function verify(options: VerifyOptions): Promise<Verdict> {
  if (options.intake.from !== undefined) {
    const begins = isoTime(options.intake.from);
    throw new Fault("LOG_INCOMPLETE", `what was stored on IN before ${begins} is not there`);
  }
  const audit = new Audit(options);
  await audit.learn();
  await audit.replay();
  return audit.verdict();
}

class Audit {
  readonly #options: VerifyOptions;
  readonly #published = new Published();
  readonly #examples: Example[] = [];
  readonly #counts: Record<Kind, number> = { missing: 0, extra: 0, different: 0, twice: 0 };
  /** Of those who were erased: what is left of a name in whatever spells it. */
  readonly #people = new Set<string>();
  /** Where records are gone: when those before and behind them were stored. */
  readonly #gaps: (readonly [from: EventTime, to: EventTime])[] = [];
  /** What has caused something in the replay. */
  readonly #causes = new Set<string>();
  readonly #different: { readonly expected: Output; readonly found: PublishedOutput }[] = [];
  #batch: Batch = { began: 0 as EventTime, seq: 0, time: 0 as EventTime };
  #records = 0;
  #expected = 0;
  #same = 0;
  #inFlight = 0;
  #agedOut = 0;
  #beyond = 0;
  #reached = 0;
  #erased = 0;
  #unsettled = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  /** What stands on the broker. */
  async learn(): Promise<void> {
    const { intake, out } = this.#options;
    for await (const message of out.read())
      if (!NOTES.test(message.subject)) this.#add(message, "OUT");
    for await (const message of intake.read()) {
      if (headerOf(message, GROUP_HEADER) !== undefined) this.#add(message, "IN");
      for (const name of this.#options.erased?.(message) ?? []) this.#people.add(digitsOf(name));
    }
  }

  #add(message: StoredMessage, log: Place): void {
    const before = this.#published.add(message, log);
    if (before === undefined) return;
    const { subject, seq } = message;
    this.#count({ kind: "twice", subject, id: before.id, at: { log, seq } });
  }

  async replay(): Promise<void> {
    const { definition, scoring, intake } = this.#options;
    const log = new MemoryLog(definition, scoring, {
      frameSize: 128,
      loop: false,
      onOutput: (output) => this.#expect(output),
    });
    for await (const message of intake.read()) {
      const { subject, data, seq, time } = message;
      if (seq > this.#batch.seq + 1) {
        this.#erased += seq - this.#batch.seq - 1;
        this.#gaps.push([this.#batch.time, time]);
      }
      const begins = secondOf(time) > secondOf(this.#batch.time);
      if (begins) await log.settle();
      this.#batch = { began: begins ? time : this.#batch.began, seq, time };
      this.#records += 1;
      const contentType = headerOf(message, "Content-Type");
      const msgId = headerOf(message, "Nats-Msg-Id");
      log.append({ subject, data, seq, time, contentType, msgId });
    }
    await log.settle();
  }

  #expect(output: Output): void {
    this.#expected += 1;
    this.#causes.add(output.cause);
    const found = this.#published.take(output.id);
    if (found === undefined) {
      this.#absent(output);
      return;
    }
    this.#reached = this.#batch.seq;
    if (found.digest === digestOfOutput(output)) this.#same += 1;
    else if (this.#isUnsettled(output)) this.#unsettled += 1;
    else {
      this.#counts.different += 1;
      if (this.#different.length < this.#options.examples)
        this.#different.push({ expected: output, found });
    }
  }

  #absent(output: Output): void {
    const { subject, id, data } = output;
    const { settled, out } = this.#options;
    const place = placeOf(subject);
    const { began, seq, time } = this.#batch;
    if (place === "OUT" && out.from !== undefined && began <= out.from) this.#agedOut += 1;
    else if (time > settled[place]) this.#inFlight += 1;
    else if (this.#isUnsettled(output)) this.#unsettled += 1;
    else this.#count({ kind: "missing", subject, id, cause: { seq, time: isoTime(time) }, data });
  }

  #isUnsettled({ subject, data }: Output): boolean {
    if (this.#erased === 0 || this.#people.size === 0) return false;
    return OVER_MANY.test(subject) || this.#tellsOfErased(JSON.stringify(data));
  }
  #tellsOfErased(text: string): boolean {
    for (const digits of this.#people) if (text.includes(digits)) return true;
    return false;
  }

  /** Ids of what nobody made in the replay, but records that are gone may have caused. */
  async #unsettledAmong(extras: readonly PublishedOutput[]): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    if (this.#erased === 0 || this.#people.size === 0 || extras.length === 0) return found;
    const onOut = new Map<number, string>();
    for (const { place, seq, id } of extras) {
      if (place === "OUT") onOut.set(seq, id);
      else {
        const message = await this.#options.intake.at(seq);
        if (message !== undefined && this.#mayBeOfGone(message)) found.add(id);
      }
    }
    for await (const message of this.#options.out.read()) {
      const id = onOut.get(message.seq);
      if (id !== undefined && this.#mayBeOfGone(message)) found.add(id);
    }
    return found;
  }
  #mayBeOfGone(message: StoredMessage): boolean {
    if (OVER_MANY.test(message.subject)) return true;
    if (this.#tellsOfErased(Buffer.from(message.data).toString("utf8"))) return true;
    const cause = headerOf(message, CAUSE_HEADER);
    if (cause === undefined || this.#causes.has(cause)) return false;
    const stored = Number(headerOf(message, STORED_HEADER) ?? Number.NaN);
    // Who was started anew does not know of every record when it was stored.
    return Number.isNaN(stored) || this.#gaps.some(([from, to]) => stored >= from && stored <= to);
  }

  async verdict(): Promise<Verdict> {
    for (const { expected, found } of this.#different) await this.#show(expected, found);
    const rest = [...this.#published.rest()];
    const unsettled = await this.#unsettledAmong(rest);
    for (const { place, seq, id, subject, time } of rest) {
      if (time > this.#options.intake.until) this.#beyond += 1;
      else if (unsettled.has(id)) this.#unsettled += 1;
      else this.#count({ kind: "extra", subject, id, at: { log: place, seq } });
    }
    return {
      equal: Object.values(this.#counts).every((count) => count === 0),
      records: this.#records,
      expected: this.#expected,
      same: this.#same,
      ...this.#counts,
      inFlight: this.#inFlight,
      agedOut: this.#agedOut,
      beyond: this.#beyond,
      erased: this.#erased,
      unsettled: this.#unsettled,
      reached: this.#reached,
      examples: this.#examples,
    };
  }

  #count(example: Example): void {
    this.#counts[example.kind] += 1;
    if (this.#counts[example.kind] <= this.#options.examples) this.#examples.push(example);
  }

  /** Looks up what was published, to say where it differs. */
  async #show(expected: Output, { place, seq, id }: PublishedOutput): Promise<void> {
    const { intake, out } = this.#options;
    const stored = await (place === "IN" ? intake : out).at(seq);
    this.#examples.push({
      kind: "different",
      subject: expected.subject,
      id,
      at: { log: place, seq },
      differences: differencesOf(stored, expected),
    });
  }
}

/** A pseudonym without what marks it as one. */
const digitsOf = (name: string): string => name.slice(2);

const secondOf = (time: EventTime): number => Math.floor(time / 1000);
