import type { Constraint, Matcher, Scalar } from "./condition-ast.ts";
import type { MatcherRefSource, MatcherSource, WhereSource } from "./condition-schema.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Problem } from "./problem.ts";
import type { PropInfo, TrackingPlan } from "./tracking-plan.ts";
import { WhereReader } from "./where.ts";
import type { Complaint, Path, YamlFile } from "./yaml-file.ts";

/** What a file names for its conditions. */
export interface Names {
  readonly let?: Readonly<Record<string, MatcherSource>>;
  readonly dict?: Readonly<Record<string, readonly Scalar[]>>;
}

/** Reads the matchers of one file, equal ones as one; what is wrong goes to `problems`. */
export class MatcherReader {
  readonly #file: YamlFile;
  readonly #plan: TrackingPlan;
  readonly #named: Readonly<Record<string, MatcherSource>>;
  readonly #where: WhereReader;
  readonly #problems: Problem[] = [];
  readonly #matchers: Matcher[] = [];
  readonly #byContent = new Map<string, Matcher>();
  readonly #used = new Set<string>();

  constructor(file: YamlFile, plan: TrackingPlan, names: Names) {
    this.#file = file;
    this.#plan = plan;
    this.#named = names.let ?? {};
    this.#where = new WhereReader(file, plan, names.dict ?? {});
  }

  get problems(): readonly Problem[] {
    return [...this.#problems, ...this.#where.problems];
  }
  /** Every different matcher read so far, at the place its `index` says. */
  get matchers(): readonly Matcher[] {
    return this.#matchers;
  }

  /** Touchpoints of the tracking plan. */
  get touchpoints(): readonly string[] {
    return this.#plan.touchpoints;
  }

  /** A matcher or the name of one; `match` narrows it further. */
  matcher(ref: MatcherRefSource, at: Path, match?: WhereSource, matchAt: Path = at): Matcher {
    const { name, source, path } = this.#resolve(ref, at);
    const events = source === undefined ? undefined : this.#events(source, path);
    if (source === undefined || events === undefined) return this.#intern(name, [], []);
    const own = this.#where.read(source.where, events, [...path, "where"]);
    const more = this.#where.read(match, events, matchAt);
    return this.#intern(match === undefined ? name : undefined, events, [...own, ...more]);
  }

  /** Checks what stands under `let` although nothing names it. */
  checkUnused(): void {
    for (const name of Object.keys(this.#named)) {
      if (!this.#used.has(name)) this.matcher(name, ["let", name]);
    }
  }

  /** Complains where events of the matcher have no such property; a sku may be in the lines. */
  checkProperty(matcher: Matcher, name: string, path: Path): void {
    const has = (event: string) =>
      this.#plan.property(event, name) !== undefined ||
      (name === "sku" && this.#plan.property(event, "lines") !== undefined);
    const blind = matcher.events.find((event) => !has(event));
    if (blind === undefined) return;
    this.complain(path, {
      code: "PROPERTY_UNKNOWN",
      message: `\`${blind}\` has no property \`${name}\``,
      remedy: didYouMean(name, this.#plan.properties(blind)),
    });
  }

  /** A property that is a number on every event of the matcher. */
  number(matcher: Matcher, name: string, path: Path): PropInfo | undefined {
    return this.#where.number(name, matcher.events, path);
  }
  amount(value: Scalar, info: PropInfo, name: string, path: Path): number | undefined {
    return this.#where.amount(value, info, name, path);
  }

  complain(path: Path, complaint: Complaint): void {
    this.#problems.push(this.#file.problem(path, complaint));
  }

  #resolve(ref: MatcherRefSource, path: Path) {
    if (typeof ref !== "string") return { name: undefined, source: ref, path };
    if (Object.hasOwn(this.#named, ref)) {
      this.#used.add(ref);
      return { name: ref, source: this.#named[ref], path: ["let", ref] };
    }
    this.complain(path, {
      code: "NAME_UNKNOWN",
      message: `no matcher under \`let\` is called \`${ref}\``,
      remedy: didYouMean(ref, Object.keys(this.#named)),
    });
    return { name: ref, source: undefined, path };
  }

  /** The types of a matcher; undefined when the tracking plan lacks one. */
  #events(source: MatcherSource, at: Path): readonly string[] | undefined {
    const types = typeof source.event === "string" ? [source.event] : source.event;
    let known = true;
    types.forEach((type, i) => {
      if (this.#plan.types.includes(type)) return;
      known = false;
      this.complain(typeof source.event === "string" ? [...at, "event"] : [...at, "event", i], {
        code: "EVENT_UNKNOWN",
        message: `the tracking plan has no event \`${type}\``,
        remedy: didYouMean(type, this.#plan.types),
      });
    });
    return known ? types : undefined;
  }

  #intern(
    name: string | undefined,
    events: readonly string[],
    where: readonly Constraint[],
  ): Matcher {
    const content = JSON.stringify([events, where]);
    const known = this.#byContent.get(content);
    if (known !== undefined) return known;
    const matcher = { index: this.#matchers.length, name, events, where };
    this.#matchers.push(matcher);
    this.#byContent.set(content, matcher);
    return matcher;
  }
}
