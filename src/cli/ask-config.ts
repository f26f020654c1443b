import { CONFIG, type GenerationFact, IN_FORCE } from "../config/generation.ts";
import type { LiveTexts } from "../config/live.ts";
import type { Engine } from "../engine.ts";
import { isoTime } from "../time/event-time.ts";
import type { OpenJob } from "./open-job.ts";

/** What a running engine says of its configuration. */
export interface ConfigAnswer {
  /** In force in every key group; -1 before the first is. */
  readonly generation: number;
  /** Since when; null of what the log began with. */
  readonly at: string | null;
  readonly digest: string;
  readonly texts: LiveTexts;
  /** The last that was accepted, and the one that waits for its second. */
  readonly accepted: number;
  readonly waits: { readonly generation: number; readonly at: string } | null;
  /** Digests of the files that hold until it is started anew, and of all that decides beside the live ones. */
  readonly fixed: OpenJob["config"]["fixed"];
  readonly version: string;
}

/** `ask.config {}` */
export function answerConfig(engine: Engine, { config, version, job }: OpenJob): ConfigAnswer {
  const { shoppers, demands } = engine.job;
  const inForce = [...shoppers, ...demands].map(
    ({ task }) => task.facts.get(CONFIG, IN_FORCE) as GenerationFact | undefined,
  );
  const [first] = inForce
    .filter((fact) => fact !== undefined)
    .sort((a, b) => a.generation - b.generation);
  const slowest = inForce.includes(undefined) ? undefined : first;
  const { accepted = -1, waits = null } = job.intake.configuration ?? {};
  return {
    generation: slowest?.generation ?? -1,
    at: slowest === undefined || slowest.at === 0 ? null : isoTime(slowest.at),
    digest: slowest?.digest ?? config.live.digest,
    texts: slowest?.texts ?? config.live.texts,
    accepted,
    waits: waits && { generation: waits.generation, at: isoTime(waits.at) },
    fixed: config.fixed,
    version,
  };
}
