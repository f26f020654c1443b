import { Worker } from "node:worker_threads";
import type { EngineReport } from "../engine-report.ts";
import { groupNames, type JobDefinition } from "../flow/job.ts";
import { Calls, type Reply } from "../threads/calls.ts";
import type { Part } from "../threads/ensemble.ts";
import { asFailure } from "../threads/failure.ts";
import type { Log } from "../watch/log.ts";
import type { PartData, PartFunctions, Tidings } from "./part-thread.ts";
import { packageRoot } from "./version.ts";

export interface ThreadPartOptions {
  readonly data: PartData;
  readonly definition: JobDefinition;
  readonly log: Log;
  readonly onPublished: (subject: string, latencyMs: number | undefined) => void;
  /** Told of the failure that stops the part. */
  readonly onFailure: (failure: unknown) => void;
}

/** A part of an engine on a thread of its own, as the engine's own thread sees it. */
export class ThreadPart implements Part {
  /** Names of its key groups. */
  readonly groups: ReadonlySet<string>;
  readonly #worker: Worker;
  readonly #calls: Calls<PartFunctions>;
  readonly #options: ThreadPartOptions;
  #report: EngineReport | undefined;
  #rewrites = 0;
  #closing = false;

  constructor(options: ThreadPartOptions) {
    this.#options = options;
    const { data, definition } = options;
    const { shoppers, demands } = groupNames(definition);
    this.groups = new Set([
      ...data.part.shoppers.map((g) => shoppers[g] ?? ""),
      ...data.part.demands.map((d) => demands[d] ?? ""),
    ]);
    this.#worker = new Worker(entry(), { workerData: data });
    this.#calls = new Calls(this.#worker);
    this.#worker.on("message", (message: Tidings | Reply) => {
      if ("reply" in message) this.#calls.onReply(message);
      else this.#hear(message);
    });
    this.#worker.on("error", (error) => this.#gone(error));
    this.#worker.on("exit", (code) => this.#gone(new Error(`a thread ended with ${code}`)));
  }

  get report(): EngineReport {
    if (this.#report === undefined) throw new Error("this part of the engine is not prepared");
    // It has not heard of the last one yet.
    return this.#report.rewrites < this.#rewrites
      ? { ...this.#report, rewritten: false }
      : this.#report;
  }
  prepare(about: Parameters<PartFunctions["prepare"]>[0]): Promise<void> {
    return this.#calls.call("prepare", about);
  }
  run = () => this.#calls.call("run", undefined);
  halt = () => this.#calls.call("halt", undefined);
  halted = () => this.#calls.call("halted", undefined);
  readOn = (upTo: number) => this.#calls.call("readOn", upTo);
  finish = (withinMs: number) => this.#calls.call("finish", withinMs);
  ask = (question: Parameters<PartFunctions["ask"]>[0]) => this.#calls.call("ask", question);
  inForce = () => this.#calls.call("inForce", undefined);
  /** Makes every group write all that it remembers at its next checkpoint. */
  rewrite(): void {
    this.#rewrites += 1;
    // A thread that is gone has said so.
    this.#calls.call("rewrite", undefined).catch(() => undefined);
  }
  /** Ends the thread, whatever it does. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#worker.terminate();
  }

  #hear(tidings: Tidings): void {
    const { onPublished, onFailure, log } = this.#options;
    if (tidings.tells === "log") {
      const [about, text] = tidings.line;
      log[tidings.level](about as object, text as string);
    } else if (tidings.tells === "failed") onFailure(asFailure(tidings.failure));
    else {
      this.#report = tidings.report;
      for (const [subject, latencyMs] of tidings.published) onPublished(subject, latencyMs);
    }
  }
  #gone(why: unknown): void {
    this.#calls.abandon(why);
    if (!this.#closing) this.#options.onFailure(why);
  }
}

/** The built entry, also when the caller runs from sources. */
const entry = (): URL => new URL("dist/src/cli/part-thread.js", `file://${packageRoot()}/`);
