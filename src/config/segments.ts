import { hash128 } from "../codec/hash.ts";
import type { Matcher } from "./condition-ast.ts";
import { ConditionReader } from "./condition-reader.ts";
import { MatcherReader } from "./matcher-reader.ts";
import type { Reading } from "./problem.ts";
import { schemaReader } from "./schema-check.ts";
import type { Segment, SegmentFile } from "./segment-ast.ts";
import { SegmentsSchema, type SegmentsSource } from "./segments-schema.ts";
import { asked } from "./standings.ts";
import { timeZoneProblem } from "./time-zone.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

const read = schemaReader(SegmentsSchema);

/**
 * Reads `segments.yaml`; `timeZone` holds where the file names none. `intents`: those there are,
 * the usual ones when left out.
 */
export function readSegments(
  file: YamlFile,
  plan: TrackingPlan,
  timeZone: string,
  intents?: readonly string[],
): Reading<SegmentFile> {
  const { value, problems } = read(file);
  if (value === undefined) return { value: undefined, problems };
  const reader = new SegmentsReader(file, plan, value, intents);
  const result = reader.read(timeZone);
  const found = [
    ...(value.tz === undefined ? [] : timeZoneProblem(file, ["tz"], value.tz)),
    ...reader.problems,
  ];
  return found.length > 0 ? { value: undefined, problems: found } : { value: result, problems: [] };
}

type SegmentSource = SegmentsSource["segments"][number];

class SegmentsReader {
  readonly #source: SegmentsSource;
  readonly #matchers: MatcherReader;
  readonly #conditions: ConditionReader;

  constructor(
    file: YamlFile,
    plan: TrackingPlan,
    source: SegmentsSource,
    intents: readonly string[] | undefined,
  ) {
    this.#source = source;
    this.#matchers = new MatcherReader(file, plan, source);
    const ids = source.segments.map(({ id }) => id);
    this.#conditions = new ConditionReader(this.#matchers, ids, intents);
  }

  get problems() {
    return this.#matchers.problems;
  }

  read(timeZone: string): SegmentFile {
    const { tz, segments } = this.#source;
    this.#checkNames();
    const read = segments.map((segment, i) => this.#segment(segment, ["segments", i]));
    this.#matchers.checkUnused();
    return {
      version: 1,
      timeZone: tz ?? timeZone,
      matchers: this.#matchers.matchers,
      segments: this.#ordered(read),
    };
  }

  #checkNames(): void {
    const seen = new Set<string>();
    this.#source.segments.forEach(({ id }, i) => {
      if (seen.has(id)) {
        this.#matchers.complain(["segments", i, "id"], {
          code: "NAME_DUPLICATE",
          message: `another segment is called \`${id}\` already`,
          remedy: "Give it a name of its own.",
        });
      }
      seen.add(id);
    });
  }

  #segment({ id, title, goal, when, leave: left }: SegmentSource, at: Path): Segment {
    const read = this.#conditions.when(when, [...at, "when"]);
    const leave =
      left === undefined
        ? null
        : {
            after: this.#conditions.length(left.after, [...at, "leave", "after"]),
            unless: this.#matchers.matcher(left.unless, [...at, "leave", "unless"]),
          };
    const content = leave === null ? read : [read, leave];
    const hash = hash128(JSON.stringify(content, asMeaning)).slice(0, 16);
    return { id, title, goal, when: read, leave, hash };
  }

  /** Each after those that its `in` names. */
  #ordered(segments: readonly Segment[]): Segment[] {
    const byId = new Map(segments.map((segment) => [segment.id, segment]));
    const ordered = new Set<Segment>();
    const open = new Set<Segment>();
    const visit = (segment: Segment): void => {
      if (ordered.has(segment)) return;
      if (open.has(segment)) {
        this.#matchers.complain(["segments", segments.indexOf(segment), "when"], {
          code: "GRAPH_CYCLE",
          message: `\`${segment.id}\` is in itself, by way of \`in\``,
          remedy: "Write out one of the definitions instead of naming it.",
        });
        return;
      }
      open.add(segment);
      for (const { topic, value } of asked(segment.when)) {
        const named = topic === "segment" ? byId.get(value) : undefined;
        if (named !== undefined) visit(named);
      }
      open.delete(segment);
      ordered.add(segment);
    };
    for (const segment of segments) visit(segment);
    return [...ordered];
  }
}

/** What a definition means, without the names and places that its matchers happen to have. */
export function asMeaning(_key: string, value: unknown): unknown {
  return isMatcher(value) ? [value.events, value.where] : value;
}

const isMatcher = (value: unknown): value is Matcher =>
  typeof value === "object" && value !== null && "index" in value && "events" in value;
