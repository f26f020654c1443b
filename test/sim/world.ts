import { Audience } from "./audience.ts";
import { SimBroker } from "./broker.ts";
import { Owner, SimClock } from "./clock.ts";
import { stillErasing } from "./erasures.ts";
import type { FaultClass } from "./faults.ts";
import type { MakeJob } from "./job.ts";
import { Mishaps } from "./mishaps.ts";
import type { Plan } from "./plan.ts";
import { PREFIX, SimEngine } from "./sim-engine.ts";
import { SimWeather } from "./sim-weather.ts";
import { Trackers } from "./tracker.ts";
import { makeTraffic, type Traffic } from "./traffic.ts";
import { Watch } from "./watch.ts";

/** A Saturday; on a whole second, so that seeds are easy to compare. */
const START = Date.parse("2026-09-12T05:00:00Z");
const LOOK_MS = 100;
const ANSWER_MS = 400;
/** How long timers still have to fire behind the last event. */
const AFTERWARDS_MS = 11_000;
const QUIET_MS = 2500;
/** From the last fault on it may take so long until everything is done. */
const PATIENCE_MS = 90_000;

/** One run: a broker, its engines, trackers, and what goes wrong. Everything follows from the plan. */
export class World {
  readonly broker = new SimBroker();
  readonly traffic: Traffic;
  readonly happened = new Map<FaultClass, number>();
  readonly violations: string[] = [];
  readonly clock: SimClock;
  readonly #plan: Plan;
  readonly #makeJob: MakeJob;
  readonly #wire = new Owner("wire");
  readonly #world = new Owner("world");
  readonly #weather: SimWeather;
  readonly #trackers: Trackers;
  readonly #mishaps: Mishaps;
  readonly #watch: Watch;
  readonly #audience: Audience;
  readonly #trace: ((line: string) => void) | undefined;
  #engines: SimEngine[] = [];
  #made = 0;
  /** When the next engine may be started, if none is left. */
  #nextStart = START;
  #quietSince = Number.POSITIVE_INFINITY;

  constructor(plan: Plan, makeJob: MakeJob, trace?: (line: string) => void) {
    this.#plan = plan;
    this.#makeJob = makeJob;
    const { random, windowMs, lastsMs, events, erases } = plan;
    this.clock = new SimClock(START, this.#world);
    this.#trace =
      trace === undefined
        ? undefined
        : (line) => trace(`${((this.clock.now - START) / 1000).toFixed(3)} ${line}`);
    this.traffic = makeTraffic(random.fork("traffic"), { start: START, lastsMs, events, erases });
    const { clock, broker } = this;
    const tell = (kind: FaultClass) => this.#tell(kind);
    this.#weather = new SimWeather(clock, random.fork("weather"), windowMs, tell);
    this.#trackers = new Trackers({
      clock,
      broker,
      weather: this.#weather,
      random: random.fork("trackers"),
      owner: this.#wire,
      prefix: PREFIX,
    });
    this.#watch = new Watch(this.violations);
    this.#audience = new Audience(broker, random.fork("audience"));
    this.#mishaps = new Mishaps({
      clock,
      broker,
      weather: this.#weather,
      windowMs,
      random: random.fork("world"),
      fate: this.#world,
      engines: () => this.#engines,
      start: () => this.#start(),
      startAfter: (ms) => {
        this.#nextStart = clock.now + ms;
      },
      tell,
      trace: (line) => this.#trace?.(line),
    });
  }

  /** Runs to the end: everything said is stored, read, handled and acknowledged. */
  async run(): Promise<void> {
    const { lastsMs, faults } = this.#plan;
    for (const { at, ...message } of this.traffic.messages) {
      this.#at(at, () => this.#trackers.publish(message));
    }
    for (const fault of faults) this.#at(fault.at, () => this.#mishaps.strike(fault));
    this.#every(LOOK_MS, () => this.#look());
    for (let at = ANSWER_MS; at < lastsMs; at += ANSWER_MS) this.#at(at, () => this.#answer());
    const deadline = START + lastsMs + AFTERWARDS_MS + PATIENCE_MS;
    const restore = this.clock.install();
    try {
      await this.clock.run(() => this.#over(deadline));
    } finally {
      restore();
    }
    if (this.traffic.skewed > 0) this.#tell("tracker-skew", this.traffic.skewed);
    if (this.traffic.repeated > 0) this.#tell("tracker-duplicates", this.traffic.repeated);
    if (this.traffic.erased > 0) this.#tell("erasure", this.traffic.erased);
    if (this.traffic.returning > 0) this.#tell("return-of-the-erased", this.traffic.returning);
    this.#tell("interleaved-groups", this.#interleavings());
  }

  /** How often a frame of one group follows that of another. */
  #interleavings(): number {
    const name = `${PREFIX.toUpperCase()}_EVENTS`;
    const messages = this.broker.has(name) ? this.broker.stream(name).messages : [];
    return messages.filter((frame, i) => frame?.subject !== messages[i - 1]?.subject).length;
  }

  #tell(kind: FaultClass, times = 1): void {
    this.happened.set(kind, (this.happened.get(kind) ?? 0) + times);
  }
  #at(ms: number, task: () => void): void {
    this.clock.at(START + ms, this.#world, task);
  }
  #every(ms: number, task: () => void): void {
    const again = () => {
      task();
      this.clock.after(ms, this.#world, again);
    };
    this.clock.after(ms, this.#world, again);
  }

  #over(deadline: number): boolean {
    const { now } = this.clock;
    if (this.violations.length > 0) return true;
    if (now > deadline) {
      const queues = this.#engines.map(({ engine }) => engine?.queues);
      const left = JSON.stringify({ queues, open: this.#trackers.open });
      this.violations.push(`no progress: ${PATIENCE_MS / 1000} s after the last event ${left}`);
      return true;
    }
    return now - this.#quietSince >= QUIET_MS;
  }

  /** Checkpoints, which an erasure waits for, are written as time goes on. */
  #silence(): void {
    const over = START + this.#plan.lastsMs + AFTERWARDS_MS;
    if (this.clock.now < over || stillErasing(this.broker)) return;
    this.#weather.silenced ??= `${PREFIX}.in.tick`;
  }
  /** Starts an engine where none is left; sees whether everything is done. */
  #look(): void {
    this.#engines = this.#engines.filter(({ alive }) => alive);
    if (this.#engines.length === 0 && this.clock.now >= this.#nextStart) this.#start();
    for (const { parts, owner, job } of this.#engines) {
      if (parts.length > 0) this.#watch.look(owner.name, parts, job);
    }
    const { now } = this.clock;
    this.#silence();
    if (this.#weather.silenced === undefined || !this.#done()) {
      this.#quietSince = Number.POSITIVE_INFINITY;
    } else if (this.#quietSince > now) this.#quietSince = now;
  }
  #answer(): void {
    if (!this.broker.has(`${PREFIX.toUpperCase()}_OUT`)) return;
    const answer = this.#audience.answer(this.clock.now);
    if (answer !== undefined) this.#trackers.publish(answer);
  }
  #done(): boolean {
    return (
      this.#trackers.open === 0 &&
      this.#engines.length > 0 &&
      this.#engines.every(({ runs, engine }) => runs && engine?.caughtUp === true)
    );
  }

  #start(): SimEngine {
    this.#made += 1;
    const name = `engine-${this.#made}`;
    const engine = new SimEngine({
      name,
      job: this.#makeJob(this.#plan),
      threads: this.#plan.threads,
      windowMs: this.#plan.windowMs,
      checkpointEveryMs: this.#plan.checkpointEveryMs,
      checkpointRecords: this.#plan.checkpointRecords,
      clock: this.clock,
      broker: this.broker,
      weather: this.#weather,
      wire: this.#wire,
      onFailure: (failure) => this.violations.push(`${name} stopped: ${failure}`),
      trace: this.#trace,
    });
    this.#trace?.(`${name} starts`);
    this.#engines.push(engine);
    return engine;
  }
}
