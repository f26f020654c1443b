import { comparePositions, type Frame, type LogRecord } from "../codec/frame.ts";
import { Fault } from "../faults.ts";

/**
 * The highest position read of each source. Frames may come twice or cut differently; what was
 * seen is dropped, and a frame that skips something stops the engine: the log lost a record.
 */
export class SeenPositions {
  readonly #last = new Map<string, readonly [number, number]>();

  snapshot(): readonly (readonly [source: string, seq: number, n: number])[] {
    return [...this.#last].map(([source, [seq, n]]) => [source, seq, n]);
  }
  restore(snapshot: ReturnType<SeenPositions["snapshot"]>): void {
    for (const [source, seq, n] of snapshot) this.#last.set(source, [seq, n]);
  }

  /** The records of a frame that are new; throws HOP_MISMATCH when records before it are missing. */
  fresh(frame: Frame, where: string): readonly LogRecord[] {
    const last = this.#last.get(frame.source) ?? START;
    if (comparePositions(frame.previous, last) > 0) {
      throw new Fault(
        "HOP_MISMATCH",
        `${where}: a frame of ${frame.source} follows position ${frame.previous.join(".")}, but ${last.join(".")} was the last one read`,
      );
    }
    const end = frame.records.at(-1);
    if (end === undefined || comparePositions([end[1], end[2]], last) <= 0) return [];
    this.#last.set(frame.source, [end[1], end[2]]);
    if (comparePositions(frame.previous, last) === 0) return frame.records;
    return frame.records.filter((record) => comparePositions([record[1], record[2]], last) > 0);
  }
}

export const START: readonly [number, number] = [0, -1];
