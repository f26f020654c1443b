import type { Random } from "../../operators/simulated-shop/random.ts";
import type { SimClock } from "./clock.ts";
import type { Weather } from "./connection.ts";
import type { FaultClass, PlannedFault } from "./faults.ts";

/**
 * The network of a run: quick and orderly but for the spells that faults bring. No message to the
 * broker is under way for half the duplicate window: the connection of one that hangs so long is
 * given up by both sides, and its bytes with it.
 */
export class SimWeather implements Weather {
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #windowMs: number;
  readonly #tell: (happened: FaultClass) => void;
  readonly #until = new Map<PlannedFault, number>();
  /** Of losing a request: one alone is another story than many. */
  #losing = 0;
  /** Subjects that get no further: the run comes to its end. */
  silenced: string | undefined;

  constructor(
    clock: SimClock,
    random: Random,
    windowMs: number,
    tell: (happened: FaultClass) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#windowMs = windowMs;
    this.#tell = tell;
  }
  /** A spell of so many milliseconds from now. */
  brings(kind: PlannedFault, lasts: number): void {
    this.#until.set(kind, this.#clock.now + lasts);
    if (kind === "request-lost") this.#losing = this.#random.pick([0.03, 0.1, 0.25]);
  }
  #strikes(kind: PlannedFault, chance: number): boolean {
    if ((this.#until.get(kind) ?? 0) <= this.#clock.now || !this.#random.chance(chance)) {
      return false;
    }
    this.#tell(kind);
    return true;
  }

  latency(): number {
    const most = this.#strikes("message-delay", 0.3) ? Math.min(400, 0.2 * this.#windowMs) : 3;
    return 0.2 + this.#random.fraction() * most;
  }
  loses(what: "request" | "ack", subject: string): boolean {
    if (subject === this.silenced) return true;
    return what === "request"
      ? this.#strikes("request-lost", this.#losing)
      : this.#strikes("ack-lost", 0.25);
  }
  repeats(): number | undefined {
    if (!this.#strikes("duplicate-delivery", 0.2)) return undefined;
    return 1 + this.#random.fraction() * 0.25 * this.#windowMs;
  }
  ackDelay(): number {
    return this.#strikes("slow-acks", 0.3) ? this.#random.fraction() * 1.5 * this.#windowMs : 0;
  }
  reorders(): boolean {
    return this.#strikes("reordered-retries", 0.4);
  }
  chunk(): number {
    return this.#random.between(1, 48);
  }
  survivesCut(): boolean {
    return this.#random.chance(0.5);
  }
}
