import { createHash } from "node:crypto";
import type { ShopJob } from "../../operators/job.ts";
import { openScoring } from "../../src/cli/open-job.ts";
import {
  FORMATS,
  type OutputLine,
  type ReplayOptions,
  type ReplaySummary,
  replay,
} from "../../src/replay/replay.ts";
import type { Copies } from "../support/copies.ts";
import { fed, published } from "../support/evidence.ts";
import { replayJob, type Settings } from "../support/job.ts";

export interface RunOptions {
  readonly lines: ReplayOptions["lines"];
  readonly format: "events" | "taobao";
  readonly frames?: number;
  /** Threads that score, with the entry that the build made; 0 scores inline. */
  readonly workers?: number;
  readonly until?: ReplayOptions["until"];
  readonly settings?: Settings | undefined;
  /** Files of the configuration by name, in place of the shipped ones. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** A part of the configuration. */
  readonly pack?: string | undefined;
  /** Adds the person's identifiers to each line. */
  readonly reveal?: boolean;
  readonly onLine?: (line: OutputLine) => void;
  /** Holds the copies of states against deep ones. */
  readonly copies?: Copies;
}

export interface Run {
  /** SHA-256 of the output file, had it been written. */
  readonly digest: string;
  readonly summary: ReplaySummary;
  /** How many outputs have this first token of their subject. */
  count(token: string): number;
}

const watched = (job: ShopJob, copies: Copies): ShopJob => ({
  ...job,
  shopper: { ...job.shopper, nodes: copies.watch(job.shopper.nodes) },
  demand: { ...job.demand, nodes: copies.watch(job.demand.nodes) },
});

/** A replay of the shipped job, its outputs digested as the lines they would be in a file. */
export async function run(options: RunOptions): Promise<Run> {
  const {
    lines,
    format,
    frames,
    workers = 0,
    until,
    settings,
    files,
    pack,
    onLine,
    copies,
  } = options;
  const reader = FORMATS[format];
  if (reader === undefined) throw new Error(`no format ${format}`);
  const hash = createHash("sha256");
  const counts = new Map<string, number>();
  const scoring = openScoring(workers);
  try {
    const job = await replayJob(settings, files, pack);
    const definition = copies === undefined ? job : watched(job, copies);
    const summary = await replay({
      lines,
      format: reader,
      definition,
      reveal: options.reveal === true ? definition.intake : undefined,
      scoring,
      ...(frames === undefined ? {} : { frameSize: frames }),
      until,
      onLine: (said) => {
        for (const line of published([said])) {
          hash.update(`${JSON.stringify(line)}\n`);
          const token = line.subject.slice(0, line.subject.indexOf("."));
          counts.set(token, (counts.get(token) ?? 0) + 1);
          onLine?.(line);
        }
      },
      onBadLine: () => undefined,
    });
    copies?.check();
    fed(summary.lines - summary.badLines);
    return { digest: hash.digest("hex"), summary, count: (token) => counts.get(token) ?? 0 };
  } finally {
    await scoring.close();
  }
}
