import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openJob } from "../src/cli/open-job.ts";
import { type RunningEngine, startEngine } from "../src/cli/running-engine.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../src/nats/embedded-server.ts";
import { makeLog } from "../src/watch/log.ts";
import { type Bare, type BarePace, barePath } from "./bare-path.ts";
import {
  type BenchOptions,
  type Figure,
  type Latencies,
  QUANTILES,
  type Report,
} from "./harness.ts";
import type { Asked, Pace, Paced } from "./open-loop.ts";
import { type Busy, busySince, Publisher, settled } from "./whole-path.ts";

const WANTED_RATE = 20_000;
const LADDER: readonly number[] = [200, 500, 1_000, 2_000, 4_000, 8_000, 16_000];
/** Who has everything done so soon after the last event keeps up. */
const SOON_MS = 1_000;
const ASKS_A_SECOND = 500;
const EVENTS = 60_000;
const WANTED = { recommended: { p50: 10, p99: 50 }, answered: { p99: 25 } } as const;
const log = makeLog("warn");

/** A pace, and how the engine bore it. */
interface Borne extends Paced, Busy {
  readonly wanted: number;
  readonly of: Asked | undefined;
  /** From the last event until everything it led to was done; undefined when it is left undone. */
  readonly behindMs: number | undefined;
  /** Part of the events sent so far that had been read when the listening ended. */
  readonly read: number;
}

/** The shipped job on fresh streams, its goods known, and the process that sends. */
class Shop {
  readonly #server: EmbeddedServer;
  readonly #load: Publisher;
  readonly #running: RunningEngine;
  readonly #counts: { readonly ticks: number; readonly in: number };
  readonly #prefix: string;
  #ticks = 1;
  #sent = 0;
  #begunWith = 0;

  static async open(server: EmbeddedServer, load: Publisher): Promise<Shop> {
    const open = await openJob(undefined, {}, { trustRecv: true, quiet: true });
    const env = { NATS_URL: server.url };
    const running = await startEngine({ open, env, log, dataDir: "", fresh: true, httpPort: 0 });
    const shop = new Shop(server, load, running, open.job.intake.counts, open.config.job.prefix);
    await load.order({ do: "facts", prefix: shop.#prefix });
    await settled(running.engine, shop.#counts, shop.#ticks);
    shop.#begunWith = shop.#counts.in;
    return shop;
  }
  private constructor(
    server: EmbeddedServer,
    load: Publisher,
    running: RunningEngine,
    counts: { readonly ticks: number; readonly in: number },
    prefix: string,
  ) {
    this.#server = server;
    this.#load = load;
    this.#running = running;
    this.#counts = counts;
    this.#prefix = prefix;
  }
  close(): Promise<void> {
    return this.#running.stop();
  }

  /** `leave`: what is not done when the listening ends is not waited for. */
  async bear(
    rate: number,
    seconds: number,
    { of, leave = false }: { of?: Asked | undefined; leave?: boolean } = {},
  ): Promise<Borne> {
    const asks = of === undefined ? undefined : { of, rate: ASKS_A_SECOND };
    const busy = busySince(this.#server);
    let given = false;
    this.#ticks += 1;
    const done = settled(this.#running.engine, this.#counts, this.#ticks, () => given);
    const pace = { rate, seconds, asks, listenMs: SOON_MS };
    const paced = await this.#load.order({ do: "pace", prefix: this.#prefix, ...pace });
    const shares = busy();
    this.#sent += Math.round(rate * seconds);
    const read = (this.#counts.in - this.#begunWith) / this.#sent;
    given = leave;
    const doneAt = await done;
    const behindMs =
      doneAt === undefined ? undefined : performance.timeOrigin + doneAt - paced.endedAt;
    return { ...paced, ...shares, wanted: rate, of, behindMs, read };
  }
}

/** All paces of one run. */
interface Run {
  /** The ladder, up to the first rate that is not done with in time. */
  readonly steps: readonly Borne[];
  readonly kept: number | undefined;
  /** Asks beside the highest rate that keeps up, and beside the one that is wanted. */
  readonly beside: readonly Borne[];
  readonly wanted: readonly Borne[];
}

/** How long people, pages and services wait, at rates that do not wait for the engine. */
export async function latency({ short }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "freshet-bench-"));
  const server = await startEmbeddedServer({ dataDir: folder, log });
  const load = await Publisher.start(server.url, short ? EVENTS / 10 : EVENTS);
  try {
    const shop = await Shop.open(server, load);
    let run: Run;
    try {
      run = await measured(shop, short);
    } finally {
      await shop.close();
    }
    return reportOf(run, await withoutEngine(server, load, run, short));
  } finally {
    load.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measured(shop: Shop, short: boolean): Promise<Run> {
  const seconds = short ? 2 : 12;
  const steps: Borne[] = [];
  // Warms up: what it measures is not told.
  await shop.bear(short ? 200 : 1_000, seconds);
  let kept: number | undefined;
  for (const rate of short ? LADDER.slice(0, 2) : LADDER) {
    const step = await shop.bear(rate, seconds);
    steps.push(step);
    if ((step.behindMs ?? Number.POSITIVE_INFINITY) > SOON_MS) break;
    kept = rate;
  }
  const steady = kept ?? (LADDER[0] as number);
  const beside: Borne[] = [];
  for (const of of ["recommend", "profile"] as const) {
    beside.push(await shop.bear(steady, seconds, { of }));
  }
  const wanted: Borne[] = [];
  for (const of of ["recommend", "profile"] as const) {
    wanted.push(await shop.bear(WANTED_RATE, short ? 1 : 5, { of, leave: true }));
  }
  return { steps, kept, beside, wanted };
}

/** The bare path at the same rates once the engine is gone, with asks beside those that had them. */
async function withoutEngine(
  server: EmbeddedServer,
  load: Publisher,
  { steps, beside, wanted }: Run,
  short: boolean,
): Promise<Bare[]> {
  const seconds = short ? 1 : 4;
  const paces = [...steps, ...beside.slice(0, 1), ...wanted.slice(0, 1)].map(
    ({ wanted: rate, of }): BarePace => ({
      rate,
      seconds,
      ...(of === undefined ? {} : { asks: ASKS_A_SECOND }),
    }),
  );
  const send = (order: Pace & { readonly prefix: string }) => load.order({ do: "pace", ...order });
  // Warms up, as above.
  await barePath(server, send, { rate: LADDER[0] as number, seconds });
  const bare: Bare[] = [];
  for (const pace of paces) bare.push(await barePath(server, send, pace));
  return bare;
}

function reportOf({ steps, kept, beside, wanted }: Run, bare: readonly Bare[]): Report {
  const columns = (events: string, done: string, who: string): string =>
    `  ev/s   sent  ${events.padEnd(30)}  ${"asks".padEnd(34)} ${done.padStart(10)}  ${who}  broker  others`;
  const steady = beside[0]?.wanted;
  const best = steps.find(({ wanted: rate }) => rate === steady);
  return {
    comparisons: [],
    tables: [
      {
        title: "Waiting, in ms from the intended moment: p50 / p99 / longest (how many)",
        rows: [
          columns("recommendations", "done after", "engine"),
          ...[...steps, ...beside, ...wanted].map((step) =>
            asRow(step, step.recommendations, doneOf(step)),
          ),
        ],
      },
      {
        title:
          "The bare path: the same events to a reader that does nothing, asks answered with nothing",
        rows: [
          columns("arrivals", "", "reader"),
          ...bare.map((step) => asRow(step, step.arrivals, "")),
        ],
      },
    ],
    figures: [
      { name: "highest rate of the ladder that keeps up", value: kept ?? 0, unit: "events/s" },
      ...(best === undefined ? [] : ofRecommendations(best, bare)),
      ...beside.flatMap((step) => ofAsks(step, bare)),
      ...ofRecommendations(wanted[0] as Borne, bare),
      ...wanted.flatMap((step) => ofAsks(step, bare)),
    ],
  };
}

function asRow(
  step: Pick<Borne, "wanted" | "rate" | "asks" | "engine" | "broker" | "all"> & {
    readonly of?: Asked | undefined;
  },
  events: Latencies,
  done: string,
): string {
  const { wanted, rate, of = "", asks, engine, broker, all } = step;
  const asked =
    asks === undefined
      ? "–"
      : `${of} ${waits(asks)}${asks.unanswered > 0 ? `, ${asks.unanswered} unanswered` : ""}`;
  return [
    String(wanted).padStart(6),
    rate.toFixed(0).padStart(6),
    ` ${waits(events).padEnd(30)}`,
    ` ${asked.trimStart().padEnd(34)}`,
    done.padStart(10),
    engine.toFixed(2).padStart(7),
    broker.toFixed(2).padStart(7),
    (all - engine - broker).toFixed(2).padStart(7),
  ].join(" ");
}

const doneOf = ({ behindMs, read }: Borne): string =>
  behindMs === undefined
    ? `left at ${(100 * read).toFixed(0)} %`
    : `${(behindMs / 1000).toFixed(1)} s`;

const waits = ({ count, p50, p99, max }: Latencies): string =>
  count === 0 ? "none" : `${[p50, p99, max].map((ms) => ms.toFixed(1)).join(" / ")} (${count})`;

/** Beside asks or without them: of some rates there are both. */
const bareAt = (bare: readonly Bare[], rate: number, asked: boolean): Bare | undefined =>
  bare.find(({ wanted, asks }) => wanted === rate && (asks !== undefined) === asked);

function ofRecommendations(
  { wanted, of, recommendations }: Borne,
  bare: readonly Bare[],
): Figure[] {
  const at = `at ${wanted.toLocaleString("en")} events/s`;
  const arrivals = bareAt(bare, wanted, of !== undefined)?.arrivals;
  return QUANTILES.flatMap((which): Figure[] => {
    const value = recommendations[which];
    const beside = arrivals?.[which] ?? Number.NaN;
    const bound = { kind: "most" as const, value: WANTED.recommended[which] };
    return [
      { name: `event → recommendation ${at}, ${which}`, value, unit: "ms", bound },
      { name: `event → bare reader ${at}, ${which}`, value: beside, unit: "ms" },
      { name: `recommendation / bare reader ${at}, ${which}`, value: value / beside, unit: "×" },
    ];
  });
}

function ofAsks({ wanted, of, asks }: Borne, bare: readonly Bare[]): Figure[] {
  if (asks === undefined) return [];
  const beside = `beside ${wanted.toLocaleString("en")} events/s, p99`;
  const nothing = bareAt(bare, wanted, true)?.asks?.p99 ?? Number.NaN;
  const bound = { kind: "most" as const, value: WANTED.answered.p99 };
  return [
    { name: `ask.${of} ${beside}`, value: asks.p99, unit: "ms", bound },
    { name: `ask.${of} / answered with nothing ${beside}`, value: asks.p99 / nothing, unit: "×" },
  ];
}
