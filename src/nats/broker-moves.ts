import { headers, type NatsConnection, NatsError } from "nats";
import type { MoveStore } from "../flow/moves.ts";
import { decodePlain, encodePlain } from "../state/plain.ts";
import type { AckInbox } from "./ack-inbox.ts";
import { lastOf, manager, type Names } from "./streams.ts";

const FIRST_LOOK_MS = 2;
/** Between two looks that found nothing; whether the source is past it is asked as seldom. */
const LOOK_MS = 250;

const PIECE_BYTES = 512 * 1024;

/** A piece with how many there are. */
type Piece = readonly [pieces: number, bytes: Uint8Array];

/** What moves between groups, on a stream of its own: a subject a piece, the last one is as good as any. */
export class BrokerMoves implements MoveStore {
  readonly #nc: NatsConnection;
  readonly #inbox: AckInbox;
  readonly #names: Names;
  /** Whether a group's checkpoint is past the record that the other one waits at. */
  readonly #isPast: (source: string, target: string) => Promise<boolean>;
  /** Pieces of each source that are not acknowledged yet. */
  readonly #underWay = new Map<string, Set<Promise<void>>>();

  constructor(
    nc: NatsConnection,
    inbox: AckInbox,
    names: Names,
    isPast: (source: string, target: string) => Promise<boolean>,
  ) {
    this.#isPast = isPast;
    this.#nc = nc;
    this.#inbox = inbox;
    this.#names = names;
  }
  get idle(): boolean {
    for (const sendings of this.#underWay.values()) if (sendings.size > 0) return false;
    return true;
  }
  /** Resolves once all that a group has sent so far is stored. */
  async settled(source: string): Promise<void> {
    await Promise.all(this.#underWay.get(source) ?? []);
  }

  put(source: string, target: string, link: string, moved: Uint8Array): void {
    const sendings = this.#underWay.get(source) ?? new Set<Promise<void>>();
    this.#underWay.set(source, sendings);
    const pieces = Math.max(1, Math.ceil(moved.length / PIECE_BYTES));
    for (let i = 0; i < pieces; i += 1) {
      const bytes = moved.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES);
      const subject = this.#names.moved(target, link, i);
      const sending = this.#send(subject, encodePlain([pieces, bytes] satisfies Piece));
      sendings.add(sending);
      void sending.then(() => sendings.delete(sending));
    }
  }
  #send(subject: string, payload: Uint8Array): Promise<void> {
    const about = headers();
    about.set("Nats-Msg-Id", subject);
    return new Promise((resolve) => {
      this.#inbox.send({ subject, payload, headers: about, onAck: () => resolve() });
    });
  }

  async get(target: string, link: string): Promise<Uint8Array | undefined> {
    const jsm = await manager(this.#nc);
    const found: Uint8Array[] = [];
    for (let pieces = 1; found.length < pieces; ) {
      const subject = this.#names.moved(target, link, found.length);
      const stored = await lastOf(jsm, this.#names.moves, subject);
      if (stored === undefined) return undefined;
      const [count, bytes] = decodePlain(stored.data) as Piece;
      pieces = count;
      found.push(bytes);
    }
    return Buffer.concat(found);
  }

  /** Asks again and again: a broker that is away for a while is waited for. */
  async awaited(
    source: string,
    target: string,
    link: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    for (let wait = FIRST_LOOK_MS; ; wait = Math.min(2 * wait, LOOK_MS)) {
      signal.throwIfAborted();
      try {
        // Asked first: what was sent before such a checkpoint stands there.
        const isPast = wait === LOOK_MS && (await this.#isPast(source, target));
        const moved = await this.get(target, link);
        if (moved !== undefined || isPast) return moved;
      } catch (failure) {
        if (!(failure instanceof NatsError)) throw failure;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
