import hyperid from "hyperid";
import type { NatsConnection } from "nats";
import type { pino } from "pino";
import { ERASE } from "../../operators/collect/collect.ts";
import { Engine } from "../engine.ts";
import { connectBroker } from "../nats/connect.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../nats/embedded-server.ts";
import { deleteStreams, type StreamLimits } from "../nats/streams.ts";
import { type HttpServer, startHttp } from "../watch/http.ts";
import { EngineMetrics } from "../watch/metrics.ts";
import { answerAsks } from "./asks.ts";
import type { Environment } from "./environment.ts";
import { generationsOf, type StoredGeneration } from "./log-generations.ts";
import { type OpenJob, openScoring, requireLive } from "./open-job.ts";
import { tellFolder } from "./start-generation.ts";

export interface RunOptions {
  readonly open: OpenJob;
  readonly env: Environment;
  readonly log: pino.Logger;
  /** Folder of the embedded broker, used when neither NATS_URL nor the configuration names one. */
  readonly dataDir: string;
  /** Never connect to a broker of the environment: the demo keeps to its own. */
  readonly embeddedOnly?: boolean;
  readonly httpPort?: number;
  /** Forgets what an earlier run left in the streams. */
  readonly fresh?: boolean;
}

/** An engine with its broker, its metrics and the way to stop them in order. */
export interface RunningEngine {
  readonly engine: Engine;
  readonly nc: NatsConnection;
  /** Of the broker. */
  readonly url: string;
  readonly http: HttpServer;
  /** Settles with the failure that stopped the engine, if one does. */
  readonly failed: Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts broker (unless one is named), engine and metrics; rejects with a Fault, nothing left running. */
export async function startEngine(options: RunOptions): Promise<RunningEngine> {
  const undo = new Undo();
  try {
    return await assemble(options, undo);
  } catch (error) {
    await undo.all();
    throw error;
  }
}

async function assemble(options: RunOptions, undo: Undo): Promise<RunningEngine> {
  const { env, log } = options;
  const { job: settings } = options.open.config;
  const metrics = new EngineMetrics();
  let engine: Engine | undefined;
  const http = await startHttp({
    host: settings.http.host,
    port: options.httpPort ?? settings.http.port,
    anyPort: options.embeddedOnly === true,
    metrics: () => metrics.text(),
    ready: () => engine?.ready === true,
    log,
  });
  undo.push(() => http.close());
  const url = await brokerUrl(options, undo);
  const { tokenEnv, credentials } = settings.broker;
  const token = tokenEnv === undefined ? undefined : env[tokenEnv];
  const instance = instanceName();
  const nc = await connectBroker({ url, token, credentials }, `freshet ${instance}`);
  undo.push(() => nc.close());
  if (options.fresh === true) await deleteStreams(nc, settings.prefix);
  const known = await generationsOf(nc, settings.prefix, log);
  const open = asBegun(options.open, known);
  const scoring = openScoring(settings.scoring.workers);
  undo.push(() => scoring.close());
  const { promise: failed, resolve: fail } = withResolvers<unknown>();
  engine = await Engine.start({
    nc,
    definition: open.job,
    scoring,
    prefix: settings.prefix,
    instance,
    version: open.version,
    checkpointEvery: settings.state.checkpointEvery,
    checkpointRecords: settings.state.checkpointRecords,
    limits: limitsOf(open),
    erasing: {
      subject: ERASE,
      read: (record) => open.job.intake.readErasure(record),
      concerns: (message, whom) => open.job.intake.concerns(message, whom),
    },
    // Read before events are decided by it, and not for each of them again.
    onRestored: ({ shoppers }) => {
      for (const { task } of shoppers) open.job.generations.at(task.facts);
    },
    keepRaw: settings.collect.keepRaw,
    ticks: !open.job.trustsEvents,
    log,
    onPublished: (output, latencyMs) => metrics.published(output.subject, latencyMs),
    onFailure: fail,
  });
  const running = engine;
  undo.push(() => running.stop());
  const { newKey } = open;
  if (newKey !== undefined) await engine.remember("in.key", `key-${newKey}`, { key: newKey });
  await tellFolder(engine, open, known, log);
  metrics.watch(engine, open.job.intake);
  const asks = answerAsks({ nc, engine, open, scoring, log });
  undo.push(async () => asks.unsubscribe());
  return { engine, nc, url, http, failed, stop: () => undo.all() };
}

/** A log goes on with what it began with; what it has in force must go with the rest of the folder. */
function asBegun(open: OpenJob, known: readonly StoredGeneration[]): OpenJob {
  const [first, last] = [known[0]?.record, known.at(-1)?.record];
  if (last !== undefined) requireLive(open.config, last.texts);
  if (first?.generation !== 0 || first.digest === open.config.live.digest) return open;
  return { ...open, job: open.beginningWith(first.texts, first.digest) };
}

/** The broker named, or one of the engine's own. */
async function brokerUrl(options: RunOptions, undo: Undo): Promise<string> {
  const { open, env, embeddedOnly } = options;
  const named = embeddedOnly === true ? undefined : (env["NATS_URL"] ?? open.config.job.broker.url);
  if (named !== undefined) return named;
  const server = await startServer(options);
  undo.push(() => server.stop());
  return server.url;
}

export function limitsOf({ config }: OpenJob): StreamLimits {
  const { keepIn, keepOut, maxBytes, duplicateWindow, replicas } = config.job.broker;
  return {
    maxAge: keepIn,
    maxOutAge: keepOut,
    maxBytes: maxBytes ?? -1,
    duplicateWindow,
    replicas,
  };
}

const instanceName = (): string =>
  hyperid({ urlSafe: true })()
    .replaceAll(/[^a-zA-Z0-9_-]/g, "")
    .slice(-12);

/** What was started, to be stopped in the opposite order. */
class Undo {
  readonly #steps: (() => Promise<void>)[] = [];

  push(step: () => Promise<void>): void {
    this.#steps.push(step);
  }
  async all(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step();
  }
}

function startServer({ open, log, dataDir, env }: RunOptions): Promise<EmbeddedServer> {
  const { port } = open.config.job.broker;
  const storeKey = env["FRESHET_STORE_KEY"];
  const binary = env["NATS_SERVER_BIN"];
  return startEmbeddedServer({
    dataDir,
    log,
    ...(port === undefined ? {} : { port }),
    ...(storeKey === undefined ? {} : { storeKey }),
    ...(binary === undefined ? {} : { binary }),
  });
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((r) => {
    resolve = r;
  });
  return { promise, resolve };
}
