import type { NodeCounts } from "./flow/keyed-task.ts";

/** The logs that an engine reads. */
export const LOGS = ["in", "events", "demand"] as const;
export type LogName = (typeof LOGS)[number];

/** A key group as it stands. */
export interface GroupReport {
  readonly flow: string;
  /** Sequence of its log that its last checkpoint is behind. */
  readonly checkpointed: number;
  readonly watermark: number;
  readonly keys: number;
  readonly coldBytes: number;
  readonly timers: number;
  readonly scored: number;
  /** Records that had been read before. */
  readonly dropped: number;
  readonly operators: readonly { readonly name: string; readonly counts: NodeCounts }[];
}

/** How an engine, or a part of it, stands; plain data. */
export interface EngineReport {
  readonly ready: boolean;
  /** Every log that is read has been read to its present end, and nothing is under way. */
  readonly caughtUp: boolean;
  /** Depths of every queue. */
  readonly queues: Readonly<Record<string, number>>;
  /** Sequence each log has been read to, of those that are read. */
  readonly positions: Readonly<Partial<Record<LogName, number>>>;
  /** The furthest message of each log that was acknowledged to this one. */
  readonly acknowledged: Readonly<Partial<Record<LogName, number>>>;
  readonly readerRestarts: number;
  /** Messages sent again, outcome unknown. */
  readonly resent: number;
  readonly checkpoints: { readonly written: number; readonly bytes: number; readonly torn: number };
  /** Every group has written all it remembers anew, since it was last asked to; and how often it was. */
  readonly rewritten: boolean;
  readonly rewrites: number;
  readonly groups: readonly GroupReport[];
}

/** Figures of parts that are called alike, added up. */
export function summed(parts: readonly EngineReport["queues"][]): EngineReport["queues"] {
  const all: Record<string, number> = {};
  for (const part of parts)
    for (const [name, n] of Object.entries(part)) all[name] = (all[name] ?? 0) + n;
  return all;
}

/** The report of an engine whose parts told these. */
export function together(parts: readonly EngineReport[]): EngineReport {
  const sum = (of: (part: EngineReport) => number) => parts.reduce((n, part) => n + of(part), 0);
  const over = (of: (part: EngineReport) => number | undefined, choose: typeof Math.min) => {
    const told = parts.map(of).filter((n) => n !== undefined);
    return told.length === 0 ? undefined : choose(...told);
  };
  const positions: Partial<Record<LogName, number>> = {};
  const acknowledged: Partial<Record<LogName, number>> = {};
  for (const log of LOGS) {
    const read = over((part) => part.positions[log], Math.min);
    const stored = over((part) => part.acknowledged[log], Math.max);
    if (read !== undefined) positions[log] = read;
    if (stored !== undefined) acknowledged[log] = stored;
  }
  return {
    ready: parts.every(({ ready }) => ready),
    // Told at different moments: what one has put into a log the reader of that log must have seen.
    caughtUp:
      parts.every(({ caughtUp }) => caughtUp) &&
      LOGS.every((log) => (positions[log] ?? Infinity) >= (acknowledged[log] ?? 0)),
    queues: summed(parts.map(({ queues }) => queues)),
    positions,
    acknowledged,
    readerRestarts: sum((part) => part.readerRestarts),
    resent: sum((part) => part.resent),
    checkpoints: {
      written: sum(({ checkpoints }) => checkpoints.written),
      bytes: sum(({ checkpoints }) => checkpoints.bytes),
      torn: sum(({ checkpoints }) => checkpoints.torn),
    },
    rewritten: parts.every(({ rewritten }) => rewritten),
    rewrites: Math.min(...parts.map(({ rewrites }) => rewrites)),
    groups: parts.flatMap(({ groups }) => groups),
  };
}
