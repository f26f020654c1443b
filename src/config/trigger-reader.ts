import { hours } from "../time/event-time.ts";
import type {
  Absent,
  After,
  Cancel,
  LimitedWeight,
  Score,
  SequenceStep,
  Trigger,
  Weight,
  WeightLimit,
  When,
} from "./condition-ast.ts";
import type { ConditionReader } from "./condition-reader.ts";
import type {
  CancelSource,
  LimitSource,
  MatcherRefSource,
  SequenceStepSource,
  TriggerSource,
  WhereSource,
} from "./condition-schema.ts";
import type { MatcherReader } from "./matcher-reader.ts";
import { durationOf } from "./texts.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import type { Path } from "./yaml-file.ts";

const SHORTEST_REPEATED = hours(1);
/** Matches that count in the stretch of a limit that names no number. */
const MOST_COUNTED = 64;

/** The person, in a `key`: always part of it. */
const PERSON = "pid";

type Given<K extends keyof TriggerSource> = NonNullable<TriggerSource[K]>;

/** Reads the `when` of a rule; problems go to its matcher reader. */
export class TriggerReader {
  readonly #matchers: MatcherReader;
  readonly #conditions: ConditionReader;
  readonly #plan: TrackingPlan;

  constructor(matchers: MatcherReader, conditions: ConditionReader, plan: TrackingPlan) {
    this.#matchers = matchers;
    this.#conditions = conditions;
    this.#plan = plan;
  }

  trigger(source: TriggerSource, at: Path): Trigger {
    const moment = this.#moment(source, at);
    return moment ?? { op: "becomes", when: this.#level(source, at) };
  }

  /** Undefined for what is a level condition. */
  #moment(source: TriggerSource, at: Path): Trigger | undefined {
    if (source.all !== undefined) return this.#all(source.all, [...at, "all"]);
    if (source.any !== undefined) return this.#any(source.any, [...at, "any"]);
    if (source.event !== undefined || source.of !== undefined)
      return { op: "event", of: this.#matchers.matcher(refOf(source), placeOf(source, at)) };
    if (source.absent !== undefined) return this.#absent(source.absent, [...at, "absent"]);
    if (source.sequence !== undefined) {
      const path = [...at, "sequence"];
      const steps = source.sequence.map((step, i) => this.#step(step, i, [...path, i]));
      return { op: "sequence", steps };
    }
    if (source.after !== undefined) return this.#after(source, at);
    return source.score === undefined ? undefined : this.#score(source.score, [...at, "score"]);
  }

  #level(source: TriggerSource, at: Path): When {
    const { all, any, not } = source;
    const parts = (of: readonly TriggerSource[], key: string) =>
      of.map((part, i) => this.#level(part, [...at, key, i]));
    if (all !== undefined) return { op: "all", of: parts(all, "all") };
    if (any !== undefined) return { op: "any", of: parts(any, "any") };
    if (not !== undefined) return { op: "not", of: this.#conditions.when(not, [...at, "not"]) };
    return this.#conditions.level(source, at);
  }

  #all(sources: readonly TriggerSource[], at: Path): Trigger | undefined {
    const moments = sources.filter(isMoment);
    const first = moments[0];
    if (first === undefined) return undefined;
    if (moments.length > 1) {
      const second = moments[1] as TriggerSource;
      this.#matchers.complain([...at, sources.indexOf(second)], {
        code: "VALUE_INVALID",
        message: "two moments under one `all` never fall together",
        remedy:
          "Keep one event, absence or sequence; turn the others into `count`, or use `sequence`.",
      });
    }
    const trigger = this.trigger(first, [...at, sources.indexOf(first)]);
    const levels = sources
      .map((source, i) => ({ source, i }))
      .filter(({ source }) => !isMoment(source))
      .map(({ source, i }) => this.#level(source, [...at, i]));
    if (levels.length === 0) return trigger;
    return { op: "guard", trigger, when: { op: "all", of: levels } };
  }

  #any(sources: readonly TriggerSource[], at: Path): Trigger | undefined {
    if (!sources.some(isMoment)) return undefined;
    return { op: "any", of: sources.map((source, i) => this.trigger(source, [...at, i])) };
  }

  #absent(source: Given<"absent">, at: Path): Absent {
    const after = this.#matchers.matcher(source.after, [...at, "after"]);
    const key = (source.key ?? []).filter((name) => name !== PERSON);
    for (const name of key) this.#matchers.checkProperty(after, name, [...at, "key"]);
    return {
      op: "absent",
      after,
      key,
      within: this.#conditions.within(source.within, at),
      of: source.of.map((cancel, i) => this.#cancel(cancel, key, [...at, "of", i])),
      restart: source.restart ?? "keep",
    };
  }

  #cancel(source: CancelSource, key: readonly string[], at: Path): Cancel {
    const of = this.#matchers.matcher(refOf(source), placeOf(source, at));
    const match = (source.match ?? []).filter((name) => name !== PERSON);
    for (const name of match) this.#matchers.checkProperty(of, name, [...at, "match"]);
    if (match.length > 0 && [...match].sort().join() !== [...key].sort().join()) {
      this.#matchers.complain([...at, "match"], {
        code: "VALUE_INVALID",
        message: `\`match\` names other properties than what keeps the waiting apart`,
        remedy: `Name ${key.length === 0 ? "none" : key.join(", ")}, or leave \`match\` out to cancel whatever waits.`,
      });
    }
    return { of, match };
  }

  #step(source: SequenceStepSource, i: number, at: Path): SequenceStep {
    const isNext = source.next !== undefined;
    if ((i === 0) === isNext || (!isNext && !isNamed(source))) {
      this.#matchers.complain(at, {
        code: i === 0 ? "KEY_UNKNOWN" : "KEY_MISSING",
        message: i === 0 ? "the first step names its event" : "a later step names its `next`",
        remedy:
          i === 0 ? "Write `{as: first, event: …}`." : "Write `{next: {event: …}, within: 30d}`.",
      });
    }
    const path = isNext ? [...at, "next"] : placeOf(source, at);
    return {
      of: this.#matchers.matcher(source.next ?? refOf(source), path),
      as: source.as ?? (i === 0 ? "first" : `step${i + 1}`),
      within: source.within === undefined ? null : this.#conditions.within(source.within, at),
    };
  }

  #after(source: TriggerSource, at: Path): After {
    const { delay = "", repeat = false, until } = source;
    const after = this.#matchers.matcher(source.after ?? "", [...at, "after"]);
    this.#matchers.checkProperty(after, "sku", [...at, "after"]);
    return {
      op: "after",
      after,
      delay: this.#delay(delay, repeat, [...at, "delay"]),
      repeat,
      until: until === undefined ? null : this.#cancel(until, ["sku"], [...at, "until"]),
    };
  }

  #delay(text: string, repeat: boolean, path: Path): After["delay"] {
    if (!text.startsWith("sku.")) {
      const delay = durationOf(text);
      if (delay === 0 || (repeat && delay < SHORTEST_REPEATED)) {
        this.#matchers.complain(path, {
          code: "VALUE_RANGE",
          message: `a delay of ${text} is too short`,
          remedy: "Wait for something, and at least 1h where it repeats.",
        });
      }
      return delay;
    }
    const fact = text.slice("sku.".length);
    const info = this.#plan.factField("sku", fact);
    if (info?.unit === "ms") return { fact };
    this.#matchers.complain(path, {
      code: info === undefined ? "PROPERTY_UNKNOWN" : "UNIT_MISMATCH",
      message: `\`${text}\` is no length of time that the tracking plan declares`,
      remedy:
        "Declare it under `facts: sku:` with a type of unit `ms`, or write a length such as 90d.",
    });
    return { fact };
  }

  #score(source: Given<"score">, at: Path): Score {
    const { of, half_life, tiers = {} } = source;
    const sources = Object.entries(of);
    const add = this.#conditions.weights(of, [...at, "of"]).map((weight, i): LimitedWeight => {
      const [name = "", added] = sources[i] ?? [];
      const limit = typeof added === "object" ? added.limit : undefined;
      const path = [...at, "of", name, "limit"];
      return { ...weight, limit: limit === undefined ? null : this.#limit(limit, weight, path) };
    });
    return {
      op: "score",
      add,
      halfLife: half_life === undefined ? null : durationOf(half_life),
      tiers: Object.entries(tiers)
        .map(([name, from]) => ({ name, from }))
        .sort((a, b) => a.from - b.from),
    };
  }

  #limit({ distinct, max, every }: LimitSource, { of }: Weight, at: Path): WeightLimit {
    if (distinct !== undefined) this.#matchers.checkProperty(of, distinct, [...at, "distinct"]);
    return {
      distinct: distinct ?? null,
      max: max ?? MOST_COUNTED,
      every: this.#conditions.length(every, [...at, "every"]),
    };
  }
}

interface Naming {
  readonly event?: string | readonly string[];
  readonly where?: WhereSource;
  readonly of?: string;
}

const isNamed = ({ event, of }: Naming): boolean => (event === undefined) !== (of === undefined);

/** A matcher written in place, or the name of one. */
function refOf({ event = [], where, of }: Naming): MatcherRefSource {
  if (of !== undefined) return of;
  const events = typeof event === "string" ? event : [...event];
  return where === undefined ? { event: events } : { event: events, where };
}
const placeOf = (source: Naming, at: Path): Path => (source.of === undefined ? at : [...at, "of"]);

/** Whether a source is, or holds, what fires at moments. */
function isMoment(source: TriggerSource): boolean {
  const { all, any, event, of, absent, sequence, after, score } = source;
  if ([event, of, absent, sequence, after, score].some((given) => given !== undefined)) return true;
  return (all ?? any ?? []).some(isMoment);
}
