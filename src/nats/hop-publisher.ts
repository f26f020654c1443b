import { headers } from "nats";
import { comparePositions, encodeFrame, type LogRecord } from "../codec/frame.ts";
import { START } from "../flow/seen-positions.ts";
import type { AckInbox } from "./ack-inbox.ts";
import type { Slots } from "./slots.ts";

type Position = readonly [seq: number, n: number];

const RECORDS_A_FRAME = 128;
const FRAME_BYTES = 900_000;

/**
 * The records of one source for one target, in frames: one in flight, cut by what gathered while
 * the last one was, never cut again. Publishers share the slots for frames in flight: where there is
 * more to send than the broker acknowledges, frames become longer, not more. Records up to the tail
 * an earlier owner left are dropped.
 */
export class HopPublisher {
  readonly #inbox: AckInbox;
  readonly #slots: Slots;
  readonly #subject: string;
  readonly #source: string;
  readonly #name: string;
  #queue: LogRecord[] = [];
  #previous: Position;
  #inFlight = false;
  /** Waits for a slot. */
  #waitsForSlot = false;
  #begun = false;
  #scheduled = false;
  /** Position of the last record that was acknowledged. */
  #stored: Position;
  /** Records that may only leave behind those of another publisher, in order. */
  readonly #held: {
    readonly record: LogRecord;
    readonly behind: HopPublisher;
    readonly upTo: Position;
  }[] = [];
  /** The first record of the queue waits for another publisher. */
  #holding = false;
  #waiting: { readonly below: number; readonly resolve: () => void }[] = [];
  /** In the order of their positions. */
  readonly #settling: { readonly upTo: Position; readonly resolve: () => void }[] = [];

  /** `tail`: position of the last record of this source that the stream holds already. */
  constructor(
    { inbox, slots }: { inbox: AckInbox; slots: Slots },
    of: {
      subject: string;
      source: string;
      target: string;
      tail?: Position | undefined;
    },
  ) {
    this.#inbox = inbox;
    this.#slots = slots;
    this.#subject = of.subject;
    this.#source = of.source;
    this.#name = `${of.source}>${of.target}`;
    this.#previous = of.tail ?? START;
    this.#stored = this.#previous;
  }
  /** Position of the last record that stands on the target's log. */
  get tail(): Position {
    return this.#stored;
  }
  get queued(): number {
    return this.#queue.length;
  }
  get idle(): boolean {
    return !this.#inFlight && this.#queue.length === 0;
  }
  /** Calls back once fewer than `below` records wait. */
  whenBelow(below: number, resolve: () => void): void {
    this.#waiting.push({ below, resolve });
  }

  /** Resolves once what was pushed so far stands on the target's log. */
  settled(): Promise<void> {
    return this.#reached(this.#last);
  }
  #reached(upTo: Position): Promise<void> {
    return new Promise((resolve) => {
      const later = this.#settling.findIndex((one) => comparePositions(one.upTo, upTo) > 0);
      this.#settling.splice(later < 0 ? this.#settling.length : later, 0, { upTo, resolve });
      this.#settle();
    });
  }
  /** Position of the last record that was pushed. */
  get #last(): Position {
    const last = this.#queue.at(-1);
    return last === undefined ? this.#previous : [last[1], last[2]];
  }
  #settle(): void {
    for (;;) {
      const first = this.#settling[0];
      if (first === undefined || comparePositions(first.upTo, this.#stored) > 0) return;
      this.#settling.shift();
      first.resolve();
    }
  }

  /**
   * `behind`: the record is to stand on the log only after all that was pushed there so far, so
   * that who reads in order comes to those first.
   */
  push(record: LogRecord, behind?: HopPublisher): void {
    // Before anything was cut, `previous` is the tail: what an earlier run has sent already.
    if (!this.#begun && comparePositions([record[1], record[2]], this.#previous) <= 0) return;
    this.#queue.push(record);
    if (behind !== undefined) this.#held.push({ record, behind, upTo: behind.#last });
    if (this.#inFlight || this.#scheduled) return;
    this.#scheduled = true;
    // So that a frame is worth sending.
    this.#inbox.atEndOfTurn(() => {
      this.#scheduled = false;
      this.#cut();
    });
  }

  #cut(): void {
    if (this.#inFlight || this.#waitsForSlot || this.#queue.length === 0) return;
    if (this.#free() === 0) return;
    this.#waitsForSlot = true;
    this.#slots.take(() => {
      this.#waitsForSlot = false;
      this.#sendFrame();
    });
  }
  #sendFrame(): void {
    // What was free stays so.
    let count = Math.min(RECORDS_A_FRAME, this.#free());
    let records = this.#queue.slice(0, count);
    let payload = this.#encode(records);
    while (payload.length > FRAME_BYTES && count > 1) {
      count = Math.ceil(count / 2);
      records = this.#queue.slice(0, count);
      payload = this.#encode(records);
    }
    this.#queue = this.#queue.slice(count);
    const first = records[0] as LogRecord;
    const last = records[count - 1] as LogRecord;
    const id = headers();
    id.set("Nats-Msg-Id", `${this.#name}:${first[1]}.${first[2]}-${last[1]}.${last[2]}`);
    this.#inFlight = true;
    this.#begun = true;
    this.#previous = [last[1], last[2]];
    this.#inbox.send({
      subject: this.#subject,
      payload,
      headers: id,
      onAck: () => {
        this.#inFlight = false;
        this.#stored = [last[1], last[2]];
        this.#slots.give();
        this.#cut();
        this.#wake();
        this.#settle();
      },
    });
  }
  /** How many records may leave; when none may, it is tried again once the first may. */
  #free(): number {
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      const { record, behind, upTo } = first;
      if (comparePositions(upTo, behind.#stored) > 0) {
        const place = this.#queue.indexOf(record);
        if (place === 0 && !this.#holding) {
          this.#holding = true;
          void behind.#reached(upTo).then(() => {
            this.#holding = false;
            this.#cut();
          });
        }
        return place;
      }
      this.#held.shift();
    }
    return this.#queue.length;
  }
  #wake(): void {
    if (this.#waiting.length === 0) return;
    const still = this.#waiting.filter(({ below }) => this.#queue.length >= below);
    const ready = this.#waiting.filter(({ below }) => this.#queue.length < below);
    this.#waiting = still;
    for (const { resolve } of ready) resolve();
  }
  #encode(records: readonly LogRecord[]): Uint8Array {
    return encodeFrame({ source: this.#source, previous: this.#previous, records });
  }
}
