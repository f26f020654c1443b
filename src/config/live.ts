import { contentHash } from "./content-hash.ts";
import { withoutTests } from "./definition-test.ts";
import type { Pack } from "./pack.ts";
import type { Problem, Reading } from "./problem.ts";
import type { RuleFile } from "./rule-ast.ts";
import { readRules } from "./rule-file.ts";
import type { SegmentFile } from "./segment-ast.ts";
import { readSegments } from "./segments.ts";
import { readTags, type TagFile } from "./tags.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import { parseYaml, type YamlFile } from "./yaml-file.ts";

/** The files that may be changed while the engine runs; all others hold until it is started anew. */
export const LIVE = ["segments", "rules", "tags"] as const;
export type LiveName = (typeof LIVE)[number];

/** Their texts, as they stand in a folder or in a record of the log. */
export type LiveTexts = Readonly<Record<LiveName, string>>;

/** Their contents, read and checked. */
export interface LiveFiles {
  readonly segments: SegmentFile;
  readonly rules: RuleFile;
  readonly tags: TagFile;
}

/** What they are read against. */
export interface LiveContext {
  readonly plan: TrackingPlan;
  readonly timeZone: string;
  readonly intents: readonly string[] | undefined;
  /** Keeps a part of them. */
  readonly pack: Pick<Pack, "segments" | "rules"> | undefined;
}

/** Reads the parsed files that are there; what is missing in the result could not be read. */
export function readLive(
  files: Readonly<Partial<Record<LiveName, YamlFile | undefined>>>,
  { plan, timeZone, intents, pack }: LiveContext,
): { readonly found: Partial<LiveFiles>; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const keep = <T>(reading: Reading<T> | undefined): T | undefined => {
    problems.push(...(reading?.problems ?? []));
    return reading?.value;
  };
  const { segments: segmentsFile, rules: rulesFile, tags: tagsFile } = files;
  const all = keep(segmentsFile && readSegments(segmentsFile, plan, timeZone, intents));
  // Without segments nothing can be said about `in`.
  const ids = all?.segments.map(({ id }) => id);
  const allRules = keep(rulesFile && ids && readRules(rulesFile, plan, ids, timeZone, intents));
  const segments = all && keep(pack?.segments(all) ?? sound(all));
  const rules = allRules && segments && keep(pack?.rules(allRules, segments) ?? sound(allRules));
  const tags = keep(tagsFile && readTags(tagsFile, plan, timeZone));
  return {
    found: {
      ...(segments === undefined ? {} : { segments }),
      ...(rules === undefined ? {} : { rules }),
      ...(tags === undefined ? {} : { tags }),
    },
    problems,
  };
}

const sound = <T>(value: T): Reading<T> => ({ value, problems: [] });

/** The same from texts. Never throws for what is in them. */
export function readLiveTexts(
  texts: LiveTexts,
  context: LiveContext,
): { readonly value: LiveFiles | undefined; readonly problems: readonly Problem[] } {
  const parsed = LIVE.map((name) => parseYaml(`${name}.yaml`, texts[name]));
  const files = Object.fromEntries(LIVE.map((name, i) => [name, parsed[i]?.value]));
  const { found, problems } = readLive(files, context);
  const { segments, rules, tags } = found;
  const all = [...parsed.flatMap((one) => one.problems), ...problems];
  const value = segments && rules && tags ? { segments, rules, tags } : undefined;
  return { value, problems: all };
}

/** 32 hex digits of what the files mean: spelling, comments, tests and the order of keys aside. */
export const liveDigest = (values: Readonly<Record<LiveName, unknown>>): string =>
  contentHash(LIVE.map((name) => withoutTests(values[name] ?? null)));
