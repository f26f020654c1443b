import { packed, unpacked } from "./packed.ts";
import { encodePlain } from "./plain.ts";

/** Some bytes of a cut. */
export interface Piece {
  /** Rises when what was written before an era is no longer needed; 0 where that never happens. */
  readonly era: number;
  readonly bytes: Uint8Array;
}

/** What a part remembers at one moment: everything, or what changed since its last cut. */
export interface Cut {
  /** Pieces of earlier eras may be dropped once this cut is complete. */
  readonly keepFrom: number;
  /**
   * Encoded while they are drawn, as of the moment of the cut whatever happens meanwhile. Undefined
   * between two pieces is a good place to let others run.
   */
  pieces(): Iterable<Piece | undefined>;
}

/** One part of what a key group remembers, written piecewise. One cut at a time is drawn. */
export interface Part {
  /** Stable: its pieces are filed under it. */
  readonly name: string;
  /** Call it between two messages. `whole`: everything, as no earlier cut will be there. */
  cut(whole: boolean): Cut;
  /** No later cut may hold anything that was learnt from what is forgotten by now; behind it comes a whole one. */
  relearn?(): void;
  /** What one cut wrote in one era; cuts come in their order, into an empty part. */
  restore(bytes: Uint8Array, era: number): void;
}

/** A part that is small and written whole at every cut: plain data. */
export function smallPart(
  name: string,
  save: () => unknown,
  restore: (data: unknown) => void,
): Part {
  let era = 0;
  return {
    name,
    cut: () => {
      era += 1;
      const mine = era;
      const bytes = encodePlain(save());
      return { keepFrom: mine, pieces: () => packed([bytes], mine) };
    },
    restore: (bytes, of) => {
      era = of;
      for (const data of unpacked(bytes)) restore(data);
    },
  };
}
