import { headers, type NatsConnection } from "nats";
import type { CheckpointStore } from "../state/checkpointer.ts";
import { decodeMarker, type Marker } from "../state/marker.ts";
import type { Log } from "../watch/log.ts";
import type { AckInbox } from "./ack-inbox.ts";
import { StreamReader } from "./reader.ts";
import { manager, type Names } from "./streams.ts";

/** The checkpoints of one key group on the broker: pieces and markers on a stream of their own. */
export class BrokerCheckpoints implements CheckpointStore {
  readonly #nc: NatsConnection;
  readonly #inbox: AckInbox;
  readonly #stream: string;
  readonly #chunks: string;
  readonly #markers: string;
  readonly #log: Log;

  constructor(nc: NatsConnection, inbox: AckInbox, names: Names, group: string, log: Log) {
    this.#nc = nc;
    this.#inbox = inbox;
    this.#stream = names.state;
    this.#chunks = names.checkpoint(group, "chunk");
    this.#markers = names.checkpoint(group, "marker");
    this.#log = log;
  }

  /** Stored twice by a second sending, a piece is only a little longer there. */
  put(piece: Uint8Array): Promise<number> {
    return new Promise((resolve) => {
      const subject = this.#chunks;
      this.#inbox.send({ subject, payload: piece, headers: headers(), onAck: resolve });
    });
  }
  /** Sent twice, a marker stands there once. */
  async mark(marker: Uint8Array, id: string): Promise<void> {
    const about = headers();
    about.set("Nats-Msg-Id", id);
    await new Promise((resolve) => {
      const subject = this.#markers;
      this.#inbox.send({ subject, payload: marker, headers: about, onAck: resolve });
    });
  }

  async markers(): Promise<readonly Marker[]> {
    const found: Marker[] = [];
    for await (const { bytes } of this.#readSubject(this.#markers, 0)) {
      const marker = decodeMarker(bytes);
      if (marker === undefined) {
        this.#log.warn({ subject: this.#markers }, "a marker cannot be read and is passed over");
      } else found.unshift(marker);
    }
    return found.sort((a, b) => b.seq - a.seq);
  }

  async *read(seqs: readonly number[]): AsyncGenerator<{ seq: number; bytes: Uint8Array }> {
    const first = seqs[0];
    if (first === undefined) return;
    const wanted = new Set(seqs);
    for await (const piece of this.#readSubject(this.#chunks, first - 1, seqs.at(-1))) {
      if (wanted.has(piece.seq)) yield piece;
    }
  }

  /** The messages of a subject behind a sequence, up to the last there is or `until`. */
  async *#readSubject(
    filter: string,
    after: number,
    until?: number,
  ): AsyncGenerator<{ seq: number; bytes: Uint8Array }> {
    const reader = new StreamReader(this.#nc, {
      stream: this.#stream,
      filter,
      after: { seq: after, time: undefined },
      // Whoever writes checkpoints purges old ones meanwhile, and pieces have digests.
      forgetful: true,
      toEnd: true,
      ...(until === undefined ? {} : { until }),
      log: this.#log,
    });
    for await (const message of reader.messages()) {
      yield { seq: message.info.streamSequence, bytes: message.data };
    }
  }

  async purge(before: number): Promise<void> {
    // Nothing lies before the first; the server takes a purge below it for a purge of everything.
    if (before <= 1) return;
    const jsm = await manager(this.#nc);
    await jsm.streams.purge(this.#stream, { filter: this.#chunks, seq: before });
    await jsm.streams.purge(this.#stream, { filter: this.#markers, keep: 2 });
  }
}
