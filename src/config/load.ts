import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { OperatorSpec } from "../flow/spec.ts";
import { type Calendar, readCalendar } from "./calendar.ts";
import { contentHash } from "./content-hash.ts";
import { type DefinitionTest, readDefinitionTests } from "./definition-test.ts";
import { doubts } from "./doubts.ts";
import { type IntentFile, readIntents } from "./intents.ts";
import { type JobConfig, readJob } from "./job.ts";
import { type Lexicon, readLexicon } from "./lexicon.ts";
import { LIVE, type LiveName, type LiveTexts, liveDigest, readLive } from "./live.ts";
import { type Pack, readPack } from "./pack.ts";
import { isError, orderProblems, type Problem, type Reading } from "./problem.ts";
import type { RuleFile } from "./rule-ast.ts";
import type { SegmentFile } from "./segment-ast.ts";
import type { TagFile } from "./tags.ts";
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
  /** Where only a part of the configuration is to run. */
  readonly pack: Pack | undefined;
  /** What may be changed while the engine runs: the texts, and 32 hex digits of what they mean. */
  readonly live: { readonly texts: LiveTexts; readonly digest: string };
  /** Digests of the files that hold until the engine is started anew, as far as they decide. */
  readonly fixed: Readonly<Record<Exclude<FileName, LiveName>, string>>;
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
  const absent = await absentFolder(dir);
  if (absent !== undefined) return { value: undefined, problems: [absent] };
  const packed = pack === undefined ? NO_PACK : await readPack(dir, pack);
  if (packed.problems.length > 0) return { value: undefined, problems: packed.problems };
  const names = Object.keys(FILES) as FileName[];
  const read = await Promise.all(
    names.map((name) => overrides[name] ?? readYamlFile(join(dir, FILES[name]))),
  );
  const files = Object.fromEntries(names.map((name, i) => [name, read[i]]));
  return assemble(files as Readonly<Record<FileName, Reading<YamlFile>>>, specs, packed.value);
}

/** A folder that is not there, or holds no configuration at all, is one problem, not one for each file. */
async function absentFolder(dir: string): Promise<Problem | undefined> {
  const missing = (message: string): Problem => ({
    ...{ severity: "error", file: dir, line: 1, column: 1, code: "FILE_MISSING", message },
    remedy: "Name a folder with these files, best a copy of the one that came with the engine.",
    excerpt: "",
  });
  const names: readonly string[] = Object.values(FILES);
  try {
    const entries = await readdir(dir);
    return entries.some((entry) => names.includes(entry))
      ? undefined
      : missing(`the folder has no configuration: ${names.join(", ")}`);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return missing("there is no such folder");
    if (code === "ENOTDIR") return missing("not a folder");
    // What can be read of it says what is wrong, file by file.
    return undefined;
  }
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
  const job = take("freshet", (file) => readJob(pack?.job(file) ?? file, specs));
  const plan = take("tracking-plan", readTrackingPlan);
  const intents = take("intents", (file) =>
    plan === undefined ? { value: undefined, problems: [] } : readIntents(file, plan),
  );
  const lexicon = take("lexicon", (file) => readLexicon(file, intents?.names));
  const timeZone = job?.timeZone ?? "Asia/Shanghai";
  const yaml = parsedOf(files);
  for (const name of LIVE) problems.push(...files[name].problems);
  // Without a tracking plan nothing can be said about names.
  const read = plan && readLive(yaml, { plan, timeZone, intents: intents?.names, pack });
  problems.push(...(read?.problems ?? []));
  const { segments, rules, tags } = read?.found ?? {};
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
  const fixed = {
    freshet: contentHash([job.hash, ...(pack?.kept == null ? [] : [pack.kept])]),
    "tracking-plan": contentHash(yaml["tracking-plan"]?.value),
    intents: contentHash(yaml.intents?.value),
    lexicon: contentHash(yaml.lexicon?.value),
    calendar: contentHash(yaml.calendar?.value),
  };
  const texts = mapLive((name) => yaml[name]?.text ?? "");
  const digest = liveDigest(mapLive((name) => yaml[name]?.value));
  return {
    value: {
      ...{ job, plan, segments, rules, intents, lexicon, calendar, tags, tests, pack, fixed },
      live: { texts, digest },
      hash: contentHash([fixed, digest]),
    },
    problems: ordered,
  };
}

const isOf =
  (kept: readonly { readonly id: string }[]) =>
  ({ id }: DefinitionTest): boolean =>
    kept.some((definition) => definition.id === id);

function parsedOf(
  files: Readonly<Record<FileName, Reading<YamlFile>>>,
): Readonly<Partial<Record<FileName, YamlFile | undefined>>> {
  return Object.fromEntries(Object.entries(files).map(([name, { value }]) => [name, value]));
}

const mapLive = <T>(of: (name: LiveName) => T): Readonly<Record<LiveName, T>> => ({
  segments: of("segments"),
  rules: of("rules"),
  tags: of("tags"),
});
