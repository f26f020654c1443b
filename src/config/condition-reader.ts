import { days, type Millis } from "../time/event-time.ts";
import type { Bound, Count, Matcher, Run, Sum, Weight, When } from "./condition-ast.ts";
import type {
  LevelSource,
  MatcherRefSource,
  WeightsSource,
  WhenSource,
  WhereSource,
} from "./condition-schema.ts";
import { didYouMean } from "./did-you-mean.ts";
import { USUAL_INTENTS } from "./intents.ts";
import type { MatcherReader } from "./matcher-reader.ts";
import { durationOf } from "./texts.ts";
import type { Path } from "./yaml-file.ts";

const LONGEST_WINDOW = days(400);
const LONGEST_AGE = days(3650);

type Level<K extends keyof LevelSource> = NonNullable<LevelSource[K]>;
const STAGES = ["new", "active", "dormant", "churn_risk"];
const NAMED = {
  in: "segment",
  intent: "intent",
  life: "stage",
  scene: "scene",
  tag: "tag",
  affinity: "touchpoint",
} as const;
const STANDING_KEYS = ["in", "intent", "life", "scene", "tag", "affinity"] as const;

/** Reads level conditions of one file; problems go to its matcher reader. */
export class ConditionReader {
  readonly #matchers: MatcherReader;
  readonly #intents: readonly string[];
  readonly #segments: ReadonlySet<string>;

  /** `segments`: the ids that `in` may name. */
  /** `segments` and `intents`: the names there are. */
  constructor(
    matchers: MatcherReader,
    segments: Iterable<string>,
    intents: readonly string[] = USUAL_INTENTS,
  ) {
    this.#matchers = matchers;
    this.#intents = intents;
    this.#segments = new Set(segments);
  }

  when(source: WhenSource, at: Path): When {
    if (source.all !== undefined) return { op: "all", of: this.#parts(source.all, [...at, "all"]) };
    if (source.any !== undefined) return { op: "any", of: this.#parts(source.any, [...at, "any"]) };
    if (source.not !== undefined) return { op: "not", of: this.when(source.not, [...at, "not"]) };
    return this.level(source, at);
  }

  #parts(sources: readonly WhenSource[], at: Path): When[] {
    return sources.map((source, i) => this.when(source, [...at, i]));
  }

  /** A level condition without parts. */
  level(source: LevelSource, at: Path): When {
    if (source.count !== undefined) return this.#count(source.count, [...at, "count"]);
    if (source.none !== undefined) return this.#none(source.none, [...at, "none"]);
    if (source.sum !== undefined) return this.#sum(source.sum, [...at, "sum"]);
    if (source.run !== undefined) return this.#run(source.run, [...at, "run"]);
    if (source.decay !== undefined) return this.#decay(source.decay, [...at, "decay"]);
    if (source.owns !== undefined) return this.#owns(source.owns, [...at, "owns"]);
    if (source.rank !== undefined) return this.#rank(source.rank, [...at, "rank"]);
    return this.#standing(source, at);
  }

  #standing(source: LevelSource, at: Path): When {
    const key = STANDING_KEYS.find((name) => source[name] !== undefined) ?? "in";
    const value = source[key] ?? "";
    const known = this.#known(key);
    if (known !== undefined && !known.includes(value)) {
      this.#matchers.complain([...at, key], {
        code: "NAME_UNKNOWN",
        message: `no ${NAMED[key]} is called \`${value}\``,
        remedy: didYouMean(value, known),
      });
    }
    return { op: "standing", topic: key === "in" ? "segment" : key, value };
  }

  /** What may be named; undefined where anything may: tags and scenes are named by who tells them. */
  #known(key: (typeof STANDING_KEYS)[number]): readonly string[] | undefined {
    switch (key) {
      case "in":
        return [...this.#segments];
      case "intent":
        return this.#intents;
      case "life":
        return STAGES;
      case "affinity":
        return this.#matchers.touchpoints;
      default:
        return undefined;
    }
  }

  #none(source: Level<"none">, at: Path): When {
    return { op: "none", of: this.#narrowed(source, at), within: this.within(source.within, at) };
  }

  #count(source: Level<"count">, at: Path): Count {
    const { distinct = "event", same } = source;
    const of = this.#narrowed(source, at);
    if (distinct !== "event" && distinct !== "session") {
      this.#matchers.checkProperty(of, distinct, [...at, "distinct"]);
    }
    if (same !== undefined) this.#matchers.checkProperty(of, same, [...at, "same"]);
    return {
      op: "count",
      of,
      within: this.within(source.within, at),
      atLeast: this.#atLeast(source, at),
      distinct,
      same: same ?? null,
    };
  }

  #run(source: Level<"run">, at: Path): Run {
    const { distinct = "event", max_gap } = source;
    const of = this.#narrowed(source, at);
    if (distinct !== "event") this.#matchers.checkProperty(of, distinct, [...at, "distinct"]);
    return {
      op: "run",
      of,
      among: this.#matchers.matcher(source.among, [...at, "among"]),
      atLeast: this.#atLeast(source, at),
      distinct,
      maxGap: max_gap === undefined ? null : this.length(max_gap, [...at, "max_gap"]),
    };
  }

  #sum(source: Level<"sum">, at: Path): Sum {
    const { field, within, per } = source;
    const of = this.#narrowed(source, at);
    const latest = per && this.#matchers.matcher(per.latest, [...at, "per", "latest"]);
    for (const matcher of latest === undefined ? [] : [of, latest]) {
      this.#matchers.checkProperty(matcher, per?.key ?? "", [...at, "per", "key"]);
    }
    if ((within === undefined) === (per === undefined)) {
      const missing = within === undefined;
      this.#matchers.complain(missing ? at : [...at, "within"], {
        code: missing ? "KEY_MISSING" : "KEY_UNKNOWN",
        message: missing
          ? "neither `within` nor `per` says where the sum begins"
          : "`within` and `per` both say where the sum begins",
        remedy: "Write `within: 30d`, or `per: {latest: …, key: …}`.",
        atKey: true,
      });
    }
    return {
      op: "sum",
      of,
      field,
      bound: this.#bound(source, of, at),
      within: within === undefined ? null : this.within(within, at),
      per: latest === undefined || per === undefined ? null : { latest, key: per.key },
    };
  }

  #bound(source: Level<"sum">, of: Matcher, at: Path): Bound {
    const { field, at_least, more_than } = source;
    this.#oneBound(source, at, "`more_than: 15m` for 超过 15 分钟");
    const op = at_least === undefined ? "more_than" : "at_least";
    const info = this.#matchers.number(of, field, [...at, "field"]);
    const given = at_least ?? more_than ?? 0;
    const value = info === undefined ? 0 : this.#matchers.amount(given, info, field, [...at, op]);
    return { op, value: value ?? 0 };
  }

  #decay(source: Level<"decay">, at: Path): When {
    const { half_life, on_at, off_at, sources } = source;
    if (off_at > on_at) {
      this.#matchers.complain([...at, "off_at"], {
        code: "VALUE_RANGE",
        message: `\`off_at\` ${off_at} is above \`on_at\` ${on_at}`,
        remedy: "Let it go off at the same score or a lower one.",
      });
    }
    return {
      op: "decay",
      add: this.weights(source.add, [...at, "add"], source.match, [...at, "match"]),
      halfLife: half_life === undefined ? null : this.length(half_life, [...at, "half_life"]),
      onAt: on_at,
      offAt: off_at,
      ...(sources === undefined ? {} : { sources }),
    };
  }

  #rank({ of, match, half_life, per, top, at_least }: Level<"rank">, at: Path): When {
    const add = this.weights(of, [...at, "of"], match, [...at, "match"]);
    for (const weight of add) this.#matchers.checkProperty(weight.of, per, [...at, "per"]);
    const halfLife = this.length(half_life, [...at, "half_life"]);
    return { op: "rank", add, halfLife, per, top, atLeast: at_least };
  }

  #owns(source: Level<"owns">, at: Path): When {
    const of = this.#matchers.matcher(source.of ?? { event: "order.received" }, [...at, "of"]);
    const ageOver = this.length(source.age_over, [...at, "age_over"], LONGEST_AGE);
    return { op: "owns", of, ageOver };
  }

  /** Matchers by name with what each adds. */
  weights(source: WeightsSource, at: Path, match?: WhereSource, matchAt: Path = at): Weight[] {
    return Object.entries(source).map(([name, added]) => {
      const path = [...at, name];
      const of = this.#matchers.matcher(name, path, match, matchAt);
      if (typeof added === "number") return { of, weight: added, field: null };
      const { weight, field } = added;
      if (field === undefined) return { of, weight, field: null };
      this.#matchers.number(of, field, [...path, "field"]);
      return { of, weight, field };
    });
  }

  /** A window's length. */
  within(text: string, at: Path): Millis {
    return this.length(text, [...at, "within"]);
  }

  /** A length of time above nothing, at most `longest`. */
  length(text: string, path: Path, longest = LONGEST_WINDOW): Millis {
    const length = durationOf(text);
    if (length > longest || length === 0) {
      this.#matchers.complain(path, {
        code: "VALUE_RANGE",
        message: `a length of ${text} is ${length === 0 ? "empty" : "too long"}`,
        remedy: `Choose a length above nothing and up to ${longest / days(1)}d.`,
      });
    }
    return length;
  }

  #narrowed(
    source: { readonly of: MatcherRefSource; readonly match?: WhereSource },
    at: Path,
  ): Matcher {
    return this.#matchers.matcher(source.of, [...at, "of"], source.match, [...at, "match"]);
  }

  #atLeast(source: { readonly at_least?: number; readonly more_than?: number }, at: Path): number {
    this.#oneBound(source, at, "`at_least: 3` for 3 次以上, or `more_than: 3` for 超过 3 次");
    return source.at_least ?? (source.more_than ?? 0) + 1;
  }

  #oneBound(
    { at_least, more_than }: { readonly at_least?: unknown; readonly more_than?: unknown },
    at: Path,
    example: string,
  ): void {
    if ((at_least === undefined) !== (more_than === undefined)) return;
    const missing = at_least === undefined;
    this.#matchers.complain(missing ? at : [...at, "more_than"], {
      code: missing ? "KEY_MISSING" : "KEY_UNKNOWN",
      message: missing
        ? "neither `at_least` nor `more_than` says how many"
        : "`at_least` and `more_than` both say how many",
      remedy: `Write ${example}.`,
      atKey: true,
    });
  }
}
