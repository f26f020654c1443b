import {
  encodeFacts,
  FACT,
  JOINS,
  KEYED,
  LEAVES,
  LINK,
  type LogRecord,
  MEETS,
  TIME,
} from "../codec/frame.ts";
import { hash128 } from "../codec/hash.ts";
import { type Part, smallPart } from "../state/part.ts";
import type { EventTime, Millis } from "../time/event-time.ts";
import type { GroupSink } from "./flow-group.ts";
import { keyGroup } from "./key-group.ts";
import type { Message } from "./operator.ts";
import type { OperatorVersion } from "./operator-versions.ts";

/** One message of `IN`, as the broker stored it. */
export interface IntakeMessage {
  /** Without the prefix; begins with `in.`. */
  readonly subject: string;
  readonly data: Uint8Array;
  readonly contentType: string | undefined;
  readonly seq: number;
  /** When the broker stored it. */
  readonly time: EventTime;
  readonly msgId: string | undefined;
}

/** What the first flow makes of a message. */
export interface IntakeSink {
  event(record: { key: string; id: string; at: EventTime; payload: unknown }): void;
  fact(kind: string, key: string, value: unknown): void;
  /** From here on `from` is `to`: what was known of the one joins what is known of the other. */
  link(record: { from: string; to: string; id: string; at: EventTime }): void;
  /** Broker time entered a new second. */
  time(second: EventTime): void;
  publish(message: Message, cause: string): void;
}

/** The first flow: the only one that is not keyed. It never throws for what a message holds. */
export interface Intake {
  handle(message: IntakeMessage, sink: IntakeSink): void;
  /** Broker time has come to `time` without a message; what waits for a second up to `watermark` has its turn. */
  pass(time: EventTime, watermark: EventTime, sink: IntakeSink): void;
  /** What it remembers, to be written between two messages. From the first call on changes are followed. */
  parts(): readonly Part[];
}

/** Entries of one record of facts. */
const FACTS_A_RECORD = 256;

/** Runs the first flow: gives its records their positions and sends them to their groups. */
export class IntakeGroup {
  readonly #intake: Intake;
  readonly #sink: GroupSink;
  readonly #keyed: readonly string[];
  readonly #everyone: readonly string[];
  readonly #merging: readonly string[];
  readonly #to: IntakeSink;
  #seq = 0;
  #records = 0;
  #factKind = "";
  #facts: [string, unknown][] = [];
  #parts = 0;
  #outputs = 0;
  #second = 0 as EventTime;

  /**
   * `keyed` flows get events by key, facts and time; `merging` flows get facts, and time as the
   * watermark of facts.
   */
  constructor(
    intake: Intake,
    flows: { keyed: { flow: string; groups: number }; merging: { flow: string; groups: number } },
    sink: GroupSink,
  ) {
    this.#intake = intake;
    this.#sink = sink;
    this.#keyed = targets(flows.keyed);
    this.#merging = targets(flows.merging);
    this.#everyone = [...this.#keyed, ...this.#merging];
    this.#to = {
      event: ({ key, id, at, payload }) => {
        this.#flushFacts();
        const target = this.#keyed[keyGroup(key, this.#keyed.length)] as string;
        this.#send(target, [KEYED, this.#seq, this.#records++, at, key, id, payload]);
      },
      fact: (kind, key, value) => this.#fact(kind, key, value),
      link: (record) => this.#link(record),
      time: (second) => this.#time(second),
      publish: (message, cause) => this.#publish(message, cause),
    };
  }

  get name(): string {
    return "collect-0";
  }
  /** The first flow has no operators. */
  get operators(): readonly OperatorVersion[] {
    return [];
  }
  parts(): readonly Part[] {
    const rest = smallPart(
      "group",
      () => this.#second,
      (data) => {
        this.#second = data as EventTime;
      },
    );
    return [...this.#intake.parts(), rest];
  }

  /** The latest second of broker time, 0 before the first. */
  get second(): EventTime {
    return this.#second;
  }

  handle(message: IntakeMessage): void {
    this.#seq = message.seq;
    this.#records = 0;
    this.#outputs = 0;
    this.#parts = 0;
    this.#intake.handle(message, this.#to);
    this.#flushFacts();
  }

  /** `from` leaves first: the positions of the two halves follow each other. */
  #link({ from, to, id, at }: { from: string; to: string; id: string; at: EventTime }): void {
    this.#flushFacts();
    const halfTo = (key: string, half: typeof LEAVES | typeof JOINS | typeof MEETS): void => {
      const target = this.#keyed[keyGroup(key, this.#keyed.length)] as string;
      this.#send(target, [LINK, this.#seq, this.#records++, at, from, to, id, half]);
    };
    const groups = this.#keyed.length;
    if (keyGroup(from, groups) === keyGroup(to, groups)) halfTo(to, MEETS);
    else {
      halfTo(from, LEAVES);
      halfTo(to, JOINS);
    }
  }

  /** Facts that follow each other travel together: a body of knowledge is one record a group. */
  #fact(kind: string, key: string, value: unknown): void {
    if (kind !== this.#factKind || this.#facts.length >= FACTS_A_RECORD) this.#flushFacts();
    this.#factKind = kind;
    this.#facts.push([key, value]);
  }
  #flushFacts(): void {
    if (this.#facts.length === 0) return;
    const entries = encodeFacts(this.#facts);
    this.#facts = [];
    const part = this.#parts++;
    for (const target of this.#everyone) {
      const n = this.#records++;
      this.#send(target, [FACT, this.#seq, n, this.#second, this.#factKind, part, entries]);
    }
  }

  /**
   * Brings the watermark of every group to `watermark` behind the last message, as if broker time
   * had passed: for a replay that is to run on after its file has ended.
   */
  advance(seq: number, watermark: EventTime, disorder: Millis): void {
    this.#seq = seq;
    this.#records = 0;
    const time = watermark + disorder + 1;
    this.#outputs = 0;
    this.#parts = 0;
    this.#intake.pass(time as EventTime, watermark, this.#to);
    this.#flushFacts();
    this.#second = watermark;
    for (const target of this.#keyed) this.#send(target, [TIME, seq, this.#records++, time]);
    for (const target of this.#merging) this.#send(target, [TIME, seq, this.#records++, watermark]);
  }

  #time(second: EventTime): void {
    this.#flushFacts();
    this.#second = second;
    for (const target of this.#keyed)
      this.#send(target, [TIME, this.#seq, this.#records++, second]);
    // Facts of this second carry its beginning, so they come behind this watermark.
    for (const target of this.#merging) {
      this.#send(target, [TIME, this.#seq, this.#records++, second - 1]);
    }
  }
  #publish(message: Message, cause: string): void {
    const k = this.#outputs++;
    this.#sink.output(
      {
        subject: message.subject,
        id: hash128(`collect\n\n${cause}\n${k}`),
        time: message.time ?? this.#second,
        data: message.data,
        key: "",
        cause,
      },
      [this.#seq, this.#records],
    );
  }
  #send(target: string, record: LogRecord): void {
    this.#sink.hop(target, record);
  }
}

const targets = ({ flow, groups }: { flow: string; groups: number }): readonly string[] =>
  Array.from({ length: groups }, (_, group) => `${flow}-${group}`);
