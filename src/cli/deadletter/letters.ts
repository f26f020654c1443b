import { headers, type NatsConnection } from "nats";
import { namesOf } from "../../nats/streams.ts";
import { BrokerLog } from "../../replay/broker-log.ts";
import { headerOf, type StoredMessage } from "../../replay/stored-message.ts";
import { type EventTime, isoTime } from "../../time/event-time.ts";
import type { Log } from "../../watch/log.ts";

/** A dead letter as it stands on `OUT`. */
export interface DeadLetter {
  readonly id: string;
  /** On `OUT`. */
  readonly seq: number;
  readonly time: EventTime;
  readonly subject: string;
  /** Last token of the subject: why it is one. */
  readonly reason: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** That a dead letter was sent again, as `OUT` remembers it. */
export interface SentAgain {
  /** The letter's id. */
  readonly letter: string;
  /** Of the record of `IN` that was sent. */
  readonly seq: number;
  readonly at: string;
}

export interface LettersOptions {
  readonly prefix: string;
  readonly from?: EventTime | undefined;
  readonly reason?: string | undefined;
  readonly log: Log;
}

const MARKS = "audit.deadletter";

/** The dead letters on `OUT`, and what was done about them. */
export class Letters {
  readonly #nc: NatsConnection;
  readonly #options: LettersOptions;

  constructor(nc: NatsConnection, options: LettersOptions) {
    this.#nc = nc;
    this.#options = options;
  }

  /** Those that are wanted, oldest first. */
  async *read(): AsyncGenerator<DeadLetter> {
    const { from, reason } = this.#options;
    for await (const message of this.#messages("deadletter.>", from)) {
      const letter = letterOf(message);
      if (reason === undefined || letter.reason === reason) yield letter;
    }
  }

  /** By the id of the letter. */
  async sentAgain(): Promise<ReadonlyMap<string, SentAgain>> {
    const marks = new Map<string, SentAgain>();
    for await (const { data } of this.#messages(`${MARKS}.>`, this.#options.from)) {
      const mark = objectOf(data) as unknown as SentAgain;
      marks.set(mark.letter, mark);
    }
    return marks;
  }

  /** Notes on `OUT` that a letter was sent again. */
  async mark(letter: DeadLetter, seq: number): Promise<SentAgain> {
    const at = isoTime(Date.now() as EventTime);
    const mark: SentAgain = { letter: letter.id, seq, at };
    const about = headers();
    about.set("Content-Type", "application/json");
    await this.#nc
      .jetstream()
      .publish(`${this.#options.prefix}.${MARKS}.${letter.id}`, JSON.stringify(mark), {
        headers: about,
        msgID: `replayed-${letter.id}`,
      });
    return mark;
  }

  async *#messages(filter: string, from: EventTime | undefined): AsyncGenerator<StoredMessage> {
    const { prefix, log } = this.#options;
    const stream = namesOf(prefix).out;
    const stored = await BrokerLog.open(this.#nc, { stream, prefix, filter, from, log });
    yield* stored.read();
  }
}

function letterOf(message: StoredMessage): DeadLetter {
  const { seq, subject, time, data } = message;
  const id = headerOf(message, "ce-id") ?? `seq-${seq}`;
  const reason = subject.slice(subject.lastIndexOf(".") + 1);
  return { id, seq, time, subject, reason, data: objectOf(data) };
}

/** Anything may stand on a subject; what is no JSON object is shown as its text. */
function objectOf(data: Uint8Array): Readonly<Record<string, unknown>> {
  const text = Buffer.from(data).toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null)
      return value as Readonly<Record<string, unknown>>;
  } catch {
    // Shown as it is.
  }
  return { text };
}
