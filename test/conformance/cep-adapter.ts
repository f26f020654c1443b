import { Matcher } from "freshet/matcher";
import { OrderedMatcher } from "freshet/ordered-matcher";
import type { Outcome } from "freshet/outcome";
import { type Pattern, pattern, type Stage } from "freshet/pattern";
import type { Skip, Stages } from "freshet/pattern-spec";
import { type EventTime, eventTime, millis } from "freshet/time";
import {
  CEP_FLAGS,
  type CepEvent,
  type CepPattern,
  type CepStage,
  type CepTest,
  type CepVector,
} from "./vector.ts";

/** Drives the pattern matcher with one vector; the list of mismatches is empty when it passes. */
export function runCep(vector: CepVector): string[] {
  const built = buildPattern(vector.config.pattern);
  const sorts = vector.config.timeDomain === "event";
  const seen = sorts ? drive(vector, new OrderedMatcher(built)) : drive(vector, new Direct(built));
  const wrong: string[] = [];
  const compare = (what: string, expected: readonly string[] | undefined, got: string[]) => {
    const [want, have] = [expected?.toSorted().join("; "), got.sort().join("; ")];
    if (want !== undefined && want !== have) wrong.push(`${what}: expected ${want}, got ${have}`);
  };
  const { expectedMatches, expectedMatchCount, expectedTimeouts, lateOutputs } = vector;
  const timeouts = expectedTimeouts?.map(({ timeoutTs, partial }) => timeKey(timeoutTs, partial));
  compare("matches", expectedMatches?.map(matchKey), seen.matches);
  compare("timeouts", timeouts, seen.timeouts);
  compare(
    "late",
    lateOutputs?.map((late) => JSON.stringify(late)),
    seen.late,
  );
  const count = expectedMatchCount ?? seen.matches.length;
  if (count !== seen.matches.length) wrong.push(`expected ${count} matches: ${seen.matches}`);
  return wrong;
}

const matchKey = (refs: readonly string[]) => refs.toSorted().join(" ");
const timeKey = (at: number, taken: object) =>
  `${at} ${JSON.stringify(Object.entries(taken).sort())}`;

interface Driven<State> {
  init(): State;
  offer(state: State, event: CepEvent, at: EventTime): string | Outcome<Stages>;
  advance(state: State, to: EventTime): Outcome<Stages>;
}
/** Fed straight away, in arrival order. */
class Direct extends Matcher<CepEvent, Stages> {
  readonly offer = this.match;
}

function drive<State>(vector: CepVector, matcher: Driven<State>) {
  let state = matcher.init();
  const seen = { matches: [] as string[], timeouts: [] as string[], late: [] as string[] };
  const collect = ({ matches, timeouts }: Outcome<Stages>) => {
    for (const { events } of matches)
      seen.matches.push(matchKey(Object.values(refs(events)).flat()));
    for (const { at, events } of timeouts) seen.timeouts.push(timeKey(at, refs(events)));
  };
  for (const [afterStep, { event, watermark, snapshotRestore }] of vector.steps.entries()) {
    if (event !== undefined) {
      const taken = matcher.offer(state, event, eventTime(event.ts));
      if (typeof taken !== "string") collect(taken);
      else if (taken === "late")
        seen.late.push(JSON.stringify({ afterStep, elements: [event.ref] }));
    }
    if (watermark !== undefined) collect(matcher.advance(state, eventTime(watermark)));
    if (snapshotRestore === true) state = JSON.parse(JSON.stringify(state));
  }
  return seen;
}

function refs(taken: Readonly<Record<string, readonly unknown[]>>): Record<string, string[]> {
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
  if (stage.subtype === "hasVolume") at = at.where((event) => event["volume"] !== undefined);
  if (times) at = times.max === null ? at.timesOrMore(times.min) : at.times(times.min, times.max);
  if (until !== undefined) at = at.until((event) => holds(until, event));
  for (const flag of CEP_FLAGS) if (stage[flag] === true) at = at[flag]();
  return at;
}

function holds({ field = "", op, value }: CepTest, event: CepEvent): boolean {
  const actual = event[field];
  if (op === "true") return true;
  if (op === "eq") return actual === value;
  if (op === "contains") return typeof actual === "string" && actual.includes(String(value));
  if (op === "gt") return typeof actual === "number" && actual > Number(value);
  throw new Error(`no condition "${op}"`);
}
