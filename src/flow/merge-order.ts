import {
  FACT,
  type FactRecord,
  type KeyedRecord,
  LINK,
  type LogRecord,
  TIME,
} from "../codec/frame.ts";
import { type EventTime, MIN_TIME } from "../time/event-time.ts";
import { Heap } from "./heap.ts";

/** A record with its place in the merged order. */
export interface Merged {
  /** Its own time, or just behind its source's watermark when it is later than that. */
  readonly order: EventTime;
  readonly source: number;
  readonly record: KeyedRecord | FactRecord;
}

/** Plain data. */
export interface MergeSnapshot {
  readonly watermarks: readonly (readonly [source: string, watermark: EventTime])[];
  readonly waiting: readonly (readonly [
    order: EventTime,
    source: number,
    record: KeyedRecord | FactRecord,
  ])[];
}

/**
 * Merges the streams of several sources into one order that does not depend on how they
 * interleaved: records wait until the watermarks of all sources have passed them and come out by
 * (time, source, position).
 */
export class MergeOrder {
  readonly #sources: ReadonlyMap<string, number>;
  readonly #watermarks: EventTime[];
  readonly #waiting = new Heap<Merged>(before);
  #watermark: EventTime = MIN_TIME;

  constructor(sources: readonly string[]) {
    this.#sources = new Map(sources.map((source, index) => [source, index]));
    this.#watermarks = sources.map(() => MIN_TIME);
  }
  /** The smallest watermark of any source; MIN_TIME until each has sent one. */
  get watermark(): EventTime {
    return this.#watermark;
  }
  get size(): number {
    return this.#waiting.size;
  }

  snapshot(): MergeSnapshot {
    return {
      watermarks: [...this.#sources].map(([name, i]) => [name, this.#watermarks[i] ?? MIN_TIME]),
      waiting: this.#waiting.items.map(({ order, source, record }) => [order, source, record]),
    };
  }
  restore({ watermarks, waiting }: MergeSnapshot): void {
    for (const [name, watermark] of watermarks) {
      const index = this.#sources.get(name);
      if (index !== undefined) this.#watermarks[index] = watermark;
    }
    this.#watermark = Math.min(...this.#watermarks) as EventTime;
    for (const [order, source, record] of waiting) this.#waiting.push({ order, source, record });
  }

  /** True when the record moved the merged watermark. */
  add(source: string, record: LogRecord): boolean {
    const index = this.#sources.get(source);
    if (index === undefined) throw new Error(`a frame came from the unknown source ${source}`);
    if (record[0] === LINK) throw new Error(`a link came from ${source}: goods are never one`);
    const watermark = this.#watermarks[index] ?? MIN_TIME;
    if (record[0] !== TIME) {
      const order = Math.max(record[3], watermark + 1) as EventTime;
      this.#waiting.push({ order, source: index, record });
      return false;
    }
    if (record[3] <= watermark) return false;
    this.#watermarks[index] = record[3] as EventTime;
    if (watermark > this.#watermark) return false;
    const lowest = Math.min(...this.#watermarks) as EventTime;
    const moved = lowest > this.#watermark;
    this.#watermark = lowest;
    return moved;
  }

  /** The next record at or before `upTo`, in order. */
  take(upTo: EventTime): Merged | undefined {
    const next = this.#waiting.peek();
    return next !== undefined && next.order <= upTo ? this.#waiting.pop() : undefined;
  }
}

function before(a: Merged, b: Merged): boolean {
  if (a.order !== b.order) return a.order < b.order;
  if (a.source !== b.source) return a.source < b.source;
  if (a.record[1] !== b.record[1]) return a.record[1] < b.record[1];
  return a.record[2] < b.record[2];
}

export const isFact = (record: KeyedRecord | FactRecord): record is FactRecord =>
  record[0] === FACT;
