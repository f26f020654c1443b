import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface BenchOptions {
  /** Print one JSON object instead of text. */
  readonly json: boolean;
  /** Small inputs: shows that the benchmark runs; its figures mean little. */
  readonly short: boolean;
}

/** One way of doing the work that a benchmark measures. */
export interface Contender {
  readonly name: string;
  /** One whole run from nothing; only the part that counts is in `seconds`. */
  run(): Run | Promise<Run>;
  /** Part of the keys and events that it is given; 1 when left out. */
  readonly share?: number;
}

export interface Run {
  readonly seconds: number;
  /** Units of work done in that time. */
  readonly units: number;
  /** A digest of what came out. */
  readonly digest: string;
}

export interface Rate {
  readonly name: string;
  readonly share: number;
  /** Units a second. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Comparison {
  readonly title: string;
  /** What is measured, on what input. */
  readonly what: string;
  readonly unit: string;
  readonly rounds: number;
  /** The first is ours; the others are its peers. */
  readonly rates: readonly Rate[];
}

/** A figure beside the rates, such as bytes a key; with a bound it passes or fails. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly bound?: { readonly kind: "least" | "most"; readonly value: number };
}

export interface Report {
  readonly comparisons: readonly Comparison[];
  readonly figures: readonly Figure[];
  readonly tables?: readonly { readonly title: string; readonly rows: readonly string[] }[];
}

/** Collects garbage, so that a run does not pay for the one before it. */
export function collectGarbage(): void {
  collect ??= exposedGc();
  collect();
}
let collect: (() => void) | undefined;

function exposedGc(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** Bytes in use, on the heap and in array buffers, after garbage collection. */
export function bytesInUse(): number {
  collectGarbage();
  // The second one waits until the buffers are freed that the first one found.
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes one of `n` things takes that `make` builds; what is handed back keeps them alive. */
export function bytesEach(n: number, make: () => unknown): number {
  const before = bytesInUse();
  const kept = make();
  const bytes = (bytesInUse() - before) / n;
  if (kept === undefined) throw new Error("nothing was kept: there is nothing to measure");
  return bytes;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** How long many things took, in milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Those that are told of everything that takes its time. */
export const QUANTILES = ["p50", "p99"] as const;

export function latenciesOf(values: readonly number[]): Latencies {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN };
}

/**
 * Runs all contenders in turn, `rounds` times after one round that warms up (where told), each round beginning
 * with another. All that do the whole work must give the same digest.
 */
export async function compare(
  setting: Pick<Comparison, "title" | "what" | "unit" | "rounds"> & { readonly warmUp?: boolean },
  contenders: readonly Contender[],
): Promise<Comparison> {
  const rates = contenders.map((): number[] => []);
  let digest: string | undefined;
  const { warmUp = true, ...named } = setting;
  for (let round = warmUp ? 0 : 1; round <= setting.rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const index = (i + round) % contenders.length;
      const contender = contenders[index];
      if (contender === undefined) continue;
      collectGarbage();
      const run = await contender.run();
      if ((contender.share ?? 1) === 1) digest ??= run.digest;
      if ((contender.share ?? 1) === 1 && run.digest !== digest) {
        throw new Error(
          `${setting.title}: "${contender.name}" gives ${run.digest}, others gave ${digest}`,
        );
      }
      if (round > 0) rates[index]?.push(run.units / run.seconds);
    }
  }
  return {
    ...named,
    rates: contenders.map(({ name, share = 1 }, i) => {
      const of = rates[i] ?? [];
      return { name, share, median: median(of), least: Math.min(...of), most: Math.max(...of) };
    }),
  };
}

/** How many times faster `a` is than `b`, by medians. */
export function ratio({ title, rates }: Comparison, a: string, b: string): number {
  const of = (name: string): number => {
    const rate = rates.find((other) => other.name === name);
    if (rate === undefined) throw new RangeError(`${title} has no contender "${name}"`);
    return rate.median;
  };
  return of(a) / of(b);
}

export const holds = ({ value, bound }: Figure): boolean =>
  bound === undefined || (bound.kind === "least" ? value >= bound.value : value <= bound.value);

/**
 * Seconds of processor time that `work` takes, on all threads of the process (the collector's too):
 * what other programs take of a shared machine does not count.
 */
export function timed(work: () => void): number {
  const taken = processorTime();
  work();
  return taken();
}

/** The same from this moment on, for work that waits in between. */
export function processorTime(): () => number {
  const begun = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1e6;
  };
}

/** Three significant digits with thousands apart. */
function readable(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
}

export function asText({ comparisons, figures, tables = [] }: Report): string {
  const lines: string[] = [];
  for (const { title, what, unit, rounds, rates } of comparisons) {
    lines.push("", title, `  ${what}`, `  medians of ${rounds} rounds, all in one run`, "");
    const width = Math.max(...rates.map(({ name }) => name.length));
    const ours = rates[0]?.median ?? Number.NaN;
    for (const { name, share, median: middle, least, most } of rates) {
      const spread = `${readable(least)} – ${readable(most)}`;
      lines.push(
        `  ${name.padEnd(width)}  ${readable(middle).padStart(11)} ${unit}  (${spread})` +
          `  ${rates[0]?.name === name ? "" : `first / it = ${readable(ours / middle)}`}` +
          `${share === 1 ? "" : `  [on ${readable(share * 100)} % of the keys]`}`,
      );
    }
  }
  for (const { title, rows } of tables) {
    lines.push("", title, "", ...rows.map((row) => `  ${row}`));
  }
  if (figures.length > 0) lines.push("");
  for (const figure of figures) {
    const { name, value, unit, bound } = figure;
    const wanted =
      bound === undefined
        ? ""
        : `  wanted: at ${bound.kind} ${readable(bound.value)}${holds(figure) ? "" : "  MISSED"}`;
    lines.push(`  ${name}: ${readable(value)} ${unit}${wanted}`);
  }
  return lines.join("\n");
}

/** splitmix32: the same seed gives the same numbers below `limit`. */
export function randomBelow(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return Math.floor((((z ^ (z >>> 15)) >>> 0) / 0x1_0000_0000) * limit);
  };
}
