import type { NatsConnection } from "nats";
import type { Log } from "../watch/log.ts";
import { StreamReader } from "./reader.ts";
import { manager } from "./streams.ts";

const PASSES = 4;

/** A place where outputs may stand already. */
export interface OutputPlace {
  readonly stream: string;
  /** Messages may be missing between the others: people are erased. */
  readonly filter: string;
}

/**
 * The ids of outputs that stand on the broker already. Read from the beginning of what can be made
 * again, and on to the end whenever the broker's own duplicate window may have closed.
 */
export class KnownOutputs {
  readonly #nc: NatsConnection;
  readonly #places: readonly OutputPlace[];
  readonly #log: Log;
  readonly #read = new Map<string, { seq: number; time: number }>();
  /** The end a stream had when it was last read: while it has it still, there is nothing to read. */
  readonly #ends = new Map<string, number>();
  readonly #ids = new Set<string>();
  #readAt = 0;
  #since = 0;
  #reading: Promise<void> | undefined;

  constructor(nc: NatsConnection, places: readonly OutputPlace[], log: Log) {
    this.#nc = nc;
    this.#places = places;
    this.#log = log;
  }
  /** Wall time when the places were last read to their ends. */
  get readAt(): number {
    return this.#readAt;
  }
  get size(): number {
    return this.#ids.size;
  }
  /** True once for an id that stands there; nothing is made twice, so it can be forgotten. */
  take(id: string): boolean {
    // Mostly nothing is known, and three of each output ask: its hash is not worth it.
    return this.#ids.size > 0 && this.#ids.delete(id);
  }
  /** Call it when everything that could be made again has been: no id is needed any more. */
  clear(): void {
    this.#ids.clear();
  }

  /** Nothing that was stored before this wall time can be made again; call it before the first reading. */
  startAt(since: number): void {
    this.#since = since;
  }

  /** Reads on to the present end. One reading at a time; those who ask meanwhile share it. */
  refresh(): Promise<void> {
    this.#reading ??= this.#refresh().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Again when something was read: on a busy machine the beginning of a long reading is long ago. */
  async #refresh(): Promise<void> {
    for (let pass = 0; pass < PASSES; pass += 1) {
      const began = Date.now();
      const grown = await Promise.all(this.#places.map((place) => this.#readOn(place)));
      this.#readAt = began;
      if (!grown.includes(true)) return;
    }
  }

  /** True when the place had grown since it was last read. */
  async #readOn({ stream, filter }: OutputPlace): Promise<boolean> {
    const place = `${stream} ${filter}`;
    const jsm = await manager(this.#nc);
    const { state } = await jsm.streams.info(stream);
    if (state.last_seq === this.#ends.get(place)) return false;
    const read = this.#read.get(place);
    const reader = new StreamReader(this.#nc, {
      stream,
      filter,
      ...(read === undefined ? { since: this.#since } : { after: read }),
      // What has aged out since can no longer be found, nor need it be: the log behind it is gone too.
      forgetful: true,
      toEnd: true,
      headersOnly: true,
      log: this.#log,
    });
    for await (const message of reader.messages()) {
      const id = message.headers?.get("Nats-Msg-Id");
      if (id !== undefined && id !== "") this.#ids.add(id);
      this.#read.set(place, reader.position);
    }
    this.#ends.set(place, state.last_seq);
    return true;
  }
}
