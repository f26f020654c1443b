import { ALWAYS, type Since } from "../../src/config/generation.ts";
import type { SegmentFile } from "../../src/config/segment-ast.ts";
import { type Context, type Facts, FORGET, type Forget } from "../../src/flow/operator.ts";
import {
  type EventTime,
  earliest,
  isoTime,
  latest,
  MAX_TIME,
  MIN_TIME,
  type Millis,
  minus,
  plus,
} from "../../src/time/event-time.ts";
import { FreshLeaves } from "./condition/fresh-leaves.ts";
import { copyHistories, type Histories } from "./condition/leaf.ts";
import { Listeners } from "./condition/listeners.ts";
import { standingOf, topicOf } from "./condition/standing.ts";
import {
  changesOf,
  isLasting,
  joinStandings,
  noteStanding,
  type Standings,
} from "./condition/standings.ts";
import { messageId } from "./message-id.ts";
import { isEmpty } from "./records.ts";
import { type Definition, definitionsOf, type ExplainedDefinition } from "./segment-definition.ts";
import { whyOf } from "./segment-reason.ts";
import {
  copyTold,
  corrections,
  isForgotten,
  neverTold,
  settle,
  standing,
  type Telling,
  type Told,
  turnsOf,
} from "./segment-told.ts";
import type { PastSignal, SegmentSignal, SessionSignal, StandingSignal, Step } from "./signals.ts";

export type SegmentInput = SessionSignal | StandingSignal | PastSignal;

/** Name of the operator that judges `segments.yaml`, part of the ids of its messages. */
export const SEGMENT = "segment";
const TIMER = "judge";
const SHOWN_EVENTS = 5;
const SHOWN_TURNS = 8;

export interface SegmentState {
  /** When the person was first seen; kept only where somebody who did nothing is a member. */
  since: EventTime;
  /** Up to here everything is told. */
  judged: EventTime;
  histories: Histories;
  /** By segment; what is not there has not been told of. */
  told: Record<string, Told>;
  /** No turn that the clock makes comes before it; 0 when none is to come. */
  wake: EventTime;
  /** When histories are thinned next; 0 when nothing waits for it. */
  tidy: EventTime;
  /** The cause that last published, and how many messages it has made. */
  cause: string;
  said: number;
  /** When the definitions that it was last judged by came into force; those of the beginning when left out. */
  asOf?: EventTime;
  /** What lasts of what other parts said, asked for or not. */
  standings?: Standings;
}

export const newSegmentState = (): SegmentState => ({
  since: 0 as EventTime,
  judged: 0 as EventTime,
  histories: {},
  told: {},
  wake: 0 as EventTime,
  tidy: 0 as EventTime,
  cause: "",
  said: 0,
});

/** A copy that shares nothing that changes in place. */
export function copySegmentState<State extends SegmentState>(state: State): State {
  const copy = { ...state };
  copy.histories = copyHistories(state.histories);
  copy.told = { ...state.told };
  for (const id in copy.told) copy.told[id] = copyTold(copy.told[id] as Told);
  return copy;
}

interface Membership {
  readonly segment: string;
  readonly since?: string;
  readonly version: string;
}

/** One segment for one person at a moment. JSON. */
export interface ExplainedSegment extends ExplainedDefinition {
  readonly segment: string;
  readonly title?: string;
  /** Of the definition's content. */
  readonly version: string;
  /** As was told last; that follows the watermark, a little behind the definition. */
  readonly member: boolean;
  readonly since?: string;
  /** When membership ends, or begins, if nothing comes. */
  readonly until?: string;
  /** Turns that were told and may still be corrected, oldest first. */
  readonly told: readonly { readonly at: string; readonly member: boolean; readonly id: string }[];
}
/** Of messages about a segment that is defined no more. */
const NO_VERSION = "removed";
/** Why somebody is in or out from the second on at which a definition came into force. */
const REDEFINED = "redefined";

/** What judging asks of the runtime. */
interface SegmentContext
  extends Pick<
    Context<SegmentSignal>,
    "key" | "now" | "cause" | "facts" | "emit" | "note" | "setTimer" | "clearTimer"
  > {
  /** From when on the person may be told a member; from ever where it is left out. */
  mayBeFrom?(segment: string): EventTime;
}

/** The segments of a file, judged for one person at a time. */
export class SegmentJudge {
  readonly #definitions: readonly Definition[];
  readonly #listeners: Listeners;
  /** By place of a leaf, the definitions that it may make true or false. */
  readonly #byLeaf: readonly (readonly number[])[];
  /** By place of a leaf, those that it can only make false: a concern of those told of alone. */
  readonly #against: readonly ReadonlySet<number>[];
  /** By definition, those whose `in` names it. */
  readonly #dependents: readonly (readonly number[])[];
  /** Those that one who did nothing satisfies. */
  readonly #whenEmpty: readonly number[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #maxAge: Millis;
  readonly #operator: string;
  readonly #since: Since;
  readonly #fresh: FreshLeaves;

  /** `operator`: the name of the one that judges; `since`: how long the definitions have held. */
  constructor(
    file: SegmentFile,
    maxAge: Millis,
    operator: string = SEGMENT,
    since: Since = ALWAYS,
  ) {
    const definitions = definitionsOf(file);
    const listeners = new Listeners(
      file.matchers,
      definitions.flatMap(({ leaves }) => leaves),
    );
    const byLeaf = Array.from({ length: listeners.size }, (): number[] => []);
    const against = Array.from({ length: listeners.size }, () => new Set<number>());
    definitions.forEach((definition, i) => {
      const places = definition.leaves.map((leaf) => listeners.place(leaf));
      const onlyAgainst = definition.against.map((leaf) => listeners.place(leaf));
      for (const place of new Set(places)) {
        if (onlyAgainst.includes(place)) against[place]?.add(i);
        else byLeaf[place]?.push(i);
      }
    });
    const indexes = definitions.map((_, i) => i);
    this.#definitions = definitions;
    this.#listeners = listeners;
    this.#byLeaf = byLeaf;
    this.#against = against;
    this.#dependents = definitions.map(({ segment }) =>
      indexes.filter((i) => definitions[i]?.within.includes(segment.id) === true),
    );
    this.#whenEmpty = indexes.filter((i) => definitions[i]?.whenEmpty === true);
    this.#places = new Map(definitions.map(({ segment }, i) => [segment.id, i]));
    this.#maxAge = maxAge;
    this.#operator = operator;
    this.#since = since;
    this.#fresh = new FreshLeaves(
      file.matchers,
      definitions.map(({ segment, leaves }) => ({ born: since.born(segment.id), leaves })),
    );
  }

  /** Whether a signal can change anything of a person, whatever is known of them. */
  concerns(signal: SegmentInput, facts: Facts): boolean {
    if (signal.kind === "past") return true;
    if (signal.kind !== "step") {
      const topic = topicOf(signal);
      return topic !== undefined && (this.#listeners.follows(topic) || isLasting(topic));
    }
    return this.#whenEmpty.length > 0 || this.#listeners.concerns(signal.event, facts);
  }

  take(signal: SegmentInput, state: SegmentState, ctx: SegmentContext): SegmentState | Forget {
    if (signal.kind === "past") return this.revisit(state, ctx, signal);
    const due = dueOf(state);
    this.#revise(state, ctx);
    const touched = new Set<number>();
    const at = this.#remember(signal, state, touched, ctx);
    if (touched.size > 0) this.#judge(state, touched, at, ctx);
    if (isBlank(state)) return FORGET;
    this.#wait(state, due, latest(at, state.judged), ctx);
    return state;
  }

  /**
   * Somebody turned out to be this person: everything is judged over both histories as if they had
   * always been one. What was told stays what was told of this person.
   */
  join(into: SegmentState, from: SegmentState, ctx: SegmentContext): SegmentState | Forget {
    const due = dueOf(into);
    // What was told of the other one is nobody's; only what is known of them counts.
    this.#freshen(from, ctx, (from.asOf ?? 0) as EventTime);
    this.#revise(into, ctx);
    const standings = joinStandings(into.standings, from.standings);
    if (standings !== undefined) into.standings = standings;
    const places = this.#listeners.join(into.histories, from.histories);
    into.since = earlierOf(into.since, from.since);
    into.judged = latest(latest(into.judged, from.judged), ctx.now);
    const touched = new Set(this.#whenEmpty);
    for (const id of [...Object.keys(into.told), ...Object.keys(from.told)]) {
      const place = this.#places.get(id);
      if (place !== undefined) touched.add(place);
    }
    for (const place of places) for (const i of this.#byLeaf[place] ?? []) touched.add(i);
    this.#judge(into, touched, minus(into.judged, this.#maxAge), ctx);
    if (isBlank(into)) return FORGET;
    this.#wait(into, due, into.judged, ctx);
    return into;
  }

  /** The person is known no more: out of every segment, for the reason `forgotten`. */
  leaveAll(state: SegmentState, ctx: SegmentContext): void {
    for (const { segment } of this.memberships(state, MAX_TIME)) {
      this.end(segment, state, ctx, "forgotten");
    }
  }

  /** Out of a segment, whatever the person did; what was told of it stands. */
  end(segment: string, state: SegmentState, ctx: SegmentContext, because: string): void {
    const definition = this.#definitions[this.#places.get(segment) ?? -1];
    const told = state.told[segment];
    if (definition === undefined || told === undefined) return;
    delete state.told[segment];
    const { member, at: since } = standing(told, MAX_TIME);
    if (!member) return;
    const telling = { at: latest(ctx.now, since), member: false, insteadOf: null, undoes: false };
    const why = { reason: because, evidence: [] };
    say(this.#operator, state, definition, telling, ctx, why);
  }

  /** The segments of which a person was last told to be a member, and since when where that is known. */
  memberships({ told }: SegmentState, at: EventTime): Membership[] {
    const after = at === MAX_TIME ? at : ((at + 1) as EventTime);
    return this.#definitions.flatMap(({ segment }) => {
      const known = told[segment.id];
      const turn = known === undefined ? undefined : standing(known, after);
      if (turn?.member !== true) return [];
      const since = turn.at === 0 ? {} : { since: isoTime(turn.at) };
      return [{ segment: segment.id, ...since, version: segment.hash }];
    });
  }

  /** Every segment of the file as it stands at `at`, and what it goes by. */
  explain(state: SegmentState, at: EventTime): ExplainedSegment[] {
    // What is older than that is kept only as far as it matters from there on.
    const from = minus(latest(at, state.judged), this.#maxAge);
    return this.#definitions.map((definition): ExplainedSegment => {
      const { id, title, hash } = definition.segment;
      const told = state.told[id] ?? neverTold();
      const turn = standing(told, (at + 1) as EventTime);
      const until = definition.timeline(state, told, from).turns.find((next) => next > at);
      return {
        segment: id,
        ...(title === undefined ? {} : { title }),
        version: hash,
        member: turn.member,
        ...(turn.at === 0 ? {} : { since: isoTime(turn.at) }),
        ...(until === undefined ? {} : { until: isoTime(until) }),
        ...definition.explain(state, { at, from }),
        told: told[2]
          .slice(-SHOWN_TURNS)
          .map(([time, member, ref]) => ({ at: isoTime(time), member, id: ref })),
      };
    });
  }

  /** The clock makes a turn, or it is time to tidy up. */
  wake(state: SegmentState, ctx: SegmentContext): SegmentState | Forget {
    this.#revise(state, ctx);
    if (state.wake !== 0 && state.wake <= ctx.now) this.#judge(state, [], ctx.now, ctx);
    if (state.tidy !== 0 && state.tidy <= ctx.now && !this.#tidy(state, ctx)) return FORGET;
    this.#wait(state, MAX_TIME, ctx.now, ctx);
    return state;
  }

  /** The configuration may have changed: only what changed is judged anew, by the past that is known. */
  revisit(state: SegmentState, ctx: SegmentContext, past?: PastSignal): SegmentState | Forget {
    const due = dueOf(state);
    this.#revise(state, ctx, past);
    if (isBlank(state)) return FORGET;
    this.#wait(state, due, latest(ctx.now, state.judged), ctx);
    return state;
  }

  /**
   * Once for each person and generation. Whatever moment that is, it comes to the same: as of the
   * second at which the generation came into force, members of what is defined no more are out, and
   * of what is defined anew it is told who is in.
   */
  #revise(state: SegmentState, ctx: SegmentContext, past?: PastSignal): void {
    const { at } = this.#since;
    const before = (past?.before ?? state.asOf ?? 0) as EventTime;
    if (before === at) return;
    this.#freshen(state, ctx, before, past?.steps);
    this.#leaveRemoved(state, ctx);
    const indexes = this.#definitions.map((_, i) => i);
    const idOf = (i: number) => this.#definitions[i]?.segment.id ?? "";
    const open = new Set(indexes.filter((i) => this.#since.born(idOf(i)) > before));
    const to = latest(at, state.judged);
    for (let i = next(open, -1); i !== undefined; i = next(open, i)) {
      const definition = this.#definitions[i] as Definition;
      const told = this.#tell(state, definition, at, to, ctx);
      if (told) for (const dependent of this.#dependents[i] ?? []) open.add(dependent);
      const turn = (state.told[idOf(i)]?.[3] ?? 0) as EventTime;
      if (turn !== 0) state.wake = state.wake === 0 ? turn : earliest(state.wake, turn);
    }
  }

  /** Histories of leaves that were not there before begin anew. */
  #freshen(
    state: SegmentState,
    ctx: SegmentContext,
    before: EventTime,
    steps: readonly Step[] = [],
  ): void {
    const { at } = this.#since;
    if (before === at) return;
    state.asOf = at;
    const past = { steps, standings: changesOf(state.standings) };
    this.#fresh.begin(state.histories, before, past, ctx.facts);
  }

  #leaveRemoved(state: SegmentState, ctx: SegmentContext): void {
    for (const [segment, told] of Object.entries(state.told)) {
      if (this.#places.has(segment)) continue;
      delete state.told[segment];
      if (!standing(told, MAX_TIME).member) continue;
      const at = latest(this.#since.at, standing(told, MAX_TIME).at);
      const telling = { at, member: false, insteadOf: null, undoes: false };
      const why = { reason: "removed", evidence: [] };
      const gone = { segment: { id: segment, hash: NO_VERSION } };
      say(this.#operator, state, gone, telling, ctx, why);
    }
  }

  /** Puts a signal into the histories; the definitions it touches, and its time. */
  #remember(
    signal: SessionSignal | StandingSignal,
    state: SegmentState,
    touched: Set<number>,
    ctx: SegmentContext,
  ): EventTime {
    if (signal.kind === "step") {
      const { at } = signal.event;
      this.#touch(this.#listeners.take(state.histories, signal, ctx.facts), state, touched);
      if (this.#whenEmpty.length > 0 && (state.since === 0 || at < state.since)) {
        state.since = at;
        for (const i of this.#whenEmpty) touched.add(i);
      }
      return at;
    }
    const change = standingOf(signal);
    if (change === undefined) return ctx.now;
    noteStanding(state, change);
    this.#touch(this.#listeners.stand(state.histories, change), state, touched);
    return change.insteadOf === null ? change.at : earliest(change.at, change.insteadOf);
  }

  #touch(leaves: readonly number[], { told }: SegmentState, touched: Set<number>): void {
    for (const leaf of leaves) {
      for (const i of this.#byLeaf[leaf] ?? []) touched.add(i);
      const against = this.#against[leaf];
      if (against === undefined || against.size === 0) continue;
      for (const id in told) {
        const i = this.#places.get(id);
        if (i !== undefined && against.has(i)) touched.add(i);
      }
    }
  }

  /** Tells the turns of what was touched since `at`, and of what is due; finds the next turn. */
  #judge(state: SegmentState, touched: Iterable<number>, at: EventTime, ctx: SegmentContext): void {
    const to = latest(at, state.judged);
    const from = earliest(at, (state.judged + 1) as EventTime);
    const start = latest(from, minus(to, this.#maxAge));
    const open = new Set(touched);
    const isDue = state.wake !== 0 && state.wake <= to;
    if (isDue) this.#addDue(state, to, open);
    // A definition comes after those that its `in` names.
    for (let i = next(open, -1); i !== undefined; i = next(open, i)) {
      const definition = this.#definitions[i] as Definition;
      if (!this.#tell(state, definition, start, to, ctx)) continue;
      for (const dependent of this.#dependents[i] ?? []) open.add(dependent);
    }
    state.judged = to;
    let wake = isDue || state.wake === 0 ? MAX_TIME : state.wake;
    for (const id of isDue ? Object.keys(state.told) : this.#idsOf(open)) {
      const turn = state.told[id]?.[3] ?? 0;
      if (turn !== 0) wake = earliest(wake, turn as EventTime);
    }
    state.wake = wake === MAX_TIME ? (0 as EventTime) : wake;
  }

  /** Segments that the clock turns by now; those that are defined no more are forgotten. */
  #addDue(state: SegmentState, to: EventTime, open: Set<number>): void {
    for (const [id, [, , , next]] of Object.entries(state.told)) {
      const place = this.#places.get(id);
      if (place === undefined) delete state.told[id];
      else if (next !== 0 && next <= to) open.add(place);
    }
  }

  *#idsOf(open: Iterable<number>): Generator<string> {
    for (const i of open) yield this.#definitions[i]?.segment.id ?? "";
  }

  /** True when something was said. */
  #tell(
    state: SegmentState,
    definition: Definition,
    since: EventTime,
    until: EventTime,
    ctx: SegmentContext,
  ): boolean {
    const { id } = definition.segment;
    const known = state.told[id];
    const told = known ?? neverTold();
    const born = this.#since.born(id);
    const least = latest(ctx.mayBeFrom?.(id) ?? MIN_TIME, born);
    const to = latest(until, born);
    if (least > to) return false;
    const start = latest(latest(since, least), settledUntil(definition, state.histories));
    const timeline = definition.timeline(state, told, start);
    if (known === undefined && !timeline.before && timeline.turns.length === 0) return false;
    const turns = turnsOf(timeline, standing(told, start).member, start, to);
    const split = told[2].findIndex(([at]) => at >= start);
    const open = split < 0 ? [] : told[2].splice(split);
    const tellings = corrections(open, turns);
    const rightly = turns.length - tellings.filter(({ undoes }) => !undoes).length;
    told[2].push(...open.slice(0, rightly));
    // Turns come to an end: what is to come is known as far as nothing more happens.
    told[3] = timeline.turns.find((at) => at > to) ?? (0 as EventTime);
    for (const telling of tellings) {
      const why = whyOf(definition, state, telling);
      const because = telling.at === born && born > 0 ? { ...why, reason: REDEFINED } : why;
      const ref = say(this.#operator, state, definition, telling, ctx, because);
      if (!telling.undoes) told[2].push([telling.at, telling.member, ref]);
    }
    settle(told, minus(to, this.#maxAge));
    if (isForgotten(told)) delete state.told[id];
    else state.told[id] = told;
    return tellings.length > 0;
  }

  /** Sets the timer, unless it stands at `due`; there is always a time to tidy up. */
  #wait(state: SegmentState, due: EventTime, from: EventTime, ctx: SegmentContext): void {
    if (state.tidy === 0 && (!isEmpty(state.histories) || !isQuiet(state))) {
      state.tidy = (plus(from, this.#maxAge) + 1) as EventTime;
    }
    const next = dueOf(state);
    if (next === due) return;
    if (next === MAX_TIME) ctx.clearTimer(TIMER);
    else ctx.setTimer(TIMER, next);
  }

  /** Leaves out what has no say any more; false when nothing is left of a person. */
  #tidy(state: SegmentState, ctx: SegmentContext): boolean {
    // All turns up to now are told.
    state.judged = latest(state.judged, ctx.now);
    const horizon = minus(state.judged, this.#maxAge);
    state.tidy = 0 as EventTime;
    // What is true just before the horizon is asked for, too.
    this.#listeners.thin(state.histories, (horizon - 1) as EventTime);
    for (const [id, told] of Object.entries(state.told)) {
      settle(told, horizon);
      if (isForgotten(told)) delete state.told[id];
    }
    return !isBlank(state);
  }
}

/** When the timer is due; MAX_TIME when nothing is waited for. */
const dueOf = ({ wake, tidy }: SegmentState): EventTime =>
  earliest(wake === 0 ? MAX_TIME : wake, tidy === 0 ? MAX_TIME : tidy);

/** 0 stands for never. */
const earlierOf = (a: EventTime, b: EventTime): EventTime =>
  a === 0 || b === 0 ? latest(a, b) : earliest(a, b);

/** No turn may still be corrected. */
const isQuiet = ({ told }: SegmentState): boolean =>
  Object.values(told).every(([, , log]) => log.length === 0);

/** Up to where a history is settled, however much of it was kept. */
function settledUntil({ leaves }: Definition, histories: Histories): EventTime {
  let until = MIN_TIME;
  for (const leaf of leaves) {
    const history = histories[leaf.key];
    if (history !== undefined) until = latest(until, leaf.settled?.(history) ?? MIN_TIME);
  }
  return until;
}

/** The least of the set above `after`. */
function next(set: ReadonlySet<number>, after: number): number | undefined {
  let least: number | undefined;
  for (const i of set) if (i > after && (least === undefined || i < least)) least = i;
  return least;
}

const isBlank = ({ since, histories, told, standings }: SegmentState): boolean =>
  since === 0 && standings === undefined && isEmpty(histories) && isEmpty(told);

/** A definition as messages name it; one that is no more explains nothing. */
interface Sayable {
  readonly segment: Pick<Definition["segment"], "id" | "hash">;
  readonly explain?: Definition["explain"];
}

/** Emits one telling; returns the id that its message gets. */
function say(
  operator: string,
  state: SegmentState,
  { segment: { id, hash }, explain }: Sayable,
  telling: Telling,
  ctx: SegmentContext,
  { reason, evidence }: ReturnType<typeof whyOf>,
): string {
  if (state.cause !== ctx.cause) {
    state.cause = ctx.cause;
    state.said = 0;
  }
  const ref = messageId(operator, ctx.key, ctx.cause, state.said);
  state.said += 1;
  const { at, member, insteadOf, undoes } = telling;
  ctx.note(() => ({
    of: "segment",
    segment: id,
    id: ref,
    ...explain?.(state, { at, from: at }),
  }));
  ctx.emit({
    kind: "segment",
    person: ctx.key,
    segment: id,
    member,
    at,
    reason,
    evidence: evidence
      .slice(-SHOWN_EVENTS)
      .map(([time, id, event]) => ({ event, id, time: isoTime(time) })),
    version: hash,
    ref,
    supersedes: insteadOf?.[2] ?? null,
    insteadOf: insteadOf?.[0] ?? null,
    undoes,
  });
  return ref;
}
