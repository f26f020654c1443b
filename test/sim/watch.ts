import type { ShopJob } from "../../operators/job.ts";
import type { Engine } from "../../src/engine.ts";
import { columnsOf } from "./judge.ts";

/** No queue of an engine may hold more, whatever happens to it. */
const MOST_QUEUED = 60_000;

/**
 * Looks at running engines now and then: watermarks never move back, queues have their bounds, the
 * books add up.
 */
export class Watch {
  readonly #violations: string[];
  readonly #watermarks = new Map<string, number>();

  constructor(violations: string[]) {
    this.#violations = violations;
  }

  look(name: string, parts: readonly Engine[], { intake: { counts } }: ShopJob): void {
    if (counts.in !== columnsOf(counts)) {
      this.#violations.push(
        `${name} took in ${counts.in}, and has ${columnsOf(counts)} in columns`,
      );
    }
    for (const engine of parts) this.#lookAt(name, engine);
  }

  #lookAt(name: string, engine: Engine): void {
    for (const { name: group, task } of [...engine.job.shoppers, ...engine.job.demands]) {
      const key = `${name} ${group}`;
      const before = this.#watermarks.get(key);
      if (before !== undefined && task.watermark < before) {
        this.#violations.push(`the watermark of ${key} went from ${before} to ${task.watermark}`);
      }
      this.#watermarks.set(key, task.watermark);
    }
    const { hops, outputs, merging } = engine.queues;
    for (const queued of [hops, outputs, merging]) {
      if ((queued ?? 0) > MOST_QUEUED) this.#violations.push(`${name} queues ${queued} records`);
    }
  }
}
