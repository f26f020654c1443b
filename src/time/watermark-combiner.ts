import { type EventTime, latest, MAX_TIME, MIN_TIME } from "./event-time.ts";
import { requireVersion } from "./snapshot-version.ts";

interface Input {
  watermark: EventTime;
  idle: boolean;
  /** False while it is behind what was already promised; such an input does not hold time back. */
  aligned: boolean;
}

/** What a change of one input does to the whole. */
export interface CombinedChange {
  /** The combined watermark, when it moved on. */
  readonly watermark?: EventTime;
  /** `idle` when the last input fell idle, `active` when the first one woke. */
  readonly status?: "idle" | "active";
}

const NO_CHANGE: readonly CombinedChange[] = [];

/**
 * One watermark for several inputs: the minimum over those that are active, never moving back.
 * Inputs are active at first, so one that was never heard of holds time back until it is declared
 * idle. One that wakes behind the combined watermark is left out until it has caught up.
 */
export class WatermarkCombiner {
  readonly #inputs: Input[];
  #combined: EventTime = MIN_TIME;

  constructor(inputs: number) {
    this.#inputs = Array.from({ length: inputs }, () => ({
      watermark: MIN_TIME,
      idle: false,
      aligned: true,
    }));
  }

  get watermark(): EventTime {
    return this.#combined;
  }

  /** Takes a watermark of one input. An idle input's is ignored until it is active. */
  advance(input: number, watermark: EventTime): readonly CombinedChange[] {
    const at = this.#input(input);
    if (at.idle || watermark <= at.watermark) return NO_CHANGE;
    at.watermark = watermark;
    at.aligned ||= watermark >= this.#combined;
    return at.aligned ? this.#toMinimum() : NO_CHANGE;
  }

  markIdle(input: number): readonly CombinedChange[] {
    const at = this.#input(input);
    if (at.idle) return NO_CHANGE;
    const heldBack = at.watermark === this.#combined;
    at.idle = true;
    at.aligned = false;
    if (this.#inputs.some((other) => !other.idle)) return this.#toMinimum();
    const last = heldBack ? this.#raise(this.#maximum()) : NO_CHANGE;
    return [...last, { status: "idle" }];
  }

  markActive(input: number): readonly CombinedChange[] {
    const at = this.#input(input);
    if (!at.idle) return NO_CHANGE;
    const wakes = this.#inputs.every((other) => other.idle);
    at.idle = false;
    at.aligned = at.watermark >= this.#combined;
    // The last input to fall idle may have been behind: one that wakes ahead of it moves time on.
    const raised = at.aligned ? this.#toMinimum() : NO_CHANGE;
    return wakes ? [{ status: "active" }, ...raised] : raised;
  }

  snapshot(): unknown {
    return {
      version: 1,
      combined: this.#combined,
      inputs: this.#inputs.map(({ watermark, idle, aligned }) => [watermark, idle, aligned]),
    };
  }

  static restore(data: unknown): WatermarkCombiner {
    const { version, combined, inputs } = data as {
      version: number;
      combined: EventTime;
      inputs: readonly (readonly [EventTime, boolean, boolean])[];
    };
    requireVersion("watermarks", version, 1);
    const combiner = new WatermarkCombiner(inputs.length);
    combiner.#combined = combined;
    for (const [i, [watermark, idle, aligned]] of inputs.entries()) {
      Object.assign(combiner.#input(i), { watermark, idle, aligned });
    }
    return combiner;
  }

  #input(index: number): Input {
    const input = this.#inputs[index];
    if (input === undefined) throw new RangeError(`no input ${index}`);
    return input;
  }

  #toMinimum(): readonly CombinedChange[] {
    let minimum = MAX_TIME;
    let any = false;
    for (const { watermark, aligned } of this.#inputs) {
      if (!aligned) continue;
      any = true;
      if (watermark < minimum) minimum = watermark;
    }
    return any ? this.#raise(minimum) : NO_CHANGE;
  }

  #maximum(): EventTime {
    return this.#inputs.reduce((most, { watermark }) => latest(most, watermark), MIN_TIME);
  }

  #raise(to: EventTime): readonly CombinedChange[] {
    if (to <= this.#combined) return NO_CHANGE;
    this.#combined = to;
    return [{ watermark: to }];
  }
}
