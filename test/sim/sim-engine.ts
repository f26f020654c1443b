import type { ShopJob } from "../../operators/job.ts";
import { scoringFunctions } from "../../operators/scoring.ts";
import type { Random } from "../../operators/simulated-shop/random.ts";
import { erasingOf } from "../../src/cli/engine-options.ts";
import { Engine } from "../../src/engine.ts";
import { dealtOut, type JobPart } from "../../src/flow/job-part.ts";
import { RecentTimes } from "../../src/nats/recent-times.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { checkpointsOf } from "../../src/threads/checkpoints-elsewhere.ts";
import { Ensemble } from "../../src/threads/ensemble.ts";
import { days, millis } from "../../src/time/event-time.ts";
import { partOf } from "../support/engine-part.ts";
import type { SimBroker } from "./broker.ts";
import { Owner, type SimClock } from "./clock.ts";
import { SimConnection, type Weather } from "./connection.ts";

export const PREFIX = "freshet";

export interface SimEngineOptions {
  readonly name: string;
  readonly job: ShopJob;
  /** Parts of the engine, each with a connection of its own: threads that the simulated clock deals turns to. */
  readonly threads: number;
  readonly windowMs: number;
  readonly checkpointEveryMs: number;
  readonly checkpointRecords: number;
  readonly clock: SimClock;
  readonly broker: SimBroker;
  readonly weather: Weather;
  readonly wire: Owner;
  /** Told what it says aloud: a run without a fault of the log has nothing to say. */
  readonly onFailure: (failure: unknown) => void;
  readonly trace?: ((line: string) => void) | undefined;
}

type ElsewherePart = Parameters<typeof checkpointsOf>[0][number];

const elsewherePart = (engine: Engine): ElsewherePart => ({
  get report() {
    return engine.report();
  },
  rewrite: () => engine.rewrite(),
});

/** One process that runs the engine: it may be killed, stopped for a while, or asked to end. */
export class SimEngine {
  readonly owner: Owner;
  readonly job: ShopJob;
  readonly #clock: SimClock;
  readonly connections: readonly SimConnection[];
  #parts: readonly Engine[] = [];
  #engine: Ensemble | undefined;

  constructor(options: SimEngineOptions) {
    const { name, job, threads, clock, broker, weather, wire } = options;
    this.#clock = clock;
    this.job = job;
    this.owner = new Owner(name);
    const { owner } = this;
    const parts = dealtOut(job, threads);
    this.connections = parts.map(() => new SimConnection({ clock, broker, weather, owner, wire }));
    const stored = new RecentTimes(RecentTimes.room());
    clock.as(owner, () => {
      this.#prepare(options, parts, stored).then(
        async (engine) => {
          await engine.run();
          this.#engine = engine;
        },
        (error: unknown) => {
          options.trace?.(`${name} does not start: ${String(error)}`);
          this.kill();
        },
      );
    });
  }

  async #prepare(
    options: SimEngineOptions,
    parts: readonly JobPart[],
    stored: RecentTimes,
  ): Promise<Ensemble> {
    const { name, job, windowMs } = options;
    const { owner } = this;
    const say = (level: string) => (about: unknown, text?: unknown) =>
      options.trace?.(`${name} ${level} ${text} ${JSON.stringify(about)}`);
    const elsewhere: ElsewherePart[] = [];
    const prepare = (part: JobPart, i: number) =>
      Engine.prepare({
        nc: (this.connections[i] as SimConnection).nc,
        definition: job,
        part,
        stored,
        scoring: new InlineScoring(scoringFunctions),
        prefix: PREFIX,
        instance: name,
        version: "sim",
        checkpointEvery: millis(options.checkpointEveryMs),
        checkpointRecords: options.checkpointRecords,
        limits: {
          maxAge: days(30),
          maxOutAge: days(30),
          maxBytes: -1,
          duplicateWindow: millis(windowMs),
          replicas: 1,
        },
        ticks: true,
        erasing: erasingOf(job),
        others: checkpointsOf(elsewhere, job),
        log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
        onFailure: (failure) => {
          if (owner.alive) options.onFailure(failure);
          this.kill();
        },
      });
    const [main, ...others] = await Promise.all(parts.map(prepare));
    if (main === undefined) throw new Error("an engine has a part");
    this.#parts = [main, ...others];
    elsewhere.push(...others.map(elsewherePart));
    return new Ensemble(main, others.map(partOf));
  }
  /** Undefined until it has started. */
  get engine(): Ensemble | undefined {
    return this.#engine;
  }
  /** What its threads run; none before it has started. */
  get parts(): readonly Engine[] {
    return this.#engine === undefined ? [] : this.#parts;
  }
  /** One of its threads' connections. */
  anyConnection(random: Random): SimConnection {
    const [first, ...others] = this.connections;
    if (first === undefined) throw new Error("an engine has a connection");
    return others.length === 0 ? first : random.pick([first, ...others]);
  }
  get alive(): boolean {
    return this.owner.alive;
  }
  get runs(): boolean {
    return this.alive && !this.owner.stopped;
  }

  /** As kill -9 does it. What it had sent may still arrive. */
  kill(): void {
    this.owner.die();
    for (const connection of this.connections) connection.drop();
  }
  /** Asks it to end, and tells when it has. */
  end(done: () => void): void {
    const { engine, owner } = this;
    const over = () => {
      if (!owner.alive) return;
      this.kill();
      done();
    };
    if (engine === undefined) over();
    else this.#clock.as(owner, () => engine.stop().then(over, over));
  }
  /** Frozen for a while. Who is frozen for long finds its connection gone as it wakes. */
  freeze(lasts: number, connectionHolds: number, wire: Owner): void {
    if (!this.runs) return;
    this.owner.stop();
    if (lasts > connectionHolds) {
      this.#clock.after(connectionHolds, wire, () => {
        for (const connection of this.connections) connection.cut(0);
      });
    }
    this.#clock.after(lasts, wire, () => {
      if (this.alive) this.#clock.wake(this.owner);
    });
  }
}
