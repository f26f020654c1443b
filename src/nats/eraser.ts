import { headers, type JetStreamManager, type NatsConnection } from "nats";
import { KEYED, LINK, type LogRecord } from "../codec/frame.ts";
import type { Log } from "../watch/log.ts";
import { StreamReader } from "./reader.ts";
import { readFrame } from "./stored-frame.ts";
import { lastOf, manager, type Names } from "./streams.ts";

/** A record of `IN` that makes a person forgotten. */
export interface Erasure {
  readonly person: string;
  /** Pseudonyms of those who turned out to be the person. */
  readonly names: readonly string[];
  readonly hashes: readonly string[];
}

/** What an eraser must know of the engine it works for. */
export interface EraserOptions {
  readonly nc: NatsConnection;
  readonly names: Names;
  readonly log: Log;
  /** Subjects of the records that ask for it begin with it, without the prefix. */
  readonly subject: string;
  read(record: Uint8Array): Erasure | undefined;
  /** Whether a message of `IN` is about any of these people. */
  concerns(message: { subject: string; data: Uint8Array }, whom: ReadonlySet<string>): boolean;
  /** The groups of a flow, or `collect`, have checkpoints behind this sequence of their log. */
  passed(flow: "collect" | "events" | "demand", seq: number): boolean;
  /** Makes every group write all that it remembers anew. */
  rewrite(): void;
  /** Every group has written two checkpoints since `rewrite`: older ones are gone. */
  rewritten(): boolean;
}

interface Pending extends Erasure {
  readonly id: string;
  readonly seq: number;
}

/** Messages that were overwritten, by log. */
interface Erased {
  in: number;
  events: number;
  demand: number;
  out: number;
  moves: number;
}

/**
 * Takes people who were erased out of what is stored: once no checkpoint and no restart needs it any
 * more, every message of the logs that is about them is overwritten on the broker's disk. What was
 * done is noted on `OUT`, so that a restart begins anew what is not.
 */
export class Eraser {
  readonly #options: EraserOptions;
  #working = false;
  #stopped = false;
  #needed = 0;

  constructor(options: EraserOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Messages of `IN` from this sequence on may still ask for something: they must not be forgotten. */
  get needed(): number {
    return this.#needed;
  }

  /** Looks for records that ask for it, and does what they ask; one look at a time. */
  async look(): Promise<void> {
    if (this.#working || this.#stopped) return;
    this.#working = true;
    try {
      const pending = await this.#pending();
      if (pending.length > 0) await this.#erase(pending);
    } finally {
      this.#working = false;
    }
  }

  async #pending(): Promise<Pending[]> {
    const { nc, names, subject, read } = this.#options;
    const jsm = await manager(nc);
    const filter = names.subject(`${subject}>`);
    const pending: Pending[] = [];
    const { state } = await jsm.streams.info(names.in, { subjects_filter: filter });
    if (Object.keys(state.subjects ?? {}).length > 0) {
      for await (const message of this.#read(names.in, filter)) {
        const id = message.subject.slice(filter.length - 1);
        const erasure = read(message.data);
        if (erasure === undefined) continue;
        const done = await lastOf(jsm, names.out, names.subject(`audit.erasure.${id}`));
        if (done === undefined) pending.push({ ...erasure, id, seq: message.info.streamSequence });
      }
    }
    this.#needed = pending[0]?.seq ?? state.last_seq + 1;
    return pending;
  }

  async #erase(pending: readonly Pending[]): Promise<void> {
    const { nc, names, passed, rewrite, rewritten, log } = this.#options;
    const jsm = await manager(nc);
    const end = async (stream: string) => (await jsm.streams.info(stream)).state.last_seq;
    const last = Math.max(...pending.map(({ seq }) => seq));
    // What a record causes stands on the next log once the checkpoint behind the record does.
    if (!(await this.#until(() => passed("collect", last)))) return;
    const events = await end(names.events);
    const moves = await end(names.moves);
    if (!(await this.#until(() => passed("events", events)))) return;
    const demand = await end(names.demand);
    if (!(await this.#until(() => passed("demand", demand)))) return;
    rewrite();
    if (!(await this.#until(rewritten))) return;
    const erased: Erased = { in: 0, events: 0, demand: 0, out: 0, moves: 0 };
    const people = new Set(pending.flatMap(({ person, names: others }) => [person, ...others]));
    await this.#eraseIn(jsm, pending, last, erased);
    erased.events = await this.#eraseFrames(jsm, names.events, events, (record) =>
      isAbout(record, people),
    );
    erased.demand = await this.#eraseFrames(jsm, names.demand, demand, (record) =>
      isCausedBy(record, people),
    );
    await this.#eraseMoves(jsm, moves, erased);
    await this.#eraseOut(jsm, people, erased);
    for (const { id, person } of pending)
      await this.#note(id, { person, together: pending.length, ...erased });
    log.info({ people: pending.length, ...erased }, "people were erased from the logs");
  }

  async #eraseIn(
    jsm: JetStreamManager,
    pending: readonly Pending[],
    last: number,
    erased: Erased,
  ): Promise<void> {
    const { names, concerns, subject } = this.#options;
    const whom = new Set(
      pending.flatMap(({ hashes, person, names: others }) => [...hashes, person, ...others]),
    );
    const cut = names.subject("").length;
    for await (const { subject: full, data, info } of this.#read(names.in, names.subject("in.>"))) {
      if (info.streamSequence >= last) break;
      const message = { subject: full.slice(cut), data };
      if (message.subject.startsWith(subject) || !concerns(message, whom)) continue;
      await jsm.streams.deleteMessage(names.in, info.streamSequence, true);
      erased.in += 1;
    }
  }

  /** A frame of a group holds records of many: all of it goes, as every group has read it. */
  async #eraseFrames(
    jsm: JetStreamManager,
    stream: string,
    upTo: number,
    concerns: (record: LogRecord) => boolean,
  ): Promise<number> {
    const { names } = this.#options;
    const found: number[] = [];
    const lastBySubject = new Map<string, number>();
    for await (const { subject, data, info } of this.#read(stream, names.subject("hop.>"))) {
      lastBySubject.set(subject, info.streamSequence);
      if (info.streamSequence > upTo) break;
      const { streamSequence: seq } = info;
      const { records } = readFrame({ stream, subject, seq, data });
      if (records.some(concerns)) found.push(seq);
    }
    // The last of a subject says where its publisher goes on.
    const tails = new Set(lastBySubject.values());
    const gone = found.filter((seq) => !tails.has(seq));
    for (const seq of gone) await jsm.streams.deleteMessage(stream, seq, true);
    return gone.length;
  }

  /** Every group is past the links whose halves these were: nobody asks for any of them again. */
  async #eraseMoves(jsm: JetStreamManager, upTo: number, erased: Erased): Promise<void> {
    const { names } = this.#options;
    for await (const { info } of this.#read(names.moves, names.subject("moved.>"))) {
      if (info.streamSequence > upTo) break;
      await jsm.streams.deleteMessage(names.moves, info.streamSequence, true);
      erased.moves += 1;
    }
  }

  /** Receipts, and the word to everybody else to erase the person too, stay until they age out. */
  async #eraseOut(
    jsm: JetStreamManager,
    people: ReadonlySet<string>,
    erased: Erased,
  ): Promise<void> {
    const { names } = this.#options;
    const digits = [...people].map((person) => person.slice(2));
    for await (const { subject, data, info } of this.#read(names.out, names.subject(">"))) {
      if (subject.startsWith(names.subject("privacy."))) continue;
      if (subject.startsWith(names.subject("audit."))) continue;
      const text = Buffer.from(data).toString("utf8");
      if (!digits.some((person) => text.includes(person))) continue;
      await jsm.streams.deleteMessage(names.out, info.streamSequence, true);
      erased.out += 1;
    }
  }

  async #note(id: string, what: Readonly<Record<string, unknown>>): Promise<void> {
    const { nc, names } = this.#options;
    const about = headers();
    about.set("Nats-Msg-Id", `erasure-${id}`);
    const body = JSON.stringify(what);
    await nc.jetstream().publish(names.subject(`audit.erasure.${id}`), body, { headers: about });
  }

  #read(stream: string, filter: string) {
    const { nc, log } = this.#options;
    return new StreamReader(nc, { stream, filter, since: 0, toEnd: true, log }).messages();
  }

  /** False when the engine stops meanwhile: the next one begins anew. */
  async #until(isSo: () => boolean): Promise<boolean> {
    while (!isSo()) {
      if (this.#stopped) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return !this.#stopped;
  }
}

/** A fact's place of the key holds its kind, which is nobody's name. */
const isAbout = (record: LogRecord, people: ReadonlySet<string>): boolean =>
  (typeof record[4] === "string" && people.has(record[4])) ||
  (record[0] === LINK && people.has(record[5]));

/** What counts for the shop has no name but in what caused it: a timer's cause names its key. */
const isCausedBy = (record: LogRecord, people: ReadonlySet<string>): boolean =>
  record[0] === KEYED && record[5].split("/").some((part) => people.has(part));

const POLL_MS = 250;
