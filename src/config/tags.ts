import Type, { type Static } from "typebox";
import { hash128 } from "../codec/hash.ts";
import type { Matcher, Run, Topic, When } from "./condition-ast.ts";
import { ConditionReader } from "./condition-reader.ts";
import { CONDITION_DEFS, ConditionRef, namedKeys } from "./condition-schema.ts";
import { MatcherReader } from "./matcher-reader.ts";
import type { Reading } from "./problem.ts";
import { schemaReader } from "./schema-check.ts";
import { asMeaning } from "./segments.ts";
import { asked, topicsOf } from "./standings.ts";
import { nameText } from "./texts.ts";
import { timeZoneProblem } from "./time-zone.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

/** `config/tags.yaml` after reading. */
export interface TagFile {
  readonly version: 1;
  readonly timeZone: string;
  /** Every different matcher once, at the place its `index` says. */
  readonly matchers: readonly Matcher[];
  readonly tags: readonly Tag[];
}

export interface Tag {
  readonly id: string;
  readonly title: string | undefined;
  readonly when: When;
  /** Nobody has it who has not said yes. */
  readonly isExplicit: boolean;
  /** True while the last word about the tag's purpose is yes, or is no. */
  readonly granted: Run;
  readonly refused: Run;
  /** 16 hex digits of the definition's content. */
  readonly hash: string;
}

const TagSchema = Type.Object(
  {
    id: nameText({ description: "Part of the subjects `tag.<id>.on` and `.off`." }),
    title: Type.Optional(Type.String({ maxLength: 128, description: "What people call it." })),
    about: Type.Optional(Type.String({ description: "Why it exists." })),
    purpose: Type.Optional(
      Type.String({
        description: "The purpose of consent without which nobody has it: `profiling`.",
      }),
    ),
    explicit: Type.Optional(
      Type.Boolean({ description: "Nobody has it who has not said yes to the purpose." }),
    ),
    when: ConditionRef,
  },
  { additionalProperties: false },
);

export const TagsSchema = Type.Object(
  {
    version: Type.Literal(1),
    ...namedKeys,
    tags: Type.Array(TagSchema, { maxItems: 500, description: "In any order." }),
  },
  {
    additionalProperties: false,
    title: "Freshet tags",
    description: "What people are interested in, by what they did; on and off by the clock too.",
    $defs: CONDITION_DEFS,
  },
);

type TagSource = Static<typeof TagSchema>;

const read = schemaReader(TagsSchema);

/** Reads `tags.yaml`; `timeZone` holds where the file names none. */
export function readTags(file: YamlFile, plan: TrackingPlan, timeZone: string): Reading<TagFile> {
  const { value, problems } = read(file);
  if (value === undefined) return { value: undefined, problems };
  const reader = new TagReader(new MatcherReader(file, plan, value));
  const tags = value.tags.map((source, i) => reader.tag(source, ["tags", i]));
  const found = [
    ...(value.tz === undefined ? [] : timeZoneProblem(file, ["tz"], value.tz)),
    ...reader.finish(),
  ];
  if (found.length > 0) return { value: undefined, problems: found };
  const { matchers } = reader;
  return { value: { version: 1, timeZone: value.tz ?? timeZone, matchers, tags }, problems: [] };
}

class TagReader {
  readonly #matchers: MatcherReader;
  readonly #conditions: ConditionReader;
  readonly #seen = new Set<string>();

  constructor(matchers: MatcherReader) {
    this.#matchers = matchers;
    this.#conditions = new ConditionReader(matchers, []);
  }

  get matchers(): readonly Matcher[] {
    return this.#matchers.matchers;
  }

  finish() {
    this.#matchers.checkUnused();
    return this.#matchers.problems;
  }

  tag({ id, title, when, purpose = "profiling", explicit = false }: TagSource, at: Path): Tag {
    if (this.#seen.has(id)) {
      this.#matchers.complain([...at, "id"], {
        code: "NAME_DUPLICATE",
        message: `another tag is called \`${id}\` already`,
        remedy: "Give it a name of its own.",
      });
    }
    this.#seen.add(id);
    const read = this.#conditions.when(when, [...at, "when"]);
    if (topicsOf(asked(read)).some((topic) => TOLD_LATER.has(topic))) {
      this.#matchers.complain([...at, "when"], {
        code: "GRAPH_CYCLE",
        message: `\`${id}\` asks for what is told after tags, or by them`,
        remedy: "Write out what people did instead of `in`, `tag`, `affinity` or `rank`.",
      });
    }
    const hash = hash128(JSON.stringify([read, purpose, explicit], asMeaning)).slice(0, 16);
    const said = (status?: string): Matcher =>
      this.#matchers.matcher(
        {
          event: "privacy.consent",
          where: { purpose, ...(status === undefined ? {} : { status }) },
        },
        [...at, "purpose"],
      );
    const last = (of: Matcher): Run => ({
      op: "run",
      of,
      among: said(),
      atLeast: 1,
      distinct: "event",
      maxGap: null,
    });
    return {
      id,
      title,
      when: read,
      isExplicit: explicit,
      granted: last(said("granted")),
      refused: last(said("withdrawn")),
      hash,
    };
  }
}

/** By tags themselves, or by what is fed by them. */
const TOLD_LATER: ReadonlySet<Topic> = new Set(["tag", "affinity", "rank"]);
