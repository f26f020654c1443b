import { comparePositions, type LinkRecord } from "../codec/frame.ts";
import { Fault } from "../faults.ts";

/** Where what leaves a group stays until the group it goes to can no longer ask for it again. */
export interface MoveStore {
  /** `link` names the link within the group it goes to; the same bytes may be put again. */
  put(source: string, target: string, link: string, moved: Uint8Array): void;
  get(target: string, link: string): Promise<Uint8Array | undefined>;
}

/** A group as its links see it. */
interface Party {
  readonly name: string;
  /** Position of the last link this group's key left by, and joined by. */
  readonly left: readonly [number, number];
  readonly joined: readonly [number, number];
}

interface Waiter {
  readonly resolve: (moved: Uint8Array) => void;
  readonly reject: (why: unknown) => void;
}

/**
 * Hands over what moves between the groups of one flow. A group that comes to the half of a link
 * that joins waits until the other has come to the half that leaves, which is the record before it:
 * every group waits only for one that is behind it in the log, so there is no circle. What leaves
 * also goes to the store, for a group that starts again before the link when the other is past it.
 */
export class Moves {
  readonly #store: MoveStore;
  readonly #groupOf: (key: string) => Party;
  readonly #ready = new Map<string, Uint8Array>();
  readonly #waiting = new Map<string, Waiter>();
  #failure: { readonly why: unknown } | undefined;

  constructor(store: MoveStore, groupOf: (key: string) => Party) {
    this.#store = store;
    this.#groupOf = groupOf;
  }

  /** What has left and was not asked for yet. */
  get size(): number {
    return this.#ready.size;
  }

  /** The half that leaves has been handled: what the group knew of the key. */
  leave(record: LinkRecord, moved: Uint8Array): void {
    const [, seq, n, , from, to] = record;
    const target = this.#groupOf(to);
    const link = nameOf(seq, n);
    this.#store.put(this.#groupOf(from).name, target.name, link, moved);
    const waiter = this.#waiting.get(link);
    this.#waiting.delete(link);
    if (waiter !== undefined) waiter.resolve(moved);
    else if (comparePositions(target.joined, [seq, n + 1]) < 0) this.#ready.set(link, moved);
  }

  /** What the other group knew, as soon as it has come to the same place of the log. */
  arrive(record: LinkRecord): Uint8Array | Promise<Uint8Array> {
    const [, seq, n, , from, to] = record;
    const link = nameOf(seq, n - 1);
    const ready = this.#ready.get(link);
    this.#ready.delete(link);
    if (ready !== undefined) return ready;
    if (this.#failure !== undefined) return Promise.reject(this.#failure.why);
    const source = this.#groupOf(from);
    if (comparePositions(source.left, [seq, n - 1]) >= 0) {
      return this.#stored(source.name, this.#groupOf(to).name, link);
    }
    return new Promise((resolve, reject) => this.#waiting.set(link, { resolve, reject }));
  }

  /** A group has failed: nobody is to wait for it. */
  abandon(why: unknown): void {
    this.#failure ??= { why };
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }

  async #stored(source: string, target: string, link: string): Promise<Uint8Array> {
    const moved = await this.#store.get(target, link);
    if (moved !== undefined) return moved;
    throw new Fault(
      "MOVE_MISSING",
      `${source} is past the link ${link}, but what it sent to ${target} is not on the broker`,
      { source, target, link },
    );
  }
}

const nameOf = (seq: number, n: number): string => `${seq}-${n}`;
