import { join } from "node:path";
import type { OperatorSpec } from "../flow/spec.ts";
import { type Calendar, readCalendar } from "./calendar.ts";
import { type DefinitionTest, readDefinitionTests, withoutTests } from "./definition-test.ts";
import { doubts } from "./doubts.ts";
import { type IntentFile, readIntents } from "./intents.ts";
import { contentHash, type JobConfig, readJob } from "./job.ts";
import { type Lexicon, readLexicon } from "./lexicon.ts";
import { type Pack, readPack } from "./pack.ts";
import { isError, orderProblems, type Problem, type Reading } from "./problem.ts";
import type { RuleFile } from "./rule-ast.ts";
import { readRules } from "./rule-file.ts";
import type { SegmentFile } from "./segment-ast.ts";
import { readSegments } from "./segments.ts";
import { readTags, type TagFile } from "./tags.ts";
import { readTrackingPlan, type TrackingPlan } from "./tracking-plan.ts";
import { untold } from "./untold.ts";
import { readYamlFile, type YamlFile } from "./yaml-file.ts";

/** The files of a configuration folder, and the names `JobSettings.files` and schemas use. */
export const FILES = {
  freshet: "freshet.yaml",
  "tracking-plan": "tracking-plan.yaml",
  segments: "segments.yaml",
  rules: "rules.yaml",
  intents: "intents.yaml",
  lexicon: "lexicon.yaml",
  calendar: "calendar.yaml",
  tags: "tags.yaml",
} as const;
export type FileName = keyof typeof FILES;

/** A whole configuration, every file read and checked against the others. */
export interface Config {
  readonly job: JobConfig;
  readonly plan: TrackingPlan;
  readonly segments: SegmentFile;
  readonly rules: RuleFile;
  readonly intents: IntentFile;
  readonly lexicon: Lexicon;
  /** What must come out of segments and rules, as it stands beside them. */
  readonly tests: readonly DefinitionTest[];
  readonly calendar: Calendar;
  readonly tags: TagFile;
  /** 32 hex digits of all that can change a decision, in all files. */
  readonly hash: string;
}

/** Texts of files by name; a name that is missing is read from the folder. */
export type Overrides = Partial<Readonly<Record<FileName, Reading<YamlFile>>>>;

/**
 * Reads a configuration folder, or what a pack of it makes of it. Every problem of every file is told, in the order of files, lines
 * and columns; the value is there when none of them is an error. Never throws for what is in files.
 */
export async function loadConfig(
  dir: string,
  specs: readonly OperatorSpec[],
  overrides: Overrides = {},
  pack?: string,
): Promise<Reading<Config>> {
  const packed = pack === undefined ? NO_PACK : await readPack(dir, pack);
  if (packed.problems.length > 0) return { value: undefined, problems: packed.problems };
  const names = Object.keys(FILES) as FileName[];
  const read = await Promise.all(
    names.map((name) => overrides[name] ?? readYamlFile(join(dir, FILES[name]))),
  );
  const files = Object.fromEntries(names.map((name, i) => [name, read[i]]));
  return assemble(files as Readonly<Record<FileName, Reading<YamlFile>>>, specs, packed.value);
}

const NO_PACK: Reading<Pack> = { value: undefined, problems: [] };

function assemble(
  files: Readonly<Record<FileName, Reading<YamlFile>>>,
  specs: readonly OperatorSpec[],
  pack: Pack | undefined,
): Reading<Config> {
  const problems: Problem[] = [];
  const take = <T>(name: FileName, read: (file: YamlFile) => Reading<T>): T | undefined => {
    const { value: file, problems: found } = files[name];
    const reading = file === undefined ? undefined : read(file);
    problems.push(...found, ...(reading?.problems ?? []));
    return reading?.value;
  };
  const keep = <T>(reading: Reading<T> | undefined): T | undefined => {
    problems.push(...(reading?.problems ?? []));
    return reading?.value;
  };
  const job = take("freshet", (file) => readJob(pack?.job(file) ?? file, specs));
  const plan = take("tracking-plan", readTrackingPlan);
  const intents = take("intents", (file) =>
    plan === undefined ? { value: undefined, problems: [] } : readIntents(file, plan),
  );
  const lexicon = take("lexicon", (file) => readLexicon(file, intents?.names));
  const allSegments = take("segments", (file) =>
    // Without a tracking plan nothing can be said about names.
    plan === undefined
      ? { value: undefined, problems: [] }
      : readSegments(file, plan, job?.timeZone ?? "Asia/Shanghai", intents?.names),
  );
  const allRules = take("rules", (file) =>
    plan === undefined || allSegments === undefined
      ? { value: undefined, problems: [] }
      : readRules(
          file,
          plan,
          allSegments.segments.map(({ id }) => id),
          job?.timeZone ?? "Asia/Shanghai",
          intents?.names,
        ),
  );
  const segments = allSegments && keep(pack?.segments(allSegments) ?? sound(allSegments));
  const rules = allRules && segments && keep(pack?.rules(allRules, segments) ?? sound(allRules));
  const tests = plan &&
    segments &&
    rules && [
      ...(take("segments", (file) =>
        readDefinitionTests("segment", file, plan, segments.timeZone),
      )?.filter(isOf(segments.segments)) ?? []),
      ...(take("rules", (file) => readDefinitionTests("rule", file, plan, rules.timeZone))?.filter(
        isOf(rules.rules),
      ) ?? []),
    ];
  const [segmentsFile, rulesFile] = [files.segments.value, files.rules.value];
  if (plan && segments && rules && segmentsFile && rulesFile) {
    problems.push(...doubts({ plan, segments, segmentsFile, rules, rulesFile }));
  }
  const calendar = take("calendar", (file) =>
    plan === undefined ? { value: undefined, problems: [] } : readCalendar(file, plan),
  );
  const tags = take("tags", (file) =>
    plan === undefined
      ? { value: undefined, problems: [] }
      : readTags(file, plan, job?.timeZone ?? "Asia/Shanghai"),
  );
  const tagsFile = files.tags.value;
  if (job && segments && rules && tags && segmentsFile && rulesFile && tagsFile) {
    const asking = { job, specs, pack: pack?.name, segments, rules, tags };
    problems.push(...untold({ ...asking, segmentsFile, rulesFile, tagsFile }));
  }
  const ordered = orderProblems(problems);
  if (
    ordered.some(isError) ||
    !job ||
    !plan ||
    !intents ||
    !lexicon ||
    !segments ||
    !rules ||
    !calendar ||
    !tags ||
    !tests
  ) {
    return { value: undefined, problems: ordered };
  }
  const hash = contentHash([
    job.hash,
    files["tracking-plan"].value?.value,
    withoutTests(files.segments.value?.value),
    withoutTests(files.rules.value?.value),
    files.intents.value?.value,
    files.lexicon.value?.value,
    files.calendar.value?.value,
    files.tags.value?.value,
    ...(pack?.kept == null ? [] : [pack.kept]),
  ]);
  return {
    value: { job, plan, segments, rules, intents, lexicon, calendar, tags, tests, hash },
    problems: ordered,
  };
}

const sound = <T>(value: T): Reading<T> => ({ value, problems: [] });

const isOf =
  (kept: readonly { readonly id: string }[]) =>
  ({ id }: DefinitionTest): boolean =>
    kept.some((definition) => definition.id === id);
