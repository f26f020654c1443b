import { Matcher } from "../../src/pattern/matcher.ts";
import { OrderedMatcher } from "../../src/pattern/ordered-matcher.ts";
import type { Outcome } from "../../src/pattern/outcome.ts";
import { type Pattern, pattern, type Stage } from "../../src/pattern/pattern.ts";
import type { Contiguity, Skip, Stages } from "../../src/pattern/spec.ts";
import { type EventTime, eventTime, millis } from "../../src/time/event-time.ts";

type CepEvent = Readonly<Record<string, string | number>> & {
  readonly ref: string;
  readonly ts: number;
};
type Test = { readonly field?: string; readonly op: string; readonly value?: string | number };
const FLAGS = ["optional", "greedy", "consecutive", "allowCombinations"] as const;
type CepStage = { readonly [Flag in (typeof FLAGS)[number]]?: boolean } & {
  readonly name: string;
  readonly contiguity: Contiguity;
  readonly where?: readonly Test[];
  readonly subtype?: "hasVolume";
  readonly times?: { readonly min: number; readonly max: number | null };
  readonly until?: Test;
};
interface CepPattern {
  readonly stages: readonly CepStage[];
  readonly withinMs?: number;
  readonly withinType?: "firstAndLast" | "previousAndCurrent";
  readonly afterMatchSkip?: Partial<Skip> & { readonly stage?: string };
}
type Refs = Readonly<Record<string, readonly string[]>>;
interface Seen {
  matches: (readonly string[])[];
  timeouts: { readonly timeoutTs: number; readonly partial: Refs }[];
  late: { readonly afterStep: number; readonly elements: readonly string[] }[];
}

/** A vector of `operator: "cep"`, as the README beside the vectors describes it. */
export interface CepVector {
  readonly id: string;
  readonly operator: string;
  readonly config: { readonly pattern: CepPattern; readonly timeDomain?: string };
  readonly steps: readonly {
    readonly event?: CepEvent;
    readonly watermark?: number;
    readonly snapshotRestore?: true;
  }[];
  readonly expectedMatches?: Seen["matches"];
  readonly expectedMatchCount?: number;
  readonly expectedTimeouts?: Seen["timeouts"];
  readonly lateOutputs?: Seen["late"];
}

/** Drives the pattern matcher with one vector; the list of mismatches is empty when it passes. */
export function runCep(vector: CepVector): string[] {
  const built = buildPattern(vector.config.pattern);
  const sorts = vector.config.timeDomain === "event";
  const seen = sorts ? drive(vector, new OrderedMatcher(built)) : drive(vector, new Direct(built));
  const wrong: string[] = [];
  const compare = (what: string, expected: unknown, actual: unknown) => {
    const [want, got] = [JSON.stringify(expected), JSON.stringify(actual)];
    if (expected !== undefined && want !== got) wrong.push(`${what}: expected ${want}, got ${got}`);
  };
  const { expectedMatches, expectedMatchCount, expectedTimeouts, lateOutputs } = vector;
  compare("matches", expectedMatches?.map(matchKey).sort(), seen.matches.map(matchKey).sort());
  compare("match count", expectedMatchCount, seen.matches.length);
  compare("timeouts", expectedTimeouts?.map(timeKey).sort(), seen.timeouts.map(timeKey).sort());
  compare("late", lateOutputs, seen.late);
  return wrong;
}

const matchKey = (match: readonly string[]) => match.toSorted().join(" ");
const timeKey = ({ timeoutTs, partial }: Seen["timeouts"][number]) =>
  `${timeoutTs} ${JSON.stringify(Object.entries(partial).sort())}`;

interface Driven<State> {
  init(): State;
  offer(state: State, event: CepEvent, at: EventTime): string | Outcome<Stages>;
  advance(state: State, to: EventTime): Outcome<Stages>;
}
/** Fed straight away, in arrival order. */
class Direct extends Matcher<CepEvent, Stages> {
  readonly offer = this.match;
}

function drive<State>(vector: CepVector, matcher: Driven<State>): Seen {
  let state = matcher.init();
  const seen: Seen = { matches: [], timeouts: [], late: [] };
  for (const [afterStep, { event, watermark, snapshotRestore }] of vector.steps.entries()) {
    if (event !== undefined) {
      const taken = matcher.offer(state, event, eventTime(event.ts));
      if (typeof taken !== "string") collect(seen, taken);
      else if (taken === "late") seen.late.push({ afterStep, elements: [event.ref] });
    }
    if (watermark !== undefined) collect(seen, matcher.advance(state, eventTime(watermark)));
    if (snapshotRestore === true) state = JSON.parse(JSON.stringify(state));
  }
  return seen;
}

function collect(seen: Seen, { matches, timeouts }: Outcome<Stages>): void {
  for (const match of matches) seen.matches.push(Object.values(refs(match.events)).flat());
  for (const { at, events } of timeouts)
    seen.timeouts.push({ timeoutTs: at, partial: refs(events) });
}

function refs(taken: Readonly<Record<string, readonly unknown[]>>): Refs {
  const stages = Object.entries(taken).filter(([, events]) => events.length > 0);
  return Object.fromEntries(
    stages.map(([name, all]) => [name, all.map((e) => (e as CepEvent).ref)]),
  );
}

type AnyStage = Stage<CepEvent, Stages, string, CepEvent>;

function buildPattern(spec: CepPattern): Pattern<CepEvent, Stages> {
  const { stages, withinMs, withinType, afterMatchSkip } = spec;
  let at = stages.reduce<AnyStage | undefined>(addStage, undefined) as AnyStage;
  const limit = withinType === "previousAndCurrent" ? "withinPrevious" : "within";
  if (withinMs !== undefined) at = at[limit](millis(withinMs));
  return at.afterMatch({ strategy: "noSkip", throwOnMissing: false, ...afterMatchSkip } as Skip);
}

function addStage(before: AnyStage | undefined, stage: CepStage): AnyStage {
  const { name, contiguity, times, until } = stage;
  const begins = before === undefined || contiguity === "begin";
  let at = (begins ? pattern<CepEvent>().begin(name) : before[contiguity](name)) as AnyStage;
  for (const test of stage.where ?? []) at = at.where((event) => holds(test, event));
  if (stage.subtype === "hasVolume") at = at.where((event) => event.volume !== undefined);
  if (times !== undefined)
    at = times.max === null ? at.timesOrMore(times.min) : at.times(times.min, times.max);
  if (until !== undefined) at = at.until((event) => holds(until, event));
  for (const flag of FLAGS) {
    if (stage[flag] === true) at = at[flag]();
  }
  return at;
}

const OPERATIONS: Readonly<Record<string, (a: string | number, b: string | number) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
  contains: (a, b) => String(a).includes(String(b)),
};

function holds({ field = "", op, value = "" }: Test, event: CepEvent): boolean {
  if (op === "true") return true;
  const [actual, operation] = [event[field], OPERATIONS[op]];
  if (operation === undefined) throw new Error(`no condition "${op}"`);
  return actual !== undefined && operation(actual, value);
}
