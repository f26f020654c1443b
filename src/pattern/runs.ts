/**
 * A partial match, or a complete one that waits its turn: its place in the automaton, its newest
 * node in the buffer, and the time and number of its first event.
 */
export type Run = [place: number, node: number, startAt: number, startSeq: number];

/** A point in the order of events: time, then arrival. */
export interface Position {
  readonly at: number;
  readonly seq: number;
}

export const startOf = (run: Run): Position => ({ at: run[2], seq: run[3] });

export const comparePositions = (a: Position, b: Position): number => a.at - b.at || a.seq - b.seq;

export const compareStarts = (a: Run, b: Run): number => a[2] - b[2] || a[3] - b[3];

/** The earliest by start, the first of equals; undefined of none. */
export function earliest(runs: readonly Run[]): Run | undefined {
  let best: Run | undefined;
  for (const run of runs) {
    if (best === undefined || compareStarts(run, best) < 0) best = run;
  }
  return best;
}
