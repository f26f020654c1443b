import type { Random } from "../../operators/simulated-shop/random.ts";
import type { SimBroker } from "./broker.ts";
import type { Owner, SimClock } from "./clock.ts";
import type { Fault, FaultClass } from "./faults.ts";
import { PREFIX, type SimEngine } from "./sim-engine.ts";
import type { SimWeather } from "./sim-weather.ts";

/** What faults need of a run. */
export interface Ground {
  readonly clock: SimClock;
  readonly broker: SimBroker;
  readonly weather: SimWeather;
  /** The broker's duplicate window, in milliseconds. */
  readonly windowMs: number;
  readonly random: Random;
  /** Nobody's: what happens to others happens on its time. */
  readonly fate: Owner;
  /** Engines that live. */
  engines(): readonly SimEngine[];
  /** One more engine on the same groups. */
  start(): SimEngine;
  /** If no engine is left, the next one starts after so many milliseconds. */
  startAfter(ms: number): void;
  tell(happened: FaultClass): void;
  trace(line: string): void;
}

/** Both sides give a silent connection up after so much of the duplicate window. */
const HOLDS = 0.45;

/** Makes planned faults happen. */
export class Mishaps {
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  strike(fault: Fault): void {
    const { kind, lasts, random } = fault;
    const { clock, broker, weather, fate, engines, tell, trace } = this.#ground;
    trace(`fault ${fault.index}: ${kind} for ${lasts} ms`);
    switch (kind) {
      case "disk-full":
        broker.full = true;
        tell(kind);
        clock.after(lasts, fate, () => {
          broker.full = false;
        });
        return;
      case "broker-crash":
        this.#crashBroker(lasts);
        return;
      case "crash-while-erasing":
        this.#crashErasing(lasts, random);
        return;
      case "connection-cut":
      case "engine-crash":
      case "zombie":
      case "long-pause":
      case "pause-at-send":
      case "clean-stop":
      case "checkpoint-rot": {
        const running = engines().filter(({ runs }) => runs);
        if (running.length > 0) this.#hit(random.pick(running), fault);
        return;
      }
      default:
        weather.brings(kind, lasts);
    }
  }

  #crashBroker(lasts: number): void {
    const { clock, broker, random, fate, engines, tell } = this.#ground;
    if (!broker.up) return;
    tell("broker-crash");
    broker.crash();
    for (const { connections } of engines())
      for (const connection of connections) connection.cut(random.below(200));
    clock.after(lasts, fate, () => broker.restart());
  }

  /** After some of what is to be overwritten has been. */
  #crashErasing(downMs: number, random: Random): void {
    const { clock, broker, fate, engines, tell } = this.#ground;
    let left = random.between(1, 40);
    broker.onDeleted = () => {
      left -= 1;
      if (left !== 0) return;
      clock.after(0, fate, () => {
        tell("crash-while-erasing");
        for (const engine of engines()) if (engine.runs) this.#dies(engine, downMs);
      });
    };
  }

  #hit(victim: SimEngine, { kind, lasts, random }: Fault): void {
    const { tell, startAfter } = this.#ground;
    switch (kind) {
      case "connection-cut":
        tell(kind);
        victim.anyConnection(random).cut(lasts);
        return;
      case "engine-crash":
        this.#crash(victim, lasts, random);
        return;
      case "zombie":
        tell(kind);
        this.#besides(victim, lasts, random);
        return;
      case "long-pause":
        tell(kind);
        this.#pause(victim, lasts, random);
        return;
      case "pause-at-send":
        victim.anyConnection(random).atCall(random.between(1, 60), () => {
          tell(kind);
          this.#pause(victim, lasts, random);
        });
        return;
      case "checkpoint-rot":
        this.#rot(random);
        this.#dies(victim, lasts);
        return;
      default:
        tell("clean-stop");
        victim.end(() => startAfter(lasts));
    }
  }

  /** Between any two things it does, or just when a checkpoint of it begins to count. */
  #crash(victim: SimEngine, downMs: number, random: Random): void {
    const { clock, broker, fate, tell } = this.#ground;
    const dies = () => {
      if (!victim.alive) return;
      tell("engine-crash");
      this.#dies(victim, downMs);
    };
    if (random.chance(0.5)) {
      victim.anyConnection(random).atCall(random.between(1, 60), dies);
      return;
    }
    broker.onStored = (subject) => {
      if (!subject.endsWith(".marker")) return;
      broker.onStored = () => undefined;
      clock.after(random.below(200), fate, dies);
    };
  }
  #dies(victim: SimEngine, downMs: number): void {
    this.#ground.trace(`${victim.owner.name} dies`);
    victim.kill();
    this.#ground.startAfter(downMs);
  }
  #pause(victim: SimEngine, lasts: number, random: Random): void {
    victim.freeze(lasts, HOLDS * this.#ground.windowMs, this.#ground.fate);
    if (random.chance(0.6)) this.#besides(victim, lasts + random.below(3000), random);
  }
  /** Another engine on the same groups, until one of the two dies. */
  #besides(victim: SimEngine, lasts: number, random: Random): void {
    const other = this.#ground.start();
    this.#ground.clock.after(lasts, this.#ground.fate, () => {
      this.#dies(random.chance(0.5) ? victim : other, 0);
    });
  }

  /**
   * Takes away or spoils some of what checkpoints are made of; not of a log that people were erased
   * from, which is not to be read from its beginning again.
   */
  #rot(random: Random): void {
    const { broker, tell } = this.#ground;
    if (broker.deleted > 0) return;
    const name = `${PREFIX.toUpperCase()}_STATE`;
    if (!broker.has(name)) return;
    const stream = broker.stream(name);
    for (let n = random.between(1, 6); n > 0; n -= 1) {
      const seq = random.between(stream.firstSeq, stream.lastSeq);
      const message = stream.at(seq);
      if (message === undefined) continue;
      tell("checkpoint-rot");
      if (random.chance(0.5)) stream.remove(seq);
      else stream.replace(seq, flipped(message.data, random));
    }
  }
}

function flipped(data: Uint8Array, random: Random): Uint8Array {
  const spoilt = Uint8Array.from(data);
  const place = random.below(spoilt.length);
  spoilt[place] = (spoilt[place] ?? 0) ^ (1 << random.below(8));
  return spoilt;
}
