import { type EventTime, earliest, MAX_TIME, MIN_TIME } from "./event-time.ts";
import { requireVersion } from "./snapshot-version.ts";

interface Split {
  watermark: EventTime;
  idle: boolean;
}

/**
 * One watermark for a source whose splits come and go. It is taken anew when a split reports a
 * watermark or falls idle; removing a split shows at the next of these. It never moves back, and a
 * watermark wakes an idle split.
 */
export class SplitWatermarks {
  readonly #splits = new Map<string, Split>();
  #combined: EventTime = MIN_TIME;

  /** Undefined until every split that is not idle has reported once. */
  get watermark(): EventTime | undefined {
    return this.#combined === MIN_TIME ? undefined : this.#combined;
  }

  register(split: string): void {
    if (this.#splits.has(split)) throw new Error(`split ${split} is registered already`);
    this.#splits.set(split, { watermark: MIN_TIME, idle: false });
  }

  unregister(split: string): void {
    this.#splits.delete(split);
  }

  advance(split: string, watermark: EventTime): void {
    const at = this.#split(split);
    at.idle = false;
    if (watermark > at.watermark) at.watermark = watermark;
    this.#combine();
  }

  markIdle(split: string): void {
    this.#split(split).idle = true;
    this.#combine();
  }

  snapshot(): unknown {
    const splits = [...this.#splits].map(([name, s]) => [name, s.watermark, s.idle]);
    return { version: 1, combined: this.#combined, splits };
  }

  static restore(data: unknown): SplitWatermarks {
    const { version, combined, splits } = data as {
      version: number;
      combined: EventTime;
      splits: readonly (readonly [string, EventTime, boolean])[];
    };
    requireVersion("watermarks", version, 1);
    const restored = new SplitWatermarks();
    restored.#combined = combined;
    for (const [name, watermark, idle] of splits) restored.#splits.set(name, { watermark, idle });
    return restored;
  }

  #split(name: string): Split {
    const split = this.#splits.get(name);
    if (split === undefined) throw new Error(`split ${name} is not registered`);
    return split;
  }

  #combine(): void {
    let minimum = MAX_TIME;
    let any = false;
    for (const { watermark, idle } of this.#splits.values()) {
      if (idle) continue;
      any = true;
      minimum = earliest(minimum, watermark);
    }
    if (any && minimum > this.#combined) this.#combined = minimum;
  }
}
