import { hash128 } from "../codec/hash.ts";
import { days, type Millis } from "../time/event-time.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Problem, Reading } from "./problem.ts";
import { schemaReader } from "./schema-check.ts";
import type { Count, Matcher, Segment, SegmentFile, When } from "./segment-ast.ts";
import {
  type CountSource,
  type MatcherRefSource,
  type MatcherSource,
  type NoneSource,
  SegmentsSchema,
  type SegmentsSource,
  type WhenSource,
} from "./segments-schema.ts";
import { durationOf } from "./texts.ts";
import { timeZoneProblem } from "./time-zone.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import { WhereReader } from "./where.ts";
import type { Complaint, Path, YamlFile } from "./yaml-file.ts";

const LONGEST_WINDOW = days(400);

const read = schemaReader(SegmentsSchema);

/** Reads `segments.yaml`; `timeZone` holds where the file names none. */
export function readSegments(
  file: YamlFile,
  plan: TrackingPlan,
  timeZone: string,
): Reading<SegmentFile> {
  const { value, problems } = read(file);
  if (value === undefined) return { value: undefined, problems };
  const reader = new SegmentsReader(file, plan, value);
  const result = reader.read(timeZone);
  const found = reader.problems;
  return found.length > 0 ? { value: undefined, problems: found } : { value: result, problems: [] };
}

class SegmentsReader {
  readonly #file: YamlFile;
  readonly #plan: TrackingPlan;
  readonly #source: SegmentsSource;
  readonly #where: WhereReader;
  readonly #problems: Problem[] = [];
  readonly #matchers: Matcher[] = [];
  readonly #byContent = new Map<string, Matcher>();
  readonly #named = new Set<string>();

  constructor(file: YamlFile, plan: TrackingPlan, source: SegmentsSource) {
    this.#file = file;
    this.#plan = plan;
    this.#source = source;
    this.#where = new WhereReader(file, plan);
  }

  get problems(): readonly Problem[] {
    return [...this.#problems, ...this.#where.problems];
  }

  read(timeZone: string): SegmentFile {
    const { tz, let: named = {}, segments } = this.#source;
    if (tz !== undefined) this.#problems.push(...timeZoneProblem(this.#file, ["tz"], tz));
    for (const [name, source] of Object.entries(named)) {
      if (!this.#events(source, ["let", name]).ok) this.#named.add(name);
    }
    const seen = new Set<string>();
    const read = segments.map((segment, i) => {
      if (seen.has(segment.id)) {
        this.#complain(["segments", i, "id"], {
          code: "NAME_DUPLICATE",
          message: `another segment is called \`${segment.id}\` already`,
          remedy: "Give it a name of its own.",
        });
      }
      seen.add(segment.id);
      return this.#segment(segment, i);
    });
    this.#checkUnused(named);
    return { version: 1, timeZone: tz ?? timeZone, matchers: this.#matchers, segments: read };
  }

  /** A named matcher that no segment uses is checked all the same. */
  #checkUnused(named: Readonly<Record<string, MatcherSource>>): void {
    for (const [name, source] of Object.entries(named)) {
      if (this.#matchers.some((matcher) => matcher.name === name) || this.#named.has(name))
        continue;
      this.#where.read(source.where, eventsOf(source), ["let", name, "where"]);
    }
  }

  #complain(path: Path, complaint: Complaint): void {
    this.#problems.push(this.#file.problem(path, complaint));
  }

  #segment({ id, title, goal, when }: SegmentsSource["segments"][number], i: number): Segment {
    const read = this.#when(when, ["segments", i, "when"]);
    return { id, title, goal, when: read, hash: hash128(contentOf(read)).slice(0, 16) };
  }

  #when(source: WhenSource, at: Path): When {
    if ("all" in source) return { op: "all", of: this.#whens(source.all, [...at, "all"]) };
    if ("any" in source) return { op: "any", of: this.#whens(source.any, [...at, "any"]) };
    if ("not" in source) return { op: "not", of: this.#when(source.not, [...at, "not"]) };
    if ("count" in source) return this.#count(source.count, [...at, "count"]);
    return {
      op: "none",
      of: this.#matcher(source.none, [...at, "none"]),
      within: this.#within(source.none.within, [...at, "none"]),
    };
  }

  #whens(sources: readonly WhenSource[], at: Path): When[] {
    return sources.map((source, i) => this.#when(source, [...at, i]));
  }

  #count(source: CountSource, at: Path): Count {
    const { at_least, more_than, distinct = "event" } = source;
    if ((at_least === undefined) === (more_than === undefined)) {
      this.#complain(at_least === undefined ? at : [...at, "more_than"], {
        code: at_least === undefined ? "KEY_MISSING" : "KEY_UNKNOWN",
        message:
          at_least === undefined
            ? "neither `at_least` nor `more_than` says how many"
            : "`at_least` and `more_than` both say how many",
        remedy: "Write `at_least: 3` for 3 次以上, or `more_than: 3` for 超过 3 次.",
        atKey: true,
      });
    }
    const of = this.#matcher(source, at);
    if (distinct === "sku") this.#checkSku(of, [...at, "distinct"]);
    return {
      op: "count",
      of,
      within: this.#within(source.within, at),
      atLeast: at_least ?? (more_than ?? 0) + 1,
      distinct,
    };
  }

  #checkSku(matcher: Matcher, path: Path): void {
    const blind = matcher.events.find(
      (event) => !this.#plan.property(event, "sku") && !this.#plan.property(event, "lines"),
    );
    if (blind === undefined) return;
    this.#complain(path, {
      code: "PROPERTY_UNKNOWN",
      message: `\`${blind}\` has no sku to count`,
      remedy: "Count events or sessions, or match another type of event.",
    });
  }

  #within(text: string, at: Path): Millis {
    const within = durationOf(text);
    if (within > LONGEST_WINDOW || within === 0) {
      this.#complain([...at, "within"], {
        code: "VALUE_RANGE",
        message: `a window of ${text} is ${within === 0 ? "empty" : "too long"}`,
        remedy: "Choose a length above nothing and up to 400d.",
      });
    }
    return within;
  }

  #matcher({ of, match }: CountSource | NoneSource, at: Path): Matcher {
    const { name, source, path } = this.#resolve(of, [...at, "of"]);
    if (source === undefined) return this.#intern(undefined, [], []);
    const events = this.#events(source, path);
    if (!events.ok) return this.#intern(undefined, [], []);
    const own = this.#where.read(source.where, events.types, [...path, "where"]);
    const more = this.#where.read(match, events.types, [...at, "match"]);
    return this.#intern(match === undefined ? name : undefined, events.types, [...own, ...more]);
  }

  #resolve(
    of: MatcherRefSource,
    path: Path,
  ): { name: string | undefined; source: MatcherSource | undefined; path: Path } {
    if (typeof of !== "string") return { name: undefined, source: of, path };
    const named = this.#source.let ?? {};
    if (Object.hasOwn(named, of)) return { name: of, source: named[of], path: ["let", of] };
    this.#complain(path, {
      code: "NAME_UNKNOWN",
      message: `no matcher under \`let\` is called \`${of}\``,
      remedy: didYouMean(of, Object.keys(named)),
    });
    return { name: of, source: undefined, path };
  }

  /** The types of a matcher; those unknown to the tracking plan are told once a place. */
  #events(source: MatcherSource, at: Path): { ok: boolean; types: readonly string[] } {
    const types = eventsOf(source);
    let ok = true;
    types.forEach((type, i) => {
      if (this.#plan.types.includes(type)) return;
      ok = false;
      const path = typeof source.event === "string" ? [...at, "event"] : [...at, "event", i];
      this.#complain(path, {
        code: "EVENT_UNKNOWN",
        message: `the tracking plan has no event \`${type}\``,
        remedy: didYouMean(type, this.#plan.types),
      });
    });
    return { ok, types };
  }

  #intern(name: string | undefined, events: readonly string[], where: Matcher["where"]): Matcher {
    const content = JSON.stringify([events, where]);
    const known = this.#byContent.get(content);
    if (known !== undefined) return known;
    const matcher = { index: this.#matchers.length, name, events, where };
    this.#matchers.push(matcher);
    this.#byContent.set(content, matcher);
    return matcher;
  }
}

const eventsOf = (source: MatcherSource): readonly string[] =>
  typeof source.event === "string" ? [source.event] : source.event;

/** What a definition means, without the names and places that its matchers happen to have. */
function contentOf(when: When): string {
  return JSON.stringify(when, (_key, value: unknown) =>
    isMatcher(value) ? [value.events, value.where] : value,
  );
}

const isMatcher = (value: unknown): value is Matcher =>
  typeof value === "object" && value !== null && "index" in value && "events" in value;
