import type { ShopJob } from "../../operators/job.ts";
import { scoringFunctions } from "../../operators/scoring.ts";
import { Engine } from "../../src/engine.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { days, millis } from "../../src/time/event-time.ts";
import type { SimBroker } from "./broker.ts";
import { Owner, type SimClock } from "./clock.ts";
import { SimConnection, type Weather } from "./connection.ts";

export const PREFIX = "freshet";

export interface SimEngineOptions {
  readonly name: string;
  readonly job: ShopJob;
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

/** One process that runs the engine: it may be killed, stopped for a while, or asked to end. */
export class SimEngine {
  readonly owner: Owner;
  readonly connection: SimConnection;
  readonly job: ShopJob;
  readonly #clock: SimClock;
  #engine: Engine | undefined;

  constructor(options: SimEngineOptions) {
    const { name, job, windowMs, clock, broker, weather, wire } = options;
    this.#clock = clock;
    this.job = job;
    this.owner = new Owner(name);
    const { owner } = this;
    this.connection = new SimConnection({ clock, broker, weather, owner, wire });
    const say = (level: string) => (about: unknown, text?: unknown) =>
      options.trace?.(`${name} ${level} ${text} ${JSON.stringify(about)}`);
    clock.as(owner, () => {
      Engine.start({
        nc: this.connection.nc,
        definition: job,
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
        log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
        onFailure: (failure) => {
          if (owner.alive) options.onFailure(failure);
          this.kill();
        },
      }).then(
        (engine) => {
          this.#engine = engine;
        },
        (error: unknown) => {
          options.trace?.(`${name} does not start: ${String(error)}`);
          this.kill();
        },
      );
    });
  }
  /** Undefined until it has started. */
  get engine(): Engine | undefined {
    return this.#engine;
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
    this.connection.drop();
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
      this.#clock.after(connectionHolds, wire, () => this.connection.cut(0));
    }
    this.#clock.after(lasts, wire, () => {
      if (this.alive) this.#clock.wake(this.owner);
    });
  }
}
