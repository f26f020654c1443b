import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import Type, { type Static, type TSchema } from "typebox";
import { didYouMean } from "./did-you-mean.ts";
import type { Problem, Reading } from "./problem.ts";
import type { RuleFile } from "./rule-ast.ts";
import { schemaReader } from "./schema-check.ts";
import type { SegmentFile } from "./segment-ast.ts";
import { type Asked, asked, askedBy } from "./standings.ts";
import { nameText } from "./texts.ts";
import { type Complaint, type Path, readYamlFile, YamlFile } from "./yaml-file.ts";

/** Folder of a configuration's packs. */
const PACKS = "packs";

const ids = (description: string) =>
  Type.Optional(Type.Array(nameText(), { maxItems: 1000, uniqueItems: true, description }));

/** The schema with what a flow may name: loosely for reading, with this build's operators to publish. */
export const packSchema = <F extends TSchema>(flows: { readonly shopper: F; readonly demand: F }) =>
  Type.Object(
    {
      version: Type.Literal(1),
      title: Type.Optional(Type.String({ maxLength: 128, description: "What people call it." })),
      about: Type.Optional(Type.String({ description: "What runs with it, and what does not." })),
      operators: Type.Optional(
        Type.Object(
          { shopper: Type.Optional(flows.shopper), demand: Type.Optional(flows.demand) },
          {
            additionalProperties: false,
            description:
              "Of a flow that is named here, the operators that run. What a block leaves out is as in freshet.yaml.",
          },
        ),
      ),
      segments: ids("Those of segments.yaml that are kept; left out: all."),
      rules: ids("Those of rules.yaml that are kept; left out: all."),
    },
    {
      additionalProperties: false,
      title: "Freshet pack",
      description:
        "A part of the configuration that runs by itself: `--pack NAME` for packs/NAME.yaml.",
    },
  );

const Flow = Type.Record(nameText(), Type.Union([Type.Null(), Type.Object({})]), {
  additionalProperties: false,
  description: "Operator → nothing, or `from` and options that differ.",
});
/** Operators loosely: their blocks are checked one by one, with what they inherit. */
export const PackSchema = packSchema({ shopper: Flow, demand: Flow });
type PackSource = Static<typeof PackSchema>;
const read = schemaReader(PackSchema);

/** Names of the packs in a configuration folder. */
export function packNames(dir: string): readonly string[] {
  const folder = join(dir, PACKS);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  return files.map((file) => file.slice(0, -".yaml".length)).sort();
}

/** Reads a pack of a configuration folder by its name. */
export async function readPack(dir: string, name: string): Promise<Reading<Pack>> {
  const names = packNames(dir);
  const path = join(dir, PACKS, `${name}.yaml`);
  if (!names.includes(name)) return { value: undefined, problems: [unknown(name, names, dir)] };
  const { value: file, problems } = await readYamlFile(path);
  if (file === undefined) return { value: undefined, problems };
  const source = read(file);
  if (source.value === undefined) return { value: undefined, problems: source.problems };
  return { value: new Pack(name, file, source.value), problems: [] };
}

function unknown(name: string, names: readonly string[], dir: string): Problem {
  const folder = join(dir, PACKS);
  const known = names.length === 0 ? "there are none" : `there are ${names.join(", ")}`;
  return new YamlFile(folder, "", null, null).problem([], {
    code: "NAME_UNKNOWN",
    message: `no pack is called \`${name}\`: ${known}`,
    remedy: names.length === 0 ? `Write ${folder}/${name}.yaml.` : didYouMean(name, names),
  });
}

/** What of a configuration runs: some of its operators, segments and rules. All else is inherited. */
export class Pack {
  readonly name: string;
  readonly #file: YamlFile;
  readonly #source: PackSource;

  constructor(name: string, file: YamlFile, source: PackSource) {
    this.name = name;
    this.#file = file;
    this.#source = source;
  }

  /** What it keeps of the definitions: part of what decides, where it leaves anything out. */
  get kept(): unknown {
    const { segments, rules } = this.#source;
    return segments === undefined && rules === undefined ? null : { segments, rules };
  }

  /** `freshet.yaml` with the pack's operators in place of its own. */
  job(base: YamlFile): YamlFile {
    const { operators } = this.#source;
    return operators === undefined ? base : new PackedJob(base, this.#file, operators);
  }

  segments(file: SegmentFile): Reading<SegmentFile> {
    const kept = this.#keep("segments", file.segments);
    const problems = [
      ...kept.problems,
      ...kept.value.flatMap(({ id, when }) =>
        this.#leftOut("segments", id, asked(when), kept.value),
      ),
    ];
    return { value: { ...file, segments: kept.value }, problems };
  }

  /** `segments` are those that are kept. */
  rules(file: RuleFile, segments: SegmentFile): Reading<RuleFile> {
    const kept = this.#keep("rules", file.rules);
    const problems = [
      ...kept.problems,
      ...kept.value.flatMap(({ id, when }) =>
        this.#leftOut("rules", id, askedBy(when), segments.segments),
      ),
    ];
    return { value: { ...file, rules: kept.value }, problems };
  }

  #keep<T extends Named>(list: List, all: readonly T[]) {
    const wanted = this.#source[list];
    const names = all.map(({ id }) => id);
    const problems = (wanted ?? []).flatMap((id, i) =>
      names.includes(id)
        ? []
        : this.#file.problem([list, i], {
            code: "NAME_UNKNOWN",
            message: `${list}.yaml defines no \`${id}\``,
            remedy: didYouMean(id, names),
          }),
    );
    const value = wanted === undefined ? all : all.filter(({ id }) => wanted.includes(id));
    return { value, problems };
  }

  /** Segments that a kept definition asks for and the pack leaves out. */
  #leftOut(
    list: List,
    id: string,
    asks: readonly Asked[],
    segments: readonly Named[],
  ): readonly Problem[] {
    const missing = asks.filter(
      ({ topic, value }) => topic === "segment" && !segments.some((one) => one.id === value),
    );
    const place = this.#source[list]?.indexOf(id) ?? -1;
    return missing.map(({ value }) =>
      this.#file.problem(place < 0 ? ["segments"] : [list, place], {
        code: "NAME_UNKNOWN",
        message: `\`${id}\` asks for the segment \`${value}\`, which this pack leaves out`,
        remedy: `Add \`${value}\` to \`segments\`, or leave \`${id}\` out, too.`,
      }),
    );
  }
}

type List = "segments" | "rules";
type Named = { readonly id: string };
type Operators = NonNullable<PackSource["operators"]>;
type Blocks = Readonly<Record<string, object | null>>;

/** `freshet.yaml` with other operators: what is wrong with those is told of the pack. */
class PackedJob extends YamlFile {
  readonly #base: YamlFile;
  readonly #pack: YamlFile;
  readonly #operators: Operators;

  constructor(base: YamlFile, pack: YamlFile, operators: Operators) {
    super(base.name, base.text, withOperators(base.value, operators), null);
    this.#base = base;
    this.#pack = pack;
    this.#operators = operators;
  }

  override problem(path: Path, complaint: Complaint): Problem {
    const [section, flow] = path;
    const isOfPack = section === "operators" && Object.hasOwn(this.#operators, flow ?? "");
    return (isOfPack ? this.#pack : this.#base).problem(path, complaint);
  }
}

/** A configuration that is no mapping, or whose operators are none, is left for its own check. */
function withOperators(job: unknown, operators: Operators): unknown {
  const own = partOf(job, "operators");
  if (own === undefined) return job;
  const flows = Object.entries(operators).map(([flow, blocks]): [string, Blocks] => {
    const before = partOf(own, flow) ?? {};
    const merged = Object.entries(blocks as Blocks).map(
      ([name, block]): [string, object | null] => {
        const inherited = partOf(before, name);
        return [name, inherited === undefined ? block : { ...inherited, ...block }];
      },
    );
    return [flow, Object.fromEntries(merged)];
  });
  return { ...(job as object), operators: { ...own, ...Object.fromEntries(flows) } };
}

function partOf(whole: unknown, name: string): object | undefined {
  if (typeof whole !== "object" || whole === null || !Object.hasOwn(whole, name)) return undefined;
  const part = (whole as Readonly<Record<string, unknown>>)[name];
  return typeof part === "object" && part !== null ? part : undefined;
}
