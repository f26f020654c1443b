import { comparePositions, type LinkRecord } from "../codec/frame.ts";
import { Fault } from "../faults.ts";

/** Where what leaves a group stays until the group it goes to can no longer ask for it again. */
export interface MoveStore {
  /** `link` names the link within the group it goes to; the same bytes may be put again. */
  put(source: string, target: string, link: string, moved: Uint8Array): void;
  get(target: string, link: string): Promise<Uint8Array | undefined>;
  /**
   * The same of a source on another thread, as soon as it is there; undefined when the source turns out
   * to be past the link and it is not. Rejects when the signal says so. A store that only one thread
   * puts into needs none.
   */
  awaited?(
    source: string,
    target: string,
    link: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined>;
}

/** A group as its links see it. */
interface Party {
  /** Position of the last link this group's key left by, and joined by. */
  readonly left: readonly [number, number];
  readonly joined: readonly [number, number];
}

/** Whose key it is: the group's name, and how it stands where this thread runs it. */
type GroupOf = (key: string) => { readonly name: string; readonly here: Party | undefined };

interface Waiter {
  readonly resolve: (moved: Uint8Array) => void;
  readonly reject: (why: unknown) => void;
}

/**
 * Hands over what moves between the groups of one flow. A group that comes to the half of a link
 * that joins waits until the other has come to the half that leaves, which is the record before it:
 * every group waits only for one that is behind it in the log, so there is no circle. What leaves
 * also goes to the store: for a group on another thread, and for one that starts again before the
 * link when the other is past it.
 */
export class Moves {
  readonly #store: MoveStore;
  readonly #groupOf: GroupOf;
  readonly #ready = new Map<string, Uint8Array>();
  readonly #waiting = new Map<string, Waiter>();
  /** Groups that wait for one on another thread. */
  readonly #elsewhere = new Set<string>();
  readonly #gone = new AbortController();
  #failure: { readonly why: unknown } | undefined;

  constructor(store: MoveStore, groupOf: GroupOf) {
    this.#store = store;
    this.#groupOf = groupOf;
  }

  /** What has left and was not asked for yet. */
  get size(): number {
    return this.#ready.size;
  }

  /** Names of the groups that wait for one on another thread. */
  get waitElsewhere(): ReadonlySet<string> {
    return this.#elsewhere;
  }

  /** The half that leaves has been handled: what the group knew of the key. */
  leave(record: LinkRecord, moved: Uint8Array): void {
    const [, seq, n, , from, to] = record;
    const { name, here: target } = this.#groupOf(to);
    const link = nameOf(seq, n);
    this.#store.put(this.#groupOf(from).name, name, link, moved);
    if (target === undefined) return;
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
    const { name, here: source } = this.#groupOf(from);
    const target = this.#groupOf(to).name;
    if (source === undefined) return this.#fromElsewhere(name, target, link);
    if (comparePositions(source.left, [seq, n - 1]) >= 0) {
      return found(this.#store.get(target, link), name, target, link);
    }
    return new Promise((resolve, reject) => this.#waiting.set(link, { resolve, reject }));
  }

  /** A group has failed: nobody is to wait for it. */
  abandon(why: unknown): void {
    this.#failure ??= { why };
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
    this.#gone.abort(why);
  }

  async #fromElsewhere(source: string, target: string, link: string): Promise<Uint8Array> {
    this.#elsewhere.add(target);
    try {
      const moved = this.#store.awaited?.(source, target, link, this.#gone.signal);
      return await found(moved ?? Promise.resolve(undefined), source, target, link);
    } finally {
      this.#elsewhere.delete(target);
    }
  }
}

async function found(
  moved: Promise<Uint8Array | undefined>,
  source: string,
  target: string,
  link: string,
): Promise<Uint8Array> {
  const bytes = await moved;
  if (bytes !== undefined) return bytes;
  throw new Fault(
    "MOVE_MISSING",
    `${source} is past the link ${link}, but what it sent to ${target} is not on the broker`,
    { source, target, link },
  );
}

const nameOf = (seq: number, n: number): string => `${seq}-${n}`;
