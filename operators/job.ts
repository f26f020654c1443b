import type { Calendar } from "../src/config/calendar.ts";
import { Generations } from "../src/config/generation.ts";
import type { IntentFile } from "../src/config/intents.ts";
import type { JobConfig } from "../src/config/job.ts";
import type { Lexicon } from "../src/config/lexicon.ts";
import { type LiveContext, type LiveTexts, readLiveTexts } from "../src/config/live.ts";
import type { OperatorConfig } from "../src/config/operator-blocks.ts";
import type { RuleFile } from "../src/config/rule-ast.ts";
import type { SegmentFile } from "../src/config/segment-ast.ts";
import type { TagFile } from "../src/config/tags.ts";
import type { TrackingPlan } from "../src/config/tracking-plan.ts";
import type { JobDefinition } from "../src/flow/job.ts";
import type { Node } from "../src/flow/operator.ts";
import type { JobSettings } from "../src/flow/spec.ts";
import { Collect } from "./collect/collect.ts";
import type { CollectOptions } from "./collect/options.ts";
import { demandFlow, shopperFlow } from "./flows.ts";

/** The contents of a configuration folder, read and checked. */
export interface JobFiles {
  readonly job: JobConfig;
  readonly plan: TrackingPlan;
  readonly segments: SegmentFile;
  readonly rules: RuleFile;
  readonly intents: IntentFile;
  readonly lexicon: Lexicon;
  readonly calendar: Calendar;
  readonly tags: TagFile;
  /** Where only a part of the configuration is to run. */
  readonly pack: LiveContext["pack"];
  /** Of what may be changed while the engine runs: the files named `LIVE`. */
  readonly live: { readonly digest: string };
}

/** A job ready for a log; `collect` also answers who a person is and counts what it took in. */
export interface ShopJob extends JobDefinition {
  readonly intake: Collect;
  /** What of the configuration is in force where. */
  readonly generations: Generations;
  /** Whether time comes from the events (`recv`, else `ts`) and not from the broker. */
  readonly trustsEvents: boolean;
}

export interface JobOverrides {
  /** Take an event's own `recv`, else `ts`, for broker time, whatever the configuration says. */
  readonly trustRecv?: boolean;
  /** Key groups of the shopper and demand flows. */
  readonly groups?: { readonly shopper: number; readonly demand: number };
  /** An operator whose emissions are traced. */
  readonly trace?: string;
  /** The configuration holds whatever versions the log brings: for trying out a draft. */
  readonly isPinned?: boolean;
}

/** Builds the three flows of a configuration. */
export function defineJob(
  files: JobFiles,
  keys: Pick<CollectOptions, "key" | "previousKey">,
  overrides: JobOverrides = {},
): ShopJob {
  const { job, plan } = files;
  const { time, collect } = job;
  const context = {
    ...{ plan, timeZone: job.timeZone, intents: files.intents.names },
    pack: files.pack,
  };
  const readTexts = (texts: LiveTexts) => readLiveTexts(texts, context).value;
  const generations = new Generations(readTexts);
  const settings: JobSettings = {
    timeZone: job.timeZone,
    seed: job.seed,
    maxAge: time.maxAge,
    consent: collect.consent,
    files: {
      segments: files.segments,
      rules: files.rules,
      intents: files.intents,
      lexicon: files.lexicon,
      calendar: files.calendar,
      tags: files.tags,
      plan,
    },
    generations,
  };
  const nodes = (configs: readonly OperatorConfig[]): Node[] =>
    configs.map(({ name, spec, from, options }) => {
      const traced =
        name === overrides.trace ? { ...(options as object), ...spec.traced } : options;
      return { operator: spec.make(traced, settings), from };
    });
  const trustRecv = overrides.trustRecv ?? time.trustRecv;
  return {
    trustsEvents: trustRecv,
    generations,
    intake: new Collect({
      ...keys,
      validate: (type, props, touchpoint) => plan.validate(type, props, touchpoint),
      trustRecv,
      maxAge: time.maxAge,
      dedupeWindow: collect.dedupe.window,
      dedupeEntries: collect.dedupe.entries,
      identities: collect.identities,
      rights: collect.rights,
      kindLimits: collect.personIds,
      consent: collect.consent,
      limits: {
        maxBytes: collect.limits.maxBody,
        maxDepth: collect.limits.depth,
        maxBatch: collect.limits.maxBatch,
      },
      maxFactBytes: collect.limits.maxFact,
      words: plan.words,
      touchpoints: plan.registry,
      scenes: plan.scenes,
      elements: plan.elements,
      timeZone: job.timeZone,
      configuration: {
        base: files,
        digest: files.live.digest,
        read: readTexts,
        isPinned: overrides.isPinned ?? false,
      },
    }),
    shopper: shopperFlow(nodes(job.operators.shopper)),
    demand: demandFlow(nodes(job.operators.demand)),
    groups: overrides.groups?.shopper ?? job.groups,
    demandGroups: overrides.groups?.demand ?? job.demandGroups,
    disorder: time.disorder,
    hotRows: job.state.hotRows,
  };
}
