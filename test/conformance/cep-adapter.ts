import { Matcher, type Outcome } from "../../src/pattern/matcher.ts";
import { OrderedMatcher } from "../../src/pattern/ordered-matcher.ts";
import { type Pattern, pattern, type Stage } from "../../src/pattern/pattern.ts";
import type { Condition, Skip, Stages } from "../../src/pattern/spec.ts";
import { eventTime, millis } from "../../src/time/event-time.ts";

interface CepEvent {
  readonly ref: string;
  readonly ts: number;
  readonly name: string;
  readonly price: number;
  readonly volume?: number;
}
interface Test {
  readonly field?: "name" | "price" | "volume";
  readonly op: "true" | "eq" | "ne" | "gt" | "gte" | "lt" | "lte" | "contains" | "startsWith";
  readonly value?: string | number;
}
interface CepStage {
  readonly name: string;
  readonly contiguity:
    | "begin"
    | "next"
    | "followedBy"
    | "followedByAny"
    | "notNext"
    | "notFollowedBy";
  readonly where?: readonly Test[];
  readonly subtype?: "hasVolume";
  readonly times?: { readonly min: number; readonly max: number | null };
  readonly until?: Test;
  readonly optional?: boolean;
  readonly greedy?: boolean;
  readonly consecutive?: boolean;
  readonly allowCombinations?: boolean;
}
interface CepPattern {
  readonly stages: readonly CepStage[];
  readonly withinMs?: number;
  readonly withinType?: "firstAndLast" | "previousAndCurrent";
  readonly afterMatchSkip: {
    readonly strategy: Skip["strategy"];
    readonly stage?: string;
    readonly throwOnMissing?: boolean;
  };
}
interface Partial {
  readonly timeoutTs: number;
  readonly partial: Readonly<Record<string, readonly string[]>>;
}
type Step =
  | { readonly event: CepEvent }
  | { readonly watermark: number }
  | { readonly snapshotRestore: true };

/** A vector of `operator: "cep"`, as the README beside the vectors describes it. */
export interface CepVector {
  readonly id: string;
  readonly operator: string;
  readonly config: { readonly pattern: CepPattern; readonly timeDomain?: string };
  readonly steps: readonly Step[];
  readonly expectedMatches?: readonly (readonly string[])[];
  readonly expectedMatchCount?: number;
  readonly expectedTimeouts?: readonly Partial[];
  readonly lateOutputs?: readonly {
    readonly afterStep: number;
    readonly elements: readonly string[];
  }[];
}

/** Drives the pattern matcher with one vector; the list of mismatches is empty when it passes. */
export function runCep(vector: CepVector): string[] {
  const built = buildPattern(vector.config.pattern);
  const seen =
    vector.config.timeDomain === "event" ? runOrdered(vector, built) : runDirect(vector, built);
  const wrong: string[] = [];
  const compare = (what: string, expected: unknown, actual: unknown) => {
    const [want, got] = [JSON.stringify(expected), JSON.stringify(actual)];
    if (expected !== undefined && want !== got) wrong.push(`${what}: expected ${want}, got ${got}`);
  };
  compare("matches", canonical(vector.expectedMatches), canonical(seen.matches));
  compare("match count", vector.expectedMatchCount, seen.matches.length);
  compare(
    "timeouts",
    vector.expectedTimeouts?.map(timeoutKey).sort(),
    seen.timeouts.map(timeoutKey).sort(),
  );
  compare("late", vector.lateOutputs, seen.late);
  return wrong;
}

interface Seen {
  matches: string[][];
  timeouts: Partial[];
  late: { afterStep: number; elements: string[] }[];
}

function runDirect(vector: CepVector, built: Pattern<CepEvent, Stages>): Seen {
  const matcher = new Matcher(built);
  let state = matcher.init();
  const seen: Seen = { matches: [], timeouts: [], late: [] };
  for (const step of vector.steps) {
    if ("event" in step) collect(seen, matcher.match(state, step.event, eventTime(step.event.ts)));
    else if ("watermark" in step) collect(seen, matcher.advance(state, eventTime(step.watermark)));
    else state = JSON.parse(JSON.stringify(state));
  }
  return seen;
}

function runOrdered(vector: CepVector, built: Pattern<CepEvent, Stages>): Seen {
  const matcher = new OrderedMatcher(built);
  let state = matcher.init();
  const seen: Seen = { matches: [], timeouts: [], late: [] };
  for (const [afterStep, step] of vector.steps.entries()) {
    if ("event" in step) {
      const taken = matcher.offer(state, step.event, eventTime(step.event.ts));
      if (taken === "late") seen.late.push({ afterStep, elements: [step.event.ref] });
    } else if ("watermark" in step)
      collect(seen, matcher.advance(state, eventTime(step.watermark)));
    else state = JSON.parse(JSON.stringify(state));
  }
  return seen;
}

function collect(seen: Seen, { matches, timeouts }: Outcome<Stages>): void {
  for (const match of matches) seen.matches.push(Object.values(refs(match.events)).flat());
  for (const { at, events } of timeouts)
    seen.timeouts.push({ timeoutTs: at, partial: refs(events) });
}

function refs(taken: Readonly<Record<string, readonly unknown[]>>): Record<string, string[]> {
  const stages = Object.entries(taken).filter(([, events]) => events.length > 0);
  return Object.fromEntries(
    stages.map(([name, events]) => [name, events.map((e) => (e as CepEvent).ref)]),
  );
}

const canonical = (matches: readonly (readonly string[])[] | undefined) =>
  matches?.map((match) => match.toSorted().join(" ")).sort();
const timeoutKey = ({ timeoutTs, partial }: Partial) =>
  `${timeoutTs} ${JSON.stringify(Object.entries(partial).sort())}`;

function buildPattern({
  stages,
  withinMs,
  withinType,
  afterMatchSkip,
}: CepPattern): Pattern<CepEvent, Stages> {
  let at: Pattern<CepEvent, Stages> | undefined;
  for (const stage of stages) at = addStage(at as AnyStage | undefined, stage);
  if (at === undefined) throw new Error("a pattern has at least one stage");
  let built = at as AnyStage;
  if (withinMs !== undefined) {
    built =
      withinType === "previousAndCurrent"
        ? built.withinPrevious(millis(withinMs))
        : built.within(millis(withinMs));
  }
  return built.afterMatch({ throwOnMissing: false, ...afterMatchSkip } as Skip);
}

type AnyStage = Stage<CepEvent, Stages, string, CepEvent>;

function addStage(before: AnyStage | undefined, stage: CepStage): AnyStage {
  const { name, contiguity, times } = stage;
  let at: AnyStage;
  if (before === undefined || contiguity === "begin")
    at = pattern<CepEvent>().begin(name) as AnyStage;
  else at = before[contiguity](name) as AnyStage;
  for (const test of stage.where ?? []) at = at.where(condition(test));
  if (stage.subtype === "hasVolume") at = at.where((event) => event.volume !== undefined);
  if (times !== undefined)
    at = times.max === null ? at.timesOrMore(times.min) : at.times(times.min, times.max);
  if (stage.until !== undefined) at = at.until(condition(stage.until));
  for (const flag of ["optional", "greedy", "consecutive", "allowCombinations"] as const) {
    if (stage[flag] === true) at = at[flag]();
  }
  return at;
}

function condition({ field, op, value }: Test): Condition<CepEvent, Stages> {
  return (event) => {
    if (op === "true") return true;
    const actual = field === undefined ? undefined : event[field];
    if (op === "eq") return actual === value;
    if (typeof actual === "string" && typeof value === "string")
      return op === "contains" && actual.includes(value);
    if (typeof actual !== "number" || typeof value !== "number") return false;
    return op === "gt" && actual > value;
  };
}
