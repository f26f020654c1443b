import { parentPort, workerData } from "node:worker_threads";
import type { NatsConnection } from "nats";
import { pino } from "pino";
import type { LiveTexts } from "../config/live.ts";
import { Engine, type Halted } from "../engine.ts";
import type { EngineReport } from "../engine-report.ts";
import type { JobPart } from "../flow/job-part.ts";
import { type BrokerAddress, closeConnection, connectBroker } from "../nats/connect.ts";
import { RecentTimes } from "../nats/recent-times.ts";
import { serveCalls } from "../threads/calls.ts";
import { type PlainFailure, plainFailure } from "../threads/failure.ts";
import type { Log } from "../watch/log.ts";
import { type InForce, inForceHere } from "./ask-config.ts";
import type { Standpoint } from "./asked.ts";
import { type Asked, type Told, tell } from "./asks.ts";
import { engineOptions } from "./engine-options.ts";
import type { Environment } from "./environment.ts";
import { type JobOpening, openJob, openScoring } from "./open-job.ts";

/** What a thread of an engine is made of; plain data. */
export interface PartData {
  readonly part: JobPart;
  readonly opening: JobOpening;
  readonly env: Environment;
  readonly broker: BrokerAddress;
  readonly instance: string;
  readonly stored: SharedArrayBuffer;
  readonly logLevel: string;
}

/** What the engine's own thread calls. */
export interface PartFunctions {
  /** `begun`: what the log began with, where the folder has something else by now. */
  prepare(about: {
    version: string;
    begun: { texts: LiveTexts; digest: string } | undefined;
  }): Promise<void>;
  run(): void;
  halt(): void;
  halted(): Halted;
  readOn(upTo: number): void;
  finish(withinMs: number): Promise<void>;
  rewrite(): void;
  ask(question: Asked): Promise<Told>;
  inForce(): InForce;
}

/** What the thread tells unasked. */
export type Tidings =
  | {
      readonly tells: "report";
      readonly report: EngineReport;
      /** Outputs that stand since the last one: subject, and latency in milliseconds. */
      readonly published: readonly (readonly [subject: string, latencyMs: number | undefined])[];
    }
  | { readonly tells: "failed"; readonly failure: PlainFailure }
  | { readonly tells: "log"; readonly level: Level; readonly line: readonly unknown[] };

type Level = "debug" | "info" | "warn" | "error";

const REPORT_MS = 100;

const port = parentPort;
if (port === null) throw new Error("this is the entry of a thread");
const post = (tidings: Tidings) => port.postMessage(tidings);
const { part, opening, env, broker, instance, stored, logLevel } = workerData as PartData;

const opened = openJob(opening.folder, env, { ...opening.options, quiet: true });
// Whoever prepares it is told.
opened.catch(() => undefined);
let nc: NatsConnection | undefined;
let where: Standpoint | undefined;
let published: [string, number | undefined][] = [];

const here = (): Standpoint => {
  if (where === undefined) throw new Error("this part of the engine is not prepared");
  return where;
};
function report(): void {
  if (where === undefined) return;
  post({ tells: "report", report: where.engine.report(), published });
  published = [];
}

const functions: PartFunctions = {
  async prepare({ version, begun }) {
    const found = await opened;
    if (found.version !== version) throw new Error("the configuration changed while it was read");
    const job = begun === undefined ? found.job : found.beginningWith(begun.texts, begun.digest);
    const open = { ...found, job };
    const scoring = openScoring(open.config.job.scoring.workers);
    nc = await connectBroker(broker, `freshet ${instance}`);
    const engine = await Engine.prepare({
      ...engineOptions({ nc, open, scoring, instance, log: makeLog() }),
      part,
      stored: new RecentTimes(stored),
      onPublished: ({ subject }, latencyMs) => published.push([subject, latencyMs]),
      onFailure: (failure) => post({ tells: "failed", failure: plainFailure(failure) }),
    });
    where = { engine, open, scoring };
    report();
    setInterval(report, REPORT_MS);
  },
  run: () => here().engine.run(),
  halt: () => here().engine.halt(),
  halted: () => here().engine.halted(),
  readOn: (upTo) => here().engine.readOn(upTo),
  async finish(withinMs) {
    await here().engine.finish(withinMs);
    report();
    await here().scoring.close();
    if (nc !== undefined) await closeConnection(nc);
  },
  rewrite: () => {
    here().engine.rewrite();
    report();
  },
  ask: (question) => tell(here(), question),
  inForce: () => inForceHere(here()),
};

/** Lines go where the engine's own thread writes them. */
function makeLog(): Log {
  const rank = (level: string) => pino.levels.values[level] ?? Number.POSITIVE_INFINITY;
  const say = (level: Level) =>
    rank(level) < rank(logLevel)
      ? () => undefined
      : (...line: unknown[]) => post({ tells: "log", level, line });
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}

serveCalls(port, functions as unknown as Parameters<typeof serveCalls>[1]);
