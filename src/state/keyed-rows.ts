import { LRUCache } from "lru-cache";
import { decodePlain, encodePlain } from "./plain.ts";

/** All that one key group knows of one key: a state a node, undefined where the node has none. */
export interface Row {
  readonly key: string;
  readonly states: unknown[];
}

/**
 * The rows of one key group: the recently used as objects, the others as their msgpack bytes.
 * Which rows are hot never shows: a row and its round trip are the same state.
 */
export class KeyedRows {
  readonly #hot: LRUCache<string, Row>;
  readonly #cold = new Map<string, Uint8Array>();
  readonly #hotRows: number;
  readonly #nodes: number;
  #coldBytes = 0;

  /** `hotRows`: how many rows may stay objects between two input records; at least 0. */
  constructor(nodes: number, hotRows: number) {
    this.#nodes = nodes;
    this.#hotRows = hotRows;
    this.#hot = new LRUCache({ max: hotRows + SLACK });
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

  /** The row of a key, made when there is none. Valid until the next `trim`. */
  open(key: string): Row {
    const row = this.peek(key);
    if (row !== undefined) return row;
    const made: Row = { key, states: new Array(this.#nodes).fill(undefined) };
    this.#hot.set(key, made);
    return made;
  }

  /** The row of a key, lifted from its bytes when it is cold. Valid until the next `trim`. */
  peek(key: string): Row | undefined {
    const hot = this.#hot.get(key);
    if (hot !== undefined) return hot;
    const bytes = this.#cold.get(key);
    if (bytes === undefined) return undefined;
    this.#cold.delete(key);
    this.#coldBytes -= bytes.length;
    const row = this.#decode(key, bytes);
    this.#hot.set(key, row);
    return row;
  }

  /** Drops the row when no node knows anything of its key any more. */
  forgetIfEmpty(row: Row): void {
    for (const state of row.states) if (state !== undefined) return;
    this.#hot.delete(row.key);
  }

  /** Call it between two input records: turns the least recently used rows into bytes. */
  trim(): void {
    while (this.#hot.size > this.#hotRows) {
      const row = this.#hot.pop();
      if (row === undefined) return;
      const bytes = this.#encode(row);
      this.#cold.set(row.key, bytes);
      this.#coldBytes += bytes.length;
    }
  }

  *keys(): Generator<string> {
    yield* this.#hot.keys();
    yield* this.#cold.keys();
  }

  /** A node without a state is a nil, which no state is. */
  #encode(row: Row): Uint8Array {
    return encodePlain(row.states.map((state) => (state === undefined ? null : [state])));
  }
  #decode(key: string, bytes: Uint8Array): Row {
    const boxes = decodePlain(bytes) as ([unknown] | null)[];
    return { key, states: boxes.map((box) => (box === null ? undefined : box[0])) };
  }
}

/** Rows that one input record may open beyond the bound before `trim` is called. */
const SLACK = 4096;
