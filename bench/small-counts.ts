import { millis } from "../src/time/event-time.ts";
import { BRING_DUCKDB, type DuckDb, loadDuckDb } from "./duckdb.ts";
import { duckdbCounts } from "./duckdb-counts.ts";
import { type Comparison, type Contender, compare, processorTime } from "./harness.ts";
import {
  type Grid,
  type MakeBatchCounter,
  rxjs,
  sharedPanes,
  windowOperator,
} from "./sliding-peers.ts";
import { AFTER, SMALL, type SmallEvent, type SmallResult } from "./small-job.ts";

type Counted = Pick<SmallEvent, "sku" | "at">;

export interface CountsPeer {
  readonly name: string;
  readonly make: MakeBatchCounter;
}

const OPERATOR = "window operator, timers";
const DUCKDB = "DuckDB, a micro-batch a slide";
const GRID: Grid = { size: SMALL.size, slide: millis(SMALL.slide) };
/** A large prime: results of which one differs do not sum up to the same. */
const DIGEST_MODULUS = 0xffff_fffb;

/** Ours first; DuckDB is one of them where somebody brought it. */
export const countsPeers = (duckdb: DuckDb | undefined): readonly CountsPeer[] => [
  { name: OPERATOR, make: windowOperator },
  { name: "pane rings, swept each slide", make: sharedPanes },
  { name: "RxJS, a batch a slide", make: rxjs },
  ...(duckdb === undefined ? [] : [{ name: DUCKDB, make: duckdbCounts(duckdb) }]),
];

/** What one counter makes of events in order of time, and of the quiet behind them; processor time of all threads counts. */
export function countsContender(
  { name, make }: CountsPeer,
  events: readonly Counted[],
  grid: Grid,
  after: number,
): Contender {
  const { slide } = grid;
  return {
    name,
    async run() {
      let windows = 0;
      let counted = 0;
      let digest = 0;
      const counter = await make(grid, (key, end, n) => {
        windows += 1;
        counted += n;
        digest = (digest + partOf(key) * n * ((end / slide) % 9973)) % DIGEST_MODULUS;
      });
      try {
        const taken = processorTime();
        let end = (Math.floor((events[0]?.at ?? 0) / slide) + 1) * slide;
        for (const { sku, at } of events) {
          for (; end <= at; end += slide) await counter.slide(end);
          counter.add(sku, at);
        }
        const last = (events.at(-1)?.at ?? 0) + after;
        for (; end <= last; end += slide) await counter.slide(end);
        const seconds = taken();
        return {
          seconds,
          units: events.length,
          digest: `${asText({ windows, counted })}, ${digest}`,
        };
      } finally {
        counter.close?.();
      }
    },
  };
}

type Counts = Pick<SmallResult, "windows" | "counted">;

const asText = ({ windows, counted }: Counts): string => `${windows} windows, ${counted} counted`;

/** Of a key, small enough to be multiplied. */
function partOf(key: string): number {
  let part = 7;
  for (let i = 0; i < key.length; i += 1) part = (part * 31 + key.charCodeAt(i)) % 65_521;
  return part;
}

/** What of the small job SQL can say: its counts alone, which are to be those of the whole job. */
export async function smallCounts(
  events: readonly SmallEvent[],
  ofJob: Counts,
  rounds: number,
): Promise<{ comparison: Comparison; leftOut: readonly string[] }> {
  const duckdb = await loadDuckDb();
  const contenders = countsPeers(duckdb).map((peer) =>
    asInJob(countsContender(peer, events, GRID, AFTER), ofJob),
  );
  const comparison = await compare(
    {
      title: "The counts of the small job alone",
      what: `${events.length.toLocaleString("en")} events as objects: counts over 5 min / 10 s of each sku, by processor time`,
      unit: "events/s",
      rounds,
    },
    contenders,
  );
  const leftOut =
    duckdb === undefined ? [`${DUCKDB}: it is not installed; ${BRING_DUCKDB} brings it`] : [];
  return { comparison, leftOut };
}

/** Fails where the counts are not those that the whole job came to. */
function asInJob(contender: Contender, ofJob: Counts): Contender {
  const wanted = asText(ofJob);
  return {
    ...contender,
    async run() {
      const run = await contender.run();
      if (run.digest.startsWith(`${wanted}, `)) return run;
      throw new Error(`"${contender.name}" gives ${run.digest}, the whole job ${wanted}`);
    },
  };
}
