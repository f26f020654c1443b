import { availableParallelism } from "node:os";
import hyperid from "hyperid";
import type { NatsConnection } from "nats";
import type { pino } from "pino";
import type { LiveTexts } from "../config/live.ts";
import { Engine, type EngineOptions } from "../engine.ts";
import { dealtOut, type JobPart } from "../flow/job-part.ts";
import { type BrokerAddress, closeConnection, connectBroker } from "../nats/connect.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../nats/embedded-server.ts";
import { RecentTimes } from "../nats/recent-times.ts";
import { RecordWriter } from "../nats/record-writer.ts";
import { deleteStreams } from "../nats/streams.ts";
import { checkpointsOf } from "../threads/checkpoints-elsewhere.ts";
import { Ensemble } from "../threads/ensemble.ts";
import { threadsFor } from "../threads/thread-count.ts";
import { type HttpServer, startHttp } from "../watch/http.ts";
import { EngineMetrics } from "../watch/metrics.ts";
import { inForceHere } from "./ask-config.ts";
import { groupOf, type Standpoint } from "./asked.ts";
import { answerAsks, tell } from "./asks.ts";
import { engineOptions, erasingOf } from "./engine-options.ts";
import type { Environment } from "./environment.ts";
import { generationsOf, type StoredGeneration } from "./log-generations.ts";
import { type OpenJob, openScoring, requireLive } from "./open-job.ts";
import { tellFolder } from "./start-generation.ts";
import { ThreadPart } from "./thread-part.ts";

export interface RunOptions {
  readonly open: OpenJob;
  readonly env: Environment;
  readonly log: pino.Logger;
  /** Folder of the embedded broker, used when neither NATS_URL nor the configuration names one. */
  readonly dataDir: string;
  /** Never connect to a broker of the environment: the demo keeps to its own. */
  readonly embeddedOnly?: boolean;
  readonly httpPort?: number;
  /** In place of what the configuration says. */
  readonly threads?: number;
  /** Forgets what an earlier run left in the streams. */
  readonly fresh?: boolean;
}

/** An engine with its broker, its metrics and the way to stop them in order. */
export interface RunningEngine {
  readonly engine: Ensemble;
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
  let ready = () => false;
  const http = await startHttp({
    host: settings.http.host,
    port: options.httpPort ?? settings.http.port,
    anyPort: options.embeddedOnly === true,
    metrics: () => metrics.text(),
    ready: () => ready(),
    log,
  });
  undo.push(() => http.close());
  const url = await brokerUrl(options, undo);
  const { tokenEnv, credentials } = settings.broker;
  const token = tokenEnv === undefined ? undefined : env[tokenEnv];
  const broker = { url, token, credentials };
  const instance = instanceName();
  const nc = await connectBroker(broker, `freshet ${instance}`);
  undo.push(() => closeConnection(nc));
  if (options.fresh === true) await deleteStreams(nc, settings.prefix);
  const { promise: failed, resolve: fail } = withResolvers<unknown>();
  const told: Listeners = {
    onPublished: (subject, latencyMs) => metrics.published(subject, latencyMs),
    onFailure: fail,
  };
  const threads = threadsFor(options.threads ?? settings.threads, availableParallelism());
  const [part, ...rest] = dealtOut(options.open.job, threads);
  const room = RecentTimes.room();
  // They read the configuration while this thread looks at the log.
  const others = rest.map((part) => openThread(options, { part, broker, instance, room, ...told }));
  for (const thread of others) undo.push(() => thread.close());
  const known = await generationsOf(nc, settings.prefix, log);
  const begun = begunWith(options.open, known);
  const open = begun === undefined ? options.open : beginning(options.open, begun);
  const scoring = openScoring(settings.scoring.workers);
  undo.push(() => scoring.close());
  const main = await preparedWith(others, begun, {
    ...engineOptions({ nc, open, scoring, instance, log }),
    ...(part === undefined ? {} : { part }),
    stored: new RecentTimes(room),
    erasing: erasingOf(open.job),
    others: checkpointsOf(others, open.job),
    onPublished: ({ subject }, latencyMs) => told.onPublished(subject, latencyMs),
    onFailure: fail,
  });
  const engine = new Ensemble(main, others);
  undo.push(() => engine.stop());
  ready = () => engine.ready;
  await engine.run();
  const { newKey, job } = open;
  // Of its own: on the engine's, asks would wait behind what the readers have asked the broker for.
  const asking = await connectBroker(broker, `freshet ${instance} asks`);
  undo.push(() => closeConnection(asking));
  const records = new RecordWriter(asking, settings.prefix, log);
  undo.push(async () => records.close());
  if (newKey !== undefined)
    await records.write({ subject: "in.key", id: `key-${newKey}`, body: { key: newKey } });
  await tellFolder(main, records, open, known, log);
  metrics.watch(engine, [job.shopper.name, job.demand.name], job.intake);
  const asks = openAsks({ nc: asking, records, log }, { engine: main, open, scoring }, others);
  undo.push(async () => asks.unsubscribe());
  return { engine, nc, url, http, failed, stop: () => undo.all() };
}

/** Who is told of what the parts of an engine do. */
interface Listeners {
  readonly onPublished: (subject: string, latencyMs: number | undefined) => void;
  readonly onFailure: (failure: unknown) => void;
}

function openThread(
  { open: { opening, job }, env, log }: RunOptions,
  {
    room,
    ...given
  }: Listeners & {
    readonly part: JobPart;
    readonly broker: BrokerAddress;
    readonly instance: string;
    readonly room: SharedArrayBuffer;
  },
): ThreadPart {
  const { part, broker, instance, onPublished, onFailure } = given;
  return new ThreadPart({
    data: { part, opening, env: { ...env }, broker, instance, stored: room, logLevel: log.level },
    definition: job,
    log,
    onPublished,
    onFailure,
  });
}

/** Prepares an engine together with its parts: none reads before all have claimed their groups. */
async function preparedWith(
  others: readonly ThreadPart[],
  begun: Begun | undefined,
  options: EngineOptions,
): Promise<Engine> {
  const { version } = options;
  const preparing = Promise.all(others.map((part) => part.prepare({ version, begun })));
  preparing.catch(() => undefined);
  const main = await Engine.prepare(options);
  try {
    await preparing;
    return main;
  } catch (failure) {
    await main.stop();
    throw failure;
  }
}

function openAsks(
  to: { nc: NatsConnection; records: RecordWriter; log: pino.Logger },
  here: Standpoint,
  others: readonly ThreadPart[],
): { unsubscribe(): void } {
  const { engine, open } = here;
  return answerAsks({
    ...to,
    open,
    second: () => engine.job.intake.second,
    ask: (question) => {
      const group = groupOf(open, question.asked);
      const part = others.find(({ groups }) => groups.has(group));
      return part === undefined ? tell(here, question) : part.ask(question);
    },
    inForce: () => Promise.all([inForceHere(here), ...others.map((part) => part.inForce())]),
  });
}

/** The live files that a log began with. */
interface Begun {
  readonly texts: LiveTexts;
  readonly digest: string;
}

const beginning = (open: OpenJob, { texts, digest }: Begun): OpenJob => ({
  ...open,
  job: open.beginningWith(texts, digest),
});

/**
 * A log goes on with what it began with; what it has in force must go with the rest of the folder.
 * Undefined where it began with the folder as it is.
 */
function begunWith({ config }: OpenJob, known: readonly StoredGeneration[]): Begun | undefined {
  const [first, last] = [known[0]?.record, known.at(-1)?.record];
  if (last !== undefined) requireLive(config, last.texts);
  if (first?.generation !== 0 || first.digest === config.live.digest) return undefined;
  return { texts: first.texts, digest: first.digest };
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

/** Where clients look for a broker when nobody told them of another. */
const USUAL_PORT = 4222;

function startServer({ open, log, dataDir, env }: RunOptions): Promise<EmbeddedServer> {
  const { port } = open.config.job.broker;
  const storeKey = env["FRESHET_STORE_KEY"];
  const binary = env["NATS_SERVER_BIN"];
  return startEmbeddedServer({
    dataDir,
    log,
    firstPort: USUAL_PORT,
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
