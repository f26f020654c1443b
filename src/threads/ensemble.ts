import type { Engine, Halted } from "../engine.ts";
import { type EngineReport, type LogName, summed, together } from "../engine-report.ts";

/** A part of an engine on another thread. */
export interface Part {
  /** As it told last, a moment ago. */
  readonly report: EngineReport;
  run(): Promise<void>;
  halt(): Promise<void>;
  halted(): Promise<Halted>;
  readOn(upTo: number): Promise<void>;
  finish(withinMs: number): Promise<void>;
}

const LOOK_MS = 20;
/** A part whose thread has ended. */
const GONE: Halted = { busy: false, read: Number.POSITIVE_INFINITY, waitsFor: 0 };

/** An engine and its parts on other threads, as one. */
export class Ensemble {
  readonly #main: Engine;
  readonly #others: readonly Part[];

  constructor(main: Engine, others: readonly Part[]) {
    this.#main = main;
    this.#others = others;
  }

  /** Of all parts together. */
  report(): EngineReport {
    return together([this.#main.report(), ...this.#others.map(({ report }) => report)]);
  }
  get ready(): boolean {
    return this.#main.ready && this.#others.every(({ report }) => report.ready);
  }
  /** See `EngineReport.caughtUp`. */
  get caughtUp(): boolean {
    return this.#main.caughtUp && (this.#others.length === 0 || this.report().caughtUp);
  }
  get queues(): Readonly<Record<string, number>> {
    return summed([this.#main.queues, ...this.#others.map(({ report }) => report.queues)]);
  }
  get positions(): Readonly<Partial<Record<LogName, number>>> {
    return this.report().positions;
  }
  /** Newest second of the log that collect has come to. */
  get second(): number {
    return this.#main.job.intake.second;
  }

  /** Every part is prepared: whoever claims has claimed before anybody reads. */
  async run(): Promise<void> {
    await Promise.all(this.#others.map((part) => part.run()));
    this.#main.run();
  }

  /**
   * As `Engine.stop`, all parts together. A group may wait for what one on another thread says before
   * the place it is at: parts that stopped reading before that place read on up to it. A part that is
   * gone has said so, and the others stop without it.
   */
  async stop(withinMs = 8000): Promise<void> {
    const end = Date.now() + withinMs;
    this.#main.halt();
    await this.#tellOthers((part) => part.halt());
    while (Date.now() < end) {
      const others = await Promise.all(this.#others.map((part) => part.halted().catch(() => GONE)));
      const main = this.#main.halted();
      const halted = [main, ...others];
      if (halted.every(({ busy }) => !busy)) break;
      const upTo = Math.max(...halted.map(({ waitsFor }) => waitsFor));
      if (upTo > main.read) this.#main.readOn(upTo);
      await this.#tellOthers(async (part, i) => {
        if (upTo > (others[i] ?? GONE).read) await part.readOn(upTo);
      });
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const left = Math.max(0, end - Date.now());
    await Promise.all([this.#main.finish(left), this.#tellOthers((part) => part.finish(left))]);
  }

  async #tellOthers(tell: (part: Part, i: number) => Promise<void>): Promise<void> {
    await Promise.allSettled(this.#others.map(tell));
  }
}
