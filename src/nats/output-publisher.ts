import { type MsgHdrs, MsgHdrsImpl } from "nats";
import { Fifo } from "../flow/fifo.ts";
import type { Output } from "../flow/output.ts";
import { isoTime } from "../time/event-time.ts";
import type { AckInbox } from "./ack-inbox.ts";
import type { KnownOutputs } from "./known-outputs.ts";
import { requireOutputSubject } from "./streams.ts";

const IN_FLIGHT = 512;

export interface OutputPublisherOptions {
  readonly prefix: string;
  /** Of `ce-source`: `/freshet/<instance>`. */
  readonly instance: string;
  /** The broker's duplicate window. */
  readonly windowMs: number;
  /** Told once for every output that now stands on the broker. */
  readonly onPublished: (output: Output, storedAt: number | undefined, sentBefore: boolean) => void;
}

interface Pending {
  /** Outputs of the same lane leave one after the other: those of a key of a group. */
  readonly lane: string;
  readonly output: Output;
  readonly group: string;
  /** Broker time of the message that caused it: nobody can have sent it before. */
  readonly causedAt: number;
  /** Broker time of the record of `IN` behind it, where it is known. */
  readonly storedAt: number | undefined;
  readonly batch: Batch;
}

/** What a group published between two checkpoints. */
class Batch {
  #open = 0;
  #whenDone: (() => void) | undefined;

  begin(): this {
    this.#open += 1;
    return this;
  }
  end(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#whenDone?.();
  }
  /** Nothing more begins: resolves when everything that began has ended. */
  closed(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenDone = resolve;
    });
  }
}

/**
 * Publishes outputs exactly once: ids are derived, an id that stands on the broker is left out,
 * one output of a key is in flight at a time, and nothing is sent at a moment when the broker's
 * duplicate window may have closed over an earlier sending without looking first.
 */
export class OutputPublisher {
  readonly #inbox: AckInbox;
  readonly #known: KnownOutputs;
  readonly #options: OutputPublisherOptions;
  readonly #source: string;
  /** The first of each list is in flight or next to be. */
  readonly #lanes = new Map<string, Pending[]>();
  readonly #ready = new Fifo<Pending>();
  readonly #batches = new Map<string, Batch>();
  /** By group: resolves when all earlier batches are done. */
  readonly #earlier = new Map<string, Promise<void>>();
  #inFlight = 0;
  #size = 0;
  #looking = false;
  #onRoom: (() => void)[] = [];

  constructor(inbox: AckInbox, known: KnownOutputs, options: OutputPublisherOptions) {
    this.#inbox = inbox;
    this.#known = known;
    this.#options = options;
    this.#source = `/freshet/${options.instance}`;
  }
  /** Outputs that are not acknowledged yet. */
  get size(): number {
    return this.#size;
  }

  /** Throws SUBJECT_UNKNOWN where no stream would take the output. */
  publish(output: Output, group: string, causedAt: number, storedAt: number | undefined): void {
    requireOutputSubject(output.subject);
    if (this.#known.take(output.id)) {
      this.#options.onPublished(output, storedAt, true);
      return;
    }
    this.#size += 1;
    const batch = this.#batchOf(group).begin();
    const lane = `${group}\n${output.key}`;
    const pending = { lane, output, group, causedAt, storedAt, batch };
    const queue = this.#lanes.get(lane);
    if (queue !== undefined) {
      queue.push(pending);
      return;
    }
    this.#lanes.set(lane, [pending]);
    this.#ready.push(pending);
    this.#pump();
  }

  #batchOf(group: string): Batch {
    let batch = this.#batches.get(group);
    if (batch === undefined) {
      batch = new Batch();
      this.#batches.set(group, batch);
    }
    return batch;
  }

  /** Resolves once everything a group published so far stands on the broker. */
  async settled(group: string): Promise<void> {
    const earlier = this.#earlier.get(group) ?? Promise.resolve();
    const all = Promise.all([earlier, this.#batchOf(group).closed()]).then(() => undefined);
    this.#batches.delete(group);
    this.#earlier.set(group, all);
    await all;
  }

  /** Resolves once fewer than `size` outputs are unacknowledged. */
  async below(size: number): Promise<void> {
    while (this.#size >= size) await new Promise<void>((resolve) => this.#onRoom.push(resolve));
  }

  #pump(): void {
    while (this.#inFlight < IN_FLIGHT) {
      const pending = this.#ready.peek();
      if (pending === undefined) return;
      if (!this.#fresh(pending)) {
        this.#look();
        return;
      }
      this.#ready.take();
      this.#inFlight += 1;
      if (this.#known.take(pending.output.id)) this.#done(pending, true);
      else this.#send(pending);
    }
  }

  /** Whether the duplicate window still covers whatever an earlier owner may have sent. */
  #fresh(pending: Pending): boolean {
    const since = Math.max(pending.causedAt, this.#known.readAt);
    return Date.now() < since + this.#options.windowMs / 2;
  }

  /** Reads on what stands on the broker, then goes on sending. */
  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#known
      .refresh()
      .catch(() => new Promise((resolve) => setTimeout(resolve, 200)))
      .finally(() => {
        this.#looking = false;
        this.#pump();
      });
  }

  #send(pending: Pending): void {
    const { output } = pending;
    this.#inbox.send({
      subject: `${this.#options.prefix}.${output.subject}`,
      payload: Buffer.from(JSON.stringify(output.data)),
      headers: this.#headers(pending),
      beforeSend: () => {
        if (this.#known.take(output.id)) return "stands";
        if (this.#fresh(pending)) return "send";
        this.#look();
        return "hold";
      },
      onAck: () => this.#done(pending, false),
    });
  }

  /** Made at once: the client looks up and checks what is set one by one, field by field. */
  #headers({ output, group, storedAt }: Pending): MsgHdrs {
    const { subject, id, time, cause } = output;
    return MsgHdrsImpl.fromRecord({
      "Nats-Msg-Id": [id],
      "Content-Type": ["application/json"],
      "ce-specversion": ["1.0"],
      "ce-id": [id],
      "ce-type": [`freshet.${subject.split(".", 2).join(".")}.v1`],
      "ce-source": [this.#source],
      "ce-time": [isoTime(time)],
      // The one value that may hold what a line of headers must not: part of it is a key.
      "ce-causationid": [MsgHdrsImpl.validHeaderValue(cause)],
      "freshet-group": [group],
      ...(storedAt === undefined ? undefined : { "freshet-stored": [String(storedAt)] }),
    });
  }

  #done(pending: Pending, sentBefore: boolean): void {
    const queue = this.#lanes.get(pending.lane) ?? [];
    queue.shift();
    const next = queue[0];
    if (next === undefined) this.#lanes.delete(pending.lane);
    else this.#ready.push(next);
    this.#inFlight -= 1;
    this.#size -= 1;
    pending.batch.end();
    this.#options.onPublished(pending.output, pending.storedAt, sentBefore);
    this.#pump();
    const waiting = this.#onRoom;
    this.#onRoom = [];
    for (const resolve of waiting) resolve();
  }
}
