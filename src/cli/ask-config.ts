import { CONFIG, type GenerationFact, IN_FORCE } from "../config/generation.ts";
import type { LiveTexts } from "../config/live.ts";
import { isoTime } from "../time/event-time.ts";
import type { Standpoint } from "./asked.ts";
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

/** What the slowest of some groups has in force; null before all of them have something. */
export type InForce = GenerationFact | null;

/** Of the groups that run here. */
export function inForceHere({ engine }: Pick<Standpoint, "engine">): InForce {
  const { shoppers, demands } = engine.job;
  return slowestOf(
    [...shoppers, ...demands].map(
      ({ task }) => (task.facts.get(CONFIG, IN_FORCE) as GenerationFact | undefined) ?? null,
    ),
  );
}

const slowestOf = (all: readonly InForce[]): InForce =>
  all.reduce((a, b) => (a === null || b === null ? null : b.generation < a.generation ? b : a));

/** `ask.config {}`, by what each part of the engine has in force. */
export function configAnswer(
  { config, version, job }: OpenJob,
  inForce: readonly InForce[],
): ConfigAnswer {
  const slowest = slowestOf(inForce);
  const { accepted = -1, waits = null } = job.intake.configuration ?? {};
  return {
    generation: slowest?.generation ?? -1,
    at: slowest === null || slowest.at === 0 ? null : isoTime(slowest.at),
    digest: slowest?.digest ?? config.live.digest,
    texts: slowest?.texts ?? config.live.texts,
    accepted,
    waits: waits && { generation: waits.generation, at: isoTime(waits.at) },
    fixed: config.fixed,
    version,
  };
}
