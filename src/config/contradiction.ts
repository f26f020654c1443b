import type { Constraint, Matcher, Scalar, Test, Trigger, When } from "./condition-ast.ts";
import { passes } from "./passes.ts";
import type { TrackingPlan } from "./tracking-plan.ts";

/**
 * Finds conditions that nothing can make true. What it names is certain; what it passes may still
 * never happen.
 */
export class Contradictions {
  readonly #plan: TrackingPlan;
  /** Segments that can have no members, by id. */
  readonly #empty = new Set<string>();

  constructor(plan: TrackingPlan) {
    this.#plan = plan;
  }

  /** Why nobody can ever be in the segment; undefined when somebody may. Ask those that `in` names first. */
  ofSegment(id: string, when: When): string | undefined {
    const why = this.ofCondition(when);
    if (why !== undefined) this.#empty.add(id);
    return why;
  }

  /** Why a moment can never come. */
  ofTrigger(trigger: Trigger): string | undefined {
    switch (trigger.op) {
      case "event":
        return this.#ofMatcher(trigger.of);
      case "absent":
      case "after":
        return this.#ofMatcher(trigger.after);
      case "sequence":
        return first(trigger.steps, ({ of }) => this.#ofMatcher(of));
      case "score":
        return undefined;
      case "becomes":
        return this.ofCondition(trigger.when);
      case "guard":
        return this.ofTrigger(trigger.trigger) ?? this.ofCondition(trigger.when);
      case "any":
        return every(trigger.of, (one) => this.ofTrigger(one));
    }
  }

  /** Why a condition can never be true. */
  ofCondition(when: When): string | undefined {
    switch (when.op) {
      case "all": {
        const parts = when.of.flatMap(conjuncts);
        return first(parts, (part) => this.ofCondition(part)) ?? firstClash(parts);
      }
      case "any":
        return every(when.of, (part) => this.ofCondition(part));
      case "count":
        return this.#ofMatcher(when.of) ?? tooFewValues(when);
      case "run":
        return this.#ofMatcher(when.of) ?? tooFewValues(when);
      case "sum":
      case "owns":
        return this.#ofMatcher(when.of);
      case "standing":
        return when.topic === "segment" && this.#empty.has(when.value)
          ? `nobody can ever be in \`${when.value}\``
          : undefined;
      default:
        return undefined;
    }
  }

  /** Why no event can match. A list may have several values, so only single ones exclude each other. */
  #ofMatcher({ events, where }: Matcher): string | undefined {
    const byField = new Map<string, Constraint[]>();
    for (const constraint of where) {
      const { of, name } = constraint.field;
      const at = of === "event" ? name : `${of}.${name}`;
      byField.set(at, [...(byField.get(at) ?? []), constraint]);
    }
    for (const [name, constraints] of byField) {
      const tests = constraints.flatMap((constraint) => constraint.tests);
      if (this.#isList(events, name, constraints[0]) || isPossible(tests)) continue;
      return `no \`${name}\` can be all that is asked of it`;
    }
    return undefined;
  }

  #isList(events: readonly string[], name: string, constraint: Constraint | undefined): boolean {
    const of = constraint?.field.of ?? "event";
    const own = constraint?.field.name ?? name;
    const infos = [
      ...events.map((event) => this.#plan.property(event, own)),
      ...(of === "event" ? [] : [this.#plan.factField(of, own)]),
    ];
    return infos.some((info) => info?.is === "strings" || info?.is === "lines");
  }
}

const first = <T>(of: readonly T[], why: (one: T) => string | undefined): string | undefined => {
  for (const one of of) {
    const found = why(one);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Of alternatives all must be impossible; the first says why. */
function every<T>(of: readonly T[], why: (one: T) => string | undefined): string | undefined {
  const reasons = of.map(why);
  return reasons.length > 0 && reasons.every((reason) => reason !== undefined)
    ? reasons[0]
    : undefined;
}

const conjuncts = (when: When): readonly When[] =>
  when.op === "all" ? when.of.flatMap(conjuncts) : [when];

/** Two parts that cannot both be true. */
function firstClash(parts: readonly When[]): string | undefined {
  for (const [i, one] of parts.entries()) {
    for (const [k, other] of parts.entries()) {
      if (i === k) continue;
      const why = clash(one, other);
      if (why !== undefined) return why;
    }
  }
  return undefined;
}

function clash(one: When, other: When): string | undefined {
  if (other.op === "not" && sameCondition(one, other.of)) {
    return "a condition and its opposite are both asked for";
  }
  if (one.op === "standing" && other.op === "standing") return otherValue(one, other);
  const least = atLeast(one);
  const most = fewerThan(other);
  if (least === undefined || most === undefined) return undefined;
  const impossible =
    least.n >= most.n && least.within <= most.within && isNarrower(least.of, most.of);
  return impossible
    ? `${least.n} of these events are asked for, and fewer than ${most.n} in the same time`
    : undefined;
}

/** Of these a person has one value at a time. */
const ONE_AT_A_TIME: readonly string[] = ["intent", "life", "scene", "affinity"];

function otherValue(
  one: Extract<When, { op: "standing" }>,
  other: Extract<When, { op: "standing" }>,
): string | undefined {
  return one.topic === other.topic && one.value !== other.value && ONE_AT_A_TIME.includes(one.topic)
    ? `nobody is at \`${one.value}\` and \`${other.value}\` at once`
    : undefined;
}

interface Quantity {
  readonly of: Matcher;
  readonly n: number;
  readonly within: number;
}

/** At least `n` matches lie within the time, whatever else is asked. */
function atLeast(when: When): Quantity | undefined {
  if (when.op === "count") return { of: when.of, n: when.atLeast, within: when.within };
  return when.op === "run" && when.maxGap !== null
    ? { of: when.of, n: 1, within: when.maxGap }
    : undefined;
}

/** Fewer than `n` matches lie within the time. */
function fewerThan(when: When): Quantity | undefined {
  if (when.op === "none") return { of: when.of, n: 1, within: when.within };
  if (when.op !== "not" || when.of.op !== "count") return undefined;
  const { of, atLeast: n, within, distinct, same } = when.of;
  return distinct === "event" && same === null ? { of, n, within } : undefined;
}

/** Every event that `one` matches, `other` matches too. */
const isNarrower = (one: Matcher, other: Matcher): boolean =>
  one.events.every((event) => other.events.includes(event)) &&
  other.where.every((wanted) => one.where.some((has) => isSame(has, wanted)));

const sameCondition = (one: When, other: When): boolean => isSame(one, other);
const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** More different values are asked for than the matcher lets through. */
function tooFewValues(when: Extract<When, { op: "count" | "run" }>): string | undefined {
  const { distinct, atLeast: wanted, of } = when;
  const allowed = of.where
    .filter(({ field }) => field.of === "event" && field.name === distinct)
    .flatMap(({ tests }) => tests.map(valuesOf))
    .filter((values) => values !== undefined);
  const fewest = Math.min(...allowed.map((values) => new Set(values).size));
  return fewest < wanted
    ? `${wanted} different values of \`${distinct}\` are asked for, and ${fewest} allowed`
    : undefined;
}

function valuesOf(test: Test): readonly Scalar[] | undefined {
  if (test.op === "eq") return [test.value];
  return test.op === "in" ? test.values : undefined;
}

/** Some single value passes all tests. */
function isPossible(tests: readonly Test[]): boolean {
  const [candidates] = tests.map(valuesOf).filter((values) => values !== undefined);
  if (candidates !== undefined) {
    return candidates.some((value) => tests.every((test) => passes(test, value)));
  }
  const lower = tests.filter(({ op }) => op === "gte" || op === "gt") as readonly Numeric[];
  const upper = tests.filter(({ op }) => op === "lte" || op === "lt") as readonly Numeric[];
  return lower.every((low) =>
    upper.every(
      (high) =>
        low.value < high.value ||
        (low.value === high.value && low.op === "gte" && high.op === "lte"),
    ),
  );
}

type Numeric = Extract<Test, { readonly value: number; readonly op: "gte" | "gt" | "lte" | "lt" }>;
