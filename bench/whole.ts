import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openJob } from "../src/cli/open-job.ts";
import { startEngine } from "../src/cli/running-engine.ts";
import { decodeBody, WIRE_LIMITS } from "../src/codec/wire.ts";
import { connectBroker } from "../src/nats/connect.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../src/nats/embedded-server.ts";
import { makeLog } from "../src/watch/log.ts";
import { bareReader } from "./bare-reader.ts";
import { type BenchOptions, type Comparison, type Figure, median, type Report } from "./harness.ts";
import { type Busy, busySince, Publisher, settled } from "./whole-path.ts";

/** One run: from the first event's publication until everything it leads to stands on the broker. */
interface Measured extends Busy {
  readonly eventsPerSecond: number;
}

const ENGINE = "three flows, exactly once";
const HOPS = "three hops, no operator but who it is";
const BARE = "bare loop: read and decode";
const WANTED = 30_000;
/** Part of the bare loop's rate, by events a message. */
const WANTED_OF_BARE = { 1: 0.3, 50: 0.12 } as const;
const log = makeLog("warn");

async function measure(
  server: EmbeddedServer,
  events: number,
  work: () => Promise<number>,
): Promise<Measured> {
  const busy = busySince(server);
  const begun = performance.now();
  const ended = await work();
  return { eventsPerSecond: events / ((ended - begun) / 1000), ...busy() };
}

/** The same messages, read and done with by one contender. */
type Way = (
  server: EmbeddedServer,
  load: Publisher,
  events: number,
  batch: number,
) => Promise<Measured>;

/** The shipped job, or one pack of it, on fresh streams. Time comes from the events, so that every flow does its work. */
const throughEngine =
  (pack?: string): Way =>
  async (server, load, events, batch) => {
    const open = await openJob(undefined, {}, { trustRecv: true, quiet: true, pack });
    const env = { NATS_URL: server.url };
    const running = await startEngine({ open, env, log, dataDir: "", fresh: true, httpPort: 0 });
    const { counts } = open.job.intake;
    const { prefix } = open.config.job;
    const done = async (ticks: number): Promise<number> =>
      (await settled(running.engine, counts, ticks)) as number;
    try {
      await load.order({ do: "facts", prefix });
      await done(1);
      const measured = await measure(server, events, async () => {
        await load.order({ do: "events", prefix, batch });
        return done(2);
      });
      const { events: applied, duplicate, late, deadLettered } = counts;
      if (applied + duplicate + late + deadLettered < events) {
        throw new Error(`only ${applied} of ${events} events came through`);
      }
      return measured;
    } finally {
      await running.stop();
    }
  };

/** The same messages by the same reader, decoded as collect decodes them, and nothing else. */
const bareLoop: Way = async (server, load, events, batch) => {
  const prefix = "bare";
  const nc = await connectBroker({ url: server.url }, "freshet bench");
  try {
    const reader = await bareReader(nc, prefix);
    return await measure(server, events, async () => {
      const published = load.order({ do: "events", prefix, batch });
      let decoded = 0;
      for await (const message of reader.messages()) {
        if (message.subject.endsWith(".tick")) break;
        const type = message.headers?.get("Content-Type") || undefined;
        const body = decodeBody(message.data, type, WIRE_LIMITS);
        if (body.ok) decoded += body.values.length;
      }
      const ended = performance.now();
      await published;
      if (decoded < events * 0.9) throw new Error(`only ${decoded} of ${events} events were sound`);
      return ended;
    });
  } finally {
    await nc.close();
  }
};

/** The first is ours. Of the three hops one round is enough: they are a bound, not a peer. */
const WAYS: readonly { readonly name: string; readonly way: Way; readonly rounds: number }[] = [
  { name: ENGINE, way: throughEngine(), rounds: 2 },
  { name: HOPS, way: throughEngine("collect"), rounds: 1 },
  { name: BARE, way: bareLoop, rounds: 2 },
];

export async function whole({ short }: BenchOptions): Promise<Report> {
  const events = short ? 20_000 : 60_000;
  const folder = mkdtempSync(join(tmpdir(), "freshet-bench-"));
  const server = await startEmbeddedServer({ dataDir: folder, log });
  const load = await Publisher.start(server.url, events);
  const comparisons: Comparison[] = [];
  const figures: Figure[] = [];
  try {
    // The first run of all warms up: it is not counted.
    await throughEngine()(server, load, events, 50);
    for (const batch of [1, 50] as const) {
      const title =
        batch === 1 ? "Whole path: one event a message" : `Whole path: ${batch} a message`;
      const runs = WAYS.map((): Measured[] => []);
      const rounds = short ? 1 : 2;
      for (let round = 0; round < rounds; round += 1) {
        for (const [i, { way, rounds: most }] of WAYS.entries()) {
          if (round < most) runs[i]?.push(await way(server, load, events, batch));
        }
      }
      const what = `${events.toLocaleString("en")} events of the simulated shop, published by another process while they are read; one round of the three hops`;
      const rates = WAYS.map(({ name }, i) => rate(name, runs[i] ?? []));
      comparisons.push({ title, what, unit: "events/s", rounds, rates });
      figures.push(...figuresOf(title, runs, WANTED_OF_BARE[batch]));
    }
  } finally {
    load.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return { comparisons, figures };
}

/** How the contenders, in the order of `WAYS`, compare, and what processors they had. */
function figuresOf(
  title: string,
  runs: readonly (readonly Measured[])[],
  wantedOfBare: number,
): Figure[] {
  const [engine, hops, bare] = runs.map((of) => median(of.map((run) => run.eventsPerSecond))) as [
    number,
    number,
    number,
  ];
  const microseconds = (eventsPerSecond: number): number => 1e6 / eventsPerSecond;
  return [
    {
      name: `${title}: through all three flows`,
      value: engine,
      unit: "events/s",
      bound: { kind: "least", value: WANTED },
    },
    {
      name: `${title}: flows / bare loop`,
      value: engine / bare,
      unit: "×",
      bound: { kind: "least", value: wantedOfBare },
    },
    { name: `${title}: three hops / bare loop`, value: hops / bare, unit: "×" },
    {
      name: `${title}: what ${wantedOfBare} of the bare loop leaves beside three hops`,
      value: microseconds(wantedOfBare * bare) - microseconds(hops),
      unit: "µs an event",
    },
    {
      name: `${title}: what the flows take beside three hops`,
      value: microseconds(engine) - microseconds(hops),
      unit: "µs an event",
    },
    ...WAYS.flatMap(({ name }, i) =>
      (["engine", "broker"] as const).map((whose) => ({
        name: `${title}: processors of the ${whose}, ${name}`,
        value: median((runs[i] ?? []).map((run) => run[whose])),
        unit: "",
      })),
    ),
  ];
}

function rate(name: string, runs: readonly Measured[]) {
  const rates = runs.map((run) => run.eventsPerSecond);
  return {
    name,
    share: 1,
    median: median(rates),
    least: Math.min(...rates),
    most: Math.max(...rates),
  };
}
