import { availableParallelism } from "node:os";
import hyperid from "hyperid";
import type { NatsConnection } from "nats";
import type { pino } from "pino";
import { Engine } from "../engine.ts";
import type { Output } from "../flow/output.ts";
import { connectBroker } from "../nats/connect.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../nats/embedded-server.ts";
import { deleteStreams } from "../nats/streams.ts";
import { type HttpServer, startHttp } from "../watch/http.ts";
import { EngineMetrics } from "../watch/metrics.ts";
import { answerAsks } from "./asks.ts";
import type { Environment } from "./environment.ts";
import { type OpenJob, openScoring } from "./open-job.ts";

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
  readonly onPublished?: (output: Output) => void;
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

/** Starts broker (unless one is named), engine and metrics; rejects with a Fault. */
export async function startEngine(options: RunOptions): Promise<RunningEngine> {
  const { open, env, log } = options;
  const { job: settings } = open.config;
  const named =
    options.embeddedOnly === true ? undefined : (env["NATS_URL"] ?? settings.broker.url);
  const server = named === undefined ? await startServer(options) : undefined;
  const url = named ?? server?.url ?? "";
  const tokenName = settings.broker.tokenEnv;
  const token = tokenName === undefined ? undefined : env[tokenName];
  const instance = hyperid({ urlSafe: true })()
    .replaceAll(/[^a-zA-Z0-9_-]/g, "")
    .slice(-12);
  const nc = await connectBroker({ url, token }, `freshet ${instance}`);
  if (options.fresh === true) await deleteStreams(nc, settings.prefix);
  const scoring = openScoring(settings.scoring.workers, availableParallelism());
  const { promise: failed, resolve: fail } = withResolvers<unknown>();
  const metrics = new EngineMetrics();
  const engine = await Engine.start({
    nc,
    definition: open.job,
    scoring,
    prefix: settings.prefix,
    instance,
    limits: {
      maxAge: settings.broker.keepIn,
      maxOutAge: settings.broker.keepOut,
      maxBytes: settings.broker.maxBytes ?? -1,
      duplicateWindow: settings.broker.duplicateWindow,
      replicas: settings.broker.replicas,
    },
    ticks: !open.job.trustsEvents,
    log,
    onPublished: (output, latencyMs) => {
      metrics.published(output.subject, latencyMs);
      options.onPublished?.(output);
    },
    onFailure: fail,
  });
  metrics.watch(engine, open.job.intake);
  const asks = answerAsks({ nc, engine, open, scoring, log });
  const http = await startHttp({
    host: settings.http.host,
    port: options.httpPort ?? settings.http.port,
    metrics: () => metrics.text(),
    ready: () => engine.ready,
    log,
  });
  const stop = async () => {
    asks.unsubscribe();
    await engine.stop();
    await http.close();
    await scoring.close();
    await nc.close();
    await server?.stop();
  };
  void server?.exited.then((exit) => {
    if (exit !== undefined) log.debug({ exit }, "embedded broker has ended");
  });
  return { engine, nc, url, http, failed, stop };
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
