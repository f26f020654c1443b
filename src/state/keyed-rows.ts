import { LRUCache } from "lru-cache";
import { MsgpackWriter } from "../codec/msgpack-writer.ts";
import { Compact } from "./compact.ts";
import { decodePlain, encodePlain } from "./plain.ts";

/** All that one key group knows of one key: a state a node, undefined where the node has none. */
export interface Row {
  readonly key: string;
  readonly states: unknown[];
}

/**
 * The rows of one key group: the recently used as objects, the others as few bytes. Which rows are
 * hot never shows: a row and its round trip are the same state. In and out they go as msgpack; what
 * came in stays so until it is first used.
 */
export class KeyedRows {
  readonly #hot: LRUCache<string, Row>;
  readonly #cold = new Map<string, Uint8Array>();
  readonly #unread = new Map<string, Uint8Array>();
  readonly #compact = new Compact();
  readonly #writer = new MsgpackWriter();
  readonly #hotRows: number;
  readonly #nodes: number;
  #coldBytes = 0;
  #trimming = false;
  /** Told of a key before its row may change. */
  beforeChange: ((key: string) => void) | undefined;

  /** `hotRows`: how many rows may stay objects between two input records; at least 0. */
  constructor(nodes: number, hotRows: number) {
    this.#nodes = nodes;
    this.#hotRows = hotRows;
    this.#hot = new LRUCache({
      max: hotRows + SLACK,
      dispose: (_row, key, reason) => {
        if (reason === "evict" && !this.#trimming)
          throw new Error(`row ${key} is pushed out before it was trimmed`);
      },
    });
  }

  get size(): number {
    return this.#hot.size + this.#cold.size + this.#unread.size;
  }
  get hotSize(): number {
    return this.#hot.size;
  }
  get coldBytes(): number {
    return this.#coldBytes;
  }

  /** The row of a key to be changed, made when there is none. Valid until the next `trim`. */
  open(key: string): Row {
    this.beforeChange?.(key);
    const row = this.peek(key);
    if (row !== undefined) return row;
    const made: Row = { key, states: new Array(this.#nodes).fill(undefined) };
    this.#hot.set(key, made);
    return made;
  }

  /** The row of a key to be read, lifted from its bytes when it is cold. Valid until the next `trim`. */
  peek(key: string): Row | undefined {
    const hot = this.#hot.get(key);
    if (hot !== undefined) return hot;
    const states = this.#coldStates(key);
    if (states === undefined) return undefined;
    this.#dropCold(key);
    const row: Row = { key, states };
    this.#hot.set(key, row);
    return row;
  }

  has(key: string): boolean {
    return this.#hot.has(key) || this.#cold.has(key) || this.#unread.has(key);
  }

  /**
   * The row of a key for somebody who only looks in, whenever that is: what is hot stays hot, what is
   * cold stays cold, however many are looked at.
   */
  look(key: string): Row | undefined {
    const hot = this.#hot.peek(key);
    if (hot !== undefined) return hot;
    const states = this.#coldStates(key);
    return states === undefined ? undefined : { key, states };
  }

  #coldStates(key: string): unknown[] | undefined {
    const cold = this.#cold.get(key);
    if (cold !== undefined) return unboxed(this.#compact.decode(cold));
    const unread = this.#unread.get(key);
    return unread === undefined ? undefined : unboxed(decodePlain(unread));
  }

  /** Drops the row when no node knows anything of its key any more; not one opened anew since. */
  forgetIfEmpty(row: Row): void {
    for (const state of row.states) if (state !== undefined) return;
    if (this.#hot.peek(row.key) === row) this.#hot.delete(row.key);
  }

  /** Call it between two input records: turns the least recently used rows into bytes. */
  trim(): void {
    this.#trimming = true;
    while (this.#hot.size > this.#hotRows) {
      const row = this.#hot.pop();
      if (row === undefined) break;
      const bytes = this.#compact.encode(boxed(row.states));
      this.#cold.set(row.key, bytes);
      this.#coldBytes += bytes.length;
    }
    this.#trimming = false;
  }

  *keys(): Generator<string> {
    yield* this.#hot.keys();
    yield* this.#cold.keys();
    yield* this.#unread.keys();
  }

  /** The row as msgpack, there until the next call; undefined when no node knows anything of its key. */
  bytesOf(key: string): Uint8Array | undefined {
    const unread = this.#unread.get(key);
    if (unread !== undefined) return unread;
    const states = this.#hot.peek(key)?.states ?? this.#coldStates(key);
    if (states === undefined || states.every((state) => state === undefined)) return undefined;
    return this.#writer.encodeShared(boxed(states));
  }
  /** Takes over a row from its bytes. */
  put(key: string, bytes: Uint8Array): void {
    this.drop(key);
    this.#unread.set(key, bytes);
    this.#coldBytes += bytes.length;
  }
  drop(key: string): void {
    this.#hot.delete(key);
    this.#dropCold(key);
  }
  #dropCold(key: string): void {
    for (const rows of [this.#cold, this.#unread]) {
      this.#coldBytes -= rows.get(key)?.length ?? 0;
      rows.delete(key);
    }
  }
  /** Rewrites every row that is not hot, one at a time: `lift` gets and gives states by node. */
  lift(lift: (states: readonly unknown[]) => unknown[]): void {
    for (const key of [...this.#cold.keys(), ...this.#unread.keys()]) {
      const states = this.#coldStates(key);
      if (states !== undefined) this.put(key, encodePlain(boxed(lift(states))));
    }
  }
}

/** A node without a state is a nil, which no state is. */
const boxed = (states: readonly unknown[]) =>
  states.map((state) => (state === undefined ? null : [state]));
const unboxed = (boxes: unknown): unknown[] =>
  (boxes as ([unknown] | null)[]).map((box) => (box === null ? undefined : box[0]));

/** Rows that may be opened beyond the bound before `trim` is called. */
const SLACK = 4096;
