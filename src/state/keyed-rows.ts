import { LRUCache } from "lru-cache";
import { ByteTable } from "./byte-table.ts";
import { type Common, type CommonSize, RowCoder } from "./row-coder.ts";

/** All that one key group knows of one key: a state a node, undefined where the node has none. */
export interface Row {
  readonly key: string;
  readonly states: unknown[];
}

/**
 * The rows of one key group: the recently used as objects, the others as few bytes. Which rows are
 * hot never shows: a row and its round trip are the same state. In and out they go as the same bytes,
 * which need what they have in common: `commonSince` and `adopt`.
 */
export class KeyedRows {
  readonly #hot: LRUCache<string, Row>;
  readonly #cold = new ByteTable();
  #coder = new RowCoder();
  /** Who packed the rows of these keys, before what rows have in common was learnt anew. */
  #former: { readonly coder: RowCoder; readonly keys: Set<string> } | undefined;
  readonly #hotRows: number;
  readonly #nodes: number;
  #coldBytes = 0;
  #trimming = false;
  /** Told of a key before its row may change. */
  beforeChange: ((key: string) => void) | undefined;
  /** Told of a key whose row is bytes from here on. */
  onCold: ((key: string) => void) | undefined;

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
    return this.#hot.size + this.#cold.size;
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
    return this.#hot.has(key) || this.#cold.has(key);
  }
  isCold(key: string): boolean {
    return this.#cold.has(key);
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
    return cold === undefined ? undefined : this.#coderOf(key).unpack(cold);
  }
  #coderOf(key: string): RowCoder {
    return this.#former?.keys.has(key) === true ? this.#former.coder : this.#coder;
  }

  /**
   * What rows have in common is learnt anew from here on, and of nothing that is forgotten. Rows that
   * are bytes already are packed again as `bytesOf` comes to them.
   */
  relearn(): void {
    // One that was broken off is ended first.
    for (const key of [...(this.#former?.keys ?? [])]) this.bytesOf(key);
    this.#former = { coder: this.#coder, keys: new Set(this.#cold.keys()) };
    this.#coder = new RowCoder();
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
      this.#setCold(row.key, this.#coder.pack(row.states));
      this.onCold?.(row.key);
    }
    this.#trimming = false;
  }

  *keys(): Generator<string> {
    yield* this.#hot.keys();
    yield* this.#cold.keys();
  }

  /** The row as bytes, there until the next call; undefined when no node knows anything of its key. */
  bytesOf(key: string): Uint8Array | undefined {
    if (this.#former?.keys.has(key) === true)
      this.put(key, this.#coder.pack(this.#coldStates(key) ?? []));
    const cold = this.#cold.get(key);
    if (cold !== undefined) return cold;
    const states = this.#hot.peek(key)?.states;
    if (states === undefined || states.every((state) => state === undefined)) return undefined;
    return this.#coder.pack(states);
  }
  /** Takes over a row from its bytes. */
  put(key: string, bytes: Uint8Array): void {
    this.drop(key);
    this.#setCold(key, bytes);
  }
  drop(key: string): void {
    this.#hot.delete(key);
    this.#dropCold(key);
  }
  #setCold(key: string, bytes: Uint8Array): void {
    this.#cold.set(key, bytes);
    this.#coldBytes += bytes.length;
  }
  #dropCold(key: string): void {
    const bytes = this.#cold.get(key);
    if (bytes === undefined) return;
    this.#coldBytes -= bytes.length;
    this.#cold.delete(key);
    this.#former?.keys.delete(key);
    if (this.#former?.keys.size === 0) this.#former = undefined;
  }

  get commonSize(): CommonSize {
    return this.#coder.commonSize;
  }
  /** What the bytes of rows have come to have in common since it was so much. */
  commonSince(size: CommonSize): Common {
    return this.#coder.commonSince(size);
  }
  /** Before the first row is packed: what the bytes that are put have in common. */
  adopt(common: Common): void {
    this.#coder.adopt(common);
  }

  /** Rewrites every row that is not hot, one at a time: `lift` gets and gives states by node. */
  lift(lift: (states: readonly unknown[]) => unknown[]): void {
    for (const key of [...this.#cold.keys()]) {
      const states = this.#coldStates(key);
      if (states !== undefined) this.put(key, this.#coder.pack(lift(states)));
    }
  }
}

/** Rows that may be opened beyond the bound before `trim` is called. */
const SLACK = 4096;
