import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { headers, type NatsConnection } from "nats";
import { limitsOf } from "../src/cli/engine-options.ts";
import type { OpenJob } from "../src/cli/open-job.ts";
import { Engine } from "../src/engine.ts";
import type { FlowDefinition } from "../src/flow/graph.ts";
import type { JobDefinition } from "../src/flow/job.ts";
import { AckInbox } from "../src/nats/ack-inbox.ts";
import { connectBroker } from "../src/nats/connect.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../src/nats/embedded-server.ts";
import { StreamReader } from "../src/nats/reader.ts";
import { deleteStreams, ensureStreams, namesOf } from "../src/nats/streams.ts";
import { InlineScoring } from "../src/score/inline.ts";
import { makeLog } from "../src/watch/log.ts";
import { type Comparison, compare, type Figure, median, processorTime, ratio } from "./harness.ts";
import {
  countEmitted,
  countOutput,
  nothingYet,
  openSmallJob,
  type SmallResult,
} from "./small-job.ts";
import { RxjsJob } from "./small-job-rxjs.ts";
import { type Busy, busySince, Publisher, settled } from "./whole-path.ts";

const OURS = "Freshet, three durable hops, exactly once";
const PEER = "RxJS, one hop, outputs acknowledged";
const WANTED = 0.5;
/** Outputs of the peer that may be unacknowledged before it reads on. */
const UNACKNOWLEDGED = 4_096;
const log = makeLog("warn");

/** One run: what came out, how long it took, processor time of this process, and what it and the broker had of the processors. */
interface Ran extends Busy {
  readonly result: SmallResult;
  readonly seconds: number;
  readonly taken: number;
}
type Way = (server: EmbeddedServer, nc: NatsConnection, load: Publisher) => Promise<Ran>;

/** The small job over a broker on file: both read what another process publishes as fast as it can. */
export async function jobOverNats(short: boolean): Promise<{
  comparison: Comparison;
  figures: Figure[];
}> {
  const events = short ? 20_000 : 60_000;
  const folder = mkdtempSync(join(tmpdir(), "freshet-bench-"));
  const server = await startEmbeddedServer({ dataDir: folder, log });
  const load = await Publisher.start(server.url, events, "small");
  const nc = await connectBroker({ url: server.url }, "freshet bench");
  const ran = new Map<string, Ran[]>([
    [OURS, []],
    [PEER, []],
  ]);
  const contender = (name: string, way: Way) => ({
    name,
    async run() {
      const run = await way(server, nc, load);
      ran.get(name)?.push(run);
      return { seconds: run.seconds, units: events, digest: JSON.stringify(run.result) };
    },
  });
  try {
    const comparison = await compare(
      {
        title: "A small job, over NATS",
        what: `${events.toLocaleString("en")} events, one a message, published by another process while they are read`,
        unit: "events/s",
        rounds: short ? 1 : 3,
      },
      [contender(OURS, throughEngine), contender(PEER, throughRxjs)],
    );
    // The first run of each warms up.
    const middle = (name: string, of: (run: Ran) => number): number =>
      median(ran.get(name)?.slice(1).map(of) ?? []);
    return {
      comparison,
      figures: [
        {
          name: "Freshet / RxJS over NATS",
          value: ratio(comparison, OURS, PEER),
          unit: "×",
          bound: { kind: "least", value: WANTED },
        },
        ...[OURS, PEER].flatMap((name): Figure[] => [
          {
            name: `over NATS, ${name}`,
            value: events / middle(name, ({ taken }) => taken),
            unit: "events/s of processor time",
          },
          {
            name: `over NATS, ${name}: processors of its process`,
            value: middle(name, ({ engine }) => engine),
            unit: "",
          },
          {
            name: `over NATS, ${name}: processors of the broker`,
            value: middle(name, ({ broker }) => broker),
            unit: "",
          },
        ]),
      ],
    };
  } finally {
    await nc.close();
    load.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function throughEngine(
  server: EmbeddedServer,
  nc: NatsConnection,
  load: Publisher,
): Promise<Ran> {
  const open = await openSmallJob();
  const { prefix } = open.config.job;
  const result = nothingYet();
  await deleteStreams(nc, prefix);
  let fail: (failure: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const engine = await Engine.start({
    nc,
    definition: countingEmitted(open.job, result),
    scoring: new InlineScoring({}),
    prefix,
    instance: "bench",
    version: open.version,
    checkpointEvery: open.config.job.state.checkpointEvery,
    checkpointRecords: open.config.job.state.checkpointRecords,
    limits: limitsOf(open),
    ticks: false,
    log,
    onPublished: (output) => countOutput(output, result),
    onFailure: fail,
  });
  try {
    const timed = await timedRun(server, async () => {
      const published = load.order({ do: "events", prefix, batch: 1 });
      const done = settled(engine, open.job.intake.counts, 1);
      await Promise.race([published, failed]);
      return (await Promise.race([done, failed])) as number;
    });
    return { result, ...timed };
  } finally {
    await engine.stop();
  }
}

/** What operators say to nobody is counted where they would publish it. */
function countingEmitted(job: OpenJob["job"], result: SmallResult): JobDefinition {
  const counting = (flow: FlowDefinition): FlowDefinition => ({
    ...flow,
    nodes: flow.nodes.map(({ operator, from }) => ({
      from,
      operator: {
        ...operator,
        publish(out: unknown, key: string) {
          countEmitted(operator.name, out, result);
          return operator.publish?.(out, key);
        },
      },
    })),
  });
  return { ...job, shopper: counting(job.shopper), demand: counting(job.demand) };
}

async function throughRxjs(
  server: EmbeddedServer,
  nc: NatsConnection,
  load: Publisher,
): Promise<Ran> {
  const prefix = "rxjs";
  const names = namesOf(prefix);
  await deleteStreams(nc, prefix);
  await ensureStreams(nc, names, limitsOf(await openSmallJob()), prefix);
  const reader = new StreamReader(nc, { stream: names.in, log });
  const inbox = new AckInbox(nc, log);
  const json = headers();
  json.set("Content-Type", "application/json");
  const rx = new RxjsJob(({ subject, data }) => {
    const payload = Buffer.from(JSON.stringify(data));
    inbox.send({ subject: names.subject(subject), payload, headers: json, onAck: () => undefined });
  });
  const acknowledged = async (most: number): Promise<void> => {
    while (inbox.size > most) await sleep(1);
  };
  try {
    const timed = await timedRun(server, async () => {
      const published = load.order({ do: "events", prefix, batch: 1 });
      for await (const message of reader.messages()) {
        if (message.subject.endsWith(".tick")) break;
        rx.next(message.data);
        if (inbox.size > UNACKNOWLEDGED) await acknowledged(UNACKNOWLEDGED / 2);
      }
      rx.finish();
      await acknowledged(0);
      const ended = performance.now();
      await published;
      return ended;
    });
    return { result: rx.result, ...timed };
  } finally {
    inbox.close();
  }
}

/** `work` tells the moment at which it was done. */
async function timedRun(
  server: EmbeddedServer,
  work: () => Promise<number>,
): Promise<Omit<Ran, "result">> {
  const taken = processorTime();
  const busy = busySince(server);
  const begun = performance.now();
  const ended = await work();
  return { seconds: (ended - begun) / 1000, taken: taken(), ...busy() };
}
