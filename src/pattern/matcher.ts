import { Fault } from "../faults.ts";
import { type EventTime, MAX_TIME } from "../time/event-time.ts";
import { Explorer } from "./explorer.ts";
import { compile, type Edge, type Nfa, NO_PLACE } from "./nfa.ts";
import type { Limits, Match, MatcherOptions, Outcome, Timeout } from "./outcome.ts";
import type { Pattern } from "./pattern.ts";
import {
  cell,
  hasNode,
  mergeByStart,
  NO_RUNS,
  NODE,
  PLACE,
  RUN,
  RunRows,
  type Runs,
  START_AT,
  START_SEQ,
} from "./runs.ts";
import {
  addEvent,
  addNode,
  chain,
  clear,
  type Link,
  NO_EVENTS,
  NO_NODES,
  NONE,
  newestAt,
  release,
  releaseEvent,
  retain,
  type SharedBuffer,
} from "./shared-buffer.ts";
import { afterMatch, type Falls } from "./skip.ts";
import type { Stages, Taken } from "./spec.ts";
import { isNot } from "./validate.ts";

/** All that a key knows of a pattern: plain data that survives JSON and msgpack. */
export interface MatcherState<E> extends SharedBuffer<E> {
  /** Of the pattern the state belongs to. */
  readonly digest: string;
  /** Number of the next event. */
  seq: number;
  runs: Runs;
  /** Complete matches that wait until nothing older can still match: only with a skip strategy. */
  held: Runs;
}

const DEFAULT_LIMITS: Limits = { partialMatches: 1000, events: 10_000 };

const NOTHING: Outcome<never> = Object.freeze({ matches: [], timeouts: [], forgotten: 0 });

interface Draft<S extends Stages> {
  readonly matches: Match<S>[];
  readonly timeouts: Timeout<S>[];
  forgotten: number;
}

const newDraft = <S extends Stages>(): Draft<S> => ({ matches: [], timeouts: [], forgotten: 0 });

/** A pattern ready to run over any number of keys; holds no state of theirs. */
export class Matcher<E, S extends Stages> {
  readonly #nfa: Nfa<E>;
  readonly #limits: Limits;
  readonly #explorer: Explorer<E>;
  readonly #tellsTimeouts: boolean;
  /** Time from the first event; infinite without limit. */
  readonly #within: number;
  readonly #hasGaps: boolean;
  /** By stage; null where it takes no events. */
  readonly #names: readonly (string | null)[];
  /** What becomes of the partial matches of the key at hand: those that go on, and those that do not. */
  readonly #moved = new RunRows();
  readonly #complete = new RunRows();
  readonly #expired = new RunRows();
  /** The match that would begin with the event at hand. */
  readonly #begun: number[];
  #event: E | undefined;
  /** Of the event at hand in the buffer, once something has taken it. */
  #slot = NONE;

  constructor(pattern: Pattern<E, S>, { timeouts = true, ...limits }: MatcherOptions = {}) {
    const { within, stages } = pattern.spec;
    this.#nfa = compile(pattern.spec);
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#tellsTimeouts = timeouts;
    this.#explorer = new Explorer(this.#nfa);
    this.#within = within ?? Number.POSITIVE_INFINITY;
    this.#begun = [this.#nfa.start, NONE, 0, 0];
    this.#hasGaps = stages.some((stage) => stage.gap !== null);
    this.#names = stages.map((stage) => (isNot(stage) ? null : stage.name));
  }

  get digest(): string {
    return this.#nfa.digest;
  }

  init(): MatcherState<E> {
    return {
      digest: this.digest,
      seq: 0,
      runs: NO_RUNS,
      held: NO_RUNS,
      nodes: NO_NODES,
      events: NO_EVENTS,
      freeNode: NONE,
      freeEvent: NONE,
      size: 0,
    };
  }

  /** True when nothing is under way: such a state may be forgotten. */
  isIdle({ runs, held }: MatcherState<E>): boolean {
    return runs.length === 0 && held.length === 0;
  }

  /**
   * When a partial match will run out of time unless an event comes before; set a timer there.
   * Undefined where that is never, or past the end of time.
   */
  deadline(state: MatcherState<E>): EventTime | undefined {
    const { runs } = state;
    if (runs.length === 0) return undefined;
    // Without steps that have a limit of their own, the oldest is the first to run out.
    let soonest = cell(runs, START_AT) + this.#within;
    for (let o = 0; this.#hasGaps && o < runs.length; o += RUN) {
      soonest = Math.min(soonest, this.#runsOutAt(state, runs, o));
    }
    return soonest > MAX_TIME ? undefined : (soonest as EventTime);
  }

  /**
   * Takes one event; events come in (time, arrival) order. Time moves to `at` first. What throws
   * here (a condition, a skip strategy told to) leaves the state half-way: go on from a copy.
   */
  match(state: MatcherState<E>, event: E, at: EventTime): Outcome<S> {
    const before = this.#expireUpTo(state, at);
    this.#step(state, event, at);
    const settled = this.#complete.isEmpty && state.held.length === 0 && !this.#isOver(state);
    const draft = settled ? before : (before ?? newDraft());
    if (!settled && draft !== undefined) this.#settle(state, draft);
    this.#tidy(state);
    return draft ?? NOTHING;
  }

  /**
   * Time reached `to`: what ran out by then is told, in the order in which it did, however long ago.
   * Time that lies behind does nothing.
   */
  advance(state: MatcherState<E>, to: EventTime): Outcome<S> {
    const draft = this.#expireUpTo(state, to);
    this.#tidy(state);
    return draft ?? NOTHING;
  }

  #expireUpTo(state: MatcherState<E>, to: EventTime): Draft<S> | undefined {
    if (state.digest !== this.digest) {
      throw new Fault("STATE_INVALID", "the state belongs to another pattern", {
        state: state.digest,
        pattern: this.digest,
      });
    }
    let draft: Draft<S> | undefined;
    let due = this.deadline(state);
    while (due !== undefined && due <= to) {
      draft ??= newDraft();
      this.#expire(state, due, draft);
      due = this.deadline(state);
    }
    return draft;
  }

  /** One moment at a time: what a match takes with it at one can no longer time out at the next. */
  #expire(state: MatcherState<E>, due: EventTime, draft: Draft<S>): void {
    const { runs } = state;
    this.#moved.clear();
    this.#complete.clear();
    this.#expired.clear();
    for (let o = 0; o < runs.length; o += RUN) {
      const node = cell(runs, o + NODE);
      const place = this.#exit(state, runs, o, due);
      const { role } = this.#explorer.place(place);
      // A match that need not go on has been told already.
      if (role === "final") release(state, node);
      else if (this.#runsOutAt(state, runs, o, place) > due) this.#moved.add(place, node, runs, o);
      else (role === "pending" ? this.#complete : this.#expired).add(place, node, runs, o);
    }
    state.runs = this.#moved.list(runs);
    this.#timeOut(state, due, draft);
    this.#settle(state, draft);
  }

  #timeOut(state: MatcherState<E>, at: EventTime, draft: Draft<S>): void {
    const expired = this.#expired.list();
    if (this.#tellsTimeouts) this.#tellTimeouts(state, expired, at, draft);
    if (this.#complete.isEmpty && this.isIdle(state)) {
      // All at once: nothing is left that could share with them.
      this.#tidy(state);
      return;
    }
    for (let o = 0; o < expired.length; o += RUN) release(state, cell(expired, o + NODE));
  }

  /** A match may wait in several places at once: it is out of time when it waits in none any more. */
  #tellTimeouts(state: MatcherState<E>, expired: Runs, at: EventTime, draft: Draft<S>): void {
    const complete = this.#complete.list();
    for (let o = 0; o < expired.length; o += RUN) {
      const node = cell(expired, o + NODE);
      const waits = hasNode(state.runs, node) || hasNode(complete, node);
      if (waits || hasNode(expired, node, o + RUN)) continue;
      const start = cell(expired, o + START_AT) as EventTime;
      draft.timeouts.push({ start, at, events: this.#taken(chain(state, node)) });
    }
  }

  /** Where a partial match waits at `due` that may take no more where it waited, but need not. */
  #exit(state: MatcherState<E>, runs: Runs, o: number, due: EventTime): number {
    let place = cell(runs, o + PLACE);
    if (cell(runs, o + START_AT) + this.#within <= due) return place;
    while (this.#runsOutAt(state, runs, o, place) <= due) {
      const { exit, fork } = this.#explorer.place(place);
      if (exit === NO_PLACE || exit === fork) return place;
      place = exit;
    }
    return place;
  }

  /** Moves every partial match, and one that begins here, by the event. */
  #step(state: MatcherState<E>, event: E, at: EventTime): void {
    const { runs, seq } = state;
    const begun = this.#begun;
    begun[START_AT] = at;
    begun[START_SEQ] = seq;
    this.#event = event;
    this.#slot = NONE;
    this.#moved.clear();
    this.#complete.clear();
    this.#explorer.begin(state, event, at);
    let moves = false;
    for (let o = 0; o < runs.length; o += RUN) {
      if (this.#follow(state, runs, o)) moves = true;
    }
    this.#follow(state, begun, 0);
    if (moves || this.#slot !== NONE) state.runs = this.#moved.list(runs);
    if (this.#slot === NONE) return;
    releaseEvent(state, this.#slot);
    state.seq += 1;
  }

  /** Goes every way that is open to a match; false when all that it does is to stay as it is. */
  #follow(state: MatcherState<E>, runs: Runs, o: number): boolean {
    const explorer = this.#explorer;
    const place = cell(runs, o + PLACE);
    const node = cell(runs, o + NODE);
    if (!explorer.explore(place, node)) {
      // What has not begun has nothing to wait with: every event is offered to a fresh one.
      if (node !== NONE) this.#moved.add(place, node, runs, o);
      return false;
    }
    for (let i = 0; i < explorer.count; i++) {
      const edge = explorer.edge(i);
      if (edge.kind === "take") this.#take(state, runs, o, edge);
      else if (node !== NONE) this.#skip(state, runs, o, edge);
    }
    release(state, node);
    return true;
  }

  #take(state: MatcherState<E>, runs: Runs, o: number, edge: Edge): void {
    const explorer = this.#explorer;
    const { role, fork } = explorer.place(edge.to);
    const completes = explorer.reachesFinal(edge.to);
    const stays = role !== "final" && !explorer.killed;
    if (!completes && !stays) return;
    if (this.#slot === NONE) this.#slot = addEvent(state, this.#event as E);
    const begun = this.#begun;
    const node = addNode(state, {
      stage: edge.stage,
      event: this.#slot,
      parent: cell(runs, o + NODE),
      at: cell(begun, START_AT),
      seq: cell(begun, START_SEQ),
    });
    if (completes) this.#complete.add(this.#nfa.final, retain(state, node), runs, o);
    if (!stays) return;
    this.#moved.add(edge.to, retain(state, node), runs, o);
    if (fork !== NO_PLACE) this.#moved.add(fork, retain(state, node), runs, o);
  }

  #skip(state: MatcherState<E>, runs: Runs, o: number, edge: Edge): void {
    const final = this.#explorer.place(edge.to).role === "final";
    if (!final && this.#explorer.killed) return;
    const node = retain(state, cell(runs, o + NODE));
    if (final) this.#complete.add(this.#nfa.final, node, runs, o);
    else this.#moved.add(edge.to, node, runs, o);
  }

  /** Tells what is complete and keeps the limits. */
  #settle(state: MatcherState<E>, draft: Draft<S>): void {
    if (!this.#complete.isEmpty) {
      state.held = mergeByStart(state.held, this.#complete.list());
    }
    this.#tell(state, draft);
    while (this.#isOver(state) && state.runs.length > 0) {
      const oldest = cell(state.runs, NODE);
      state.runs = state.runs.slice(RUN);
      release(state, oldest);
      draft.forgotten += 1;
      this.#tell(state, draft);
    }
  }

  /** Leaves nothing behind of what is over. */
  #tidy(state: MatcherState<E>): void {
    if (state.nodes.length === 0 || !this.isIdle(state)) return;
    state.seq = 0;
    clear(state);
  }

  /** Complete matches in the order of their starts; under a skip strategy none before its elders. */
  #tell(state: MatcherState<E>, draft: Draft<S>): void {
    const { skip, stages } = this.#nfa.spec;
    while (state.held.length > 0) {
      const { runs, held } = state;
      const startSeq = cell(held, START_SEQ);
      const waits = skip.strategy !== "noSkip" && runs.length > 0;
      if (waits && cell(runs, START_SEQ) < startSeq) return;
      state.held = held.slice(RUN);
      const node = cell(held, NODE);
      const links = chain(state, node);
      const falls = afterMatch(skip, links, stages);
      if (falls !== null) {
        state.runs = dropped(state, runs, falls);
        state.held = dropped(state, state.held, falls);
      }
      const pending = this.#explorer.place(cell(held, PLACE)).role === "pending";
      const at = pending ? this.#runsOutAt(state, held, 0) : newestAt(state, node);
      draft.matches.push({
        start: cell(held, START_AT) as EventTime,
        at: at as EventTime,
        events: this.#taken(links),
      });
      release(state, node);
    }
  }

  #isOver({ runs, held, size }: MatcherState<E>): boolean {
    const { partialMatches, events } = this.#limits;
    return (runs.length + held.length) / RUN > partialMatches || size > events;
  }

  /** The first moment a partial match may no longer take an event; infinite without limit. */
  #runsOutAt(state: MatcherState<E>, runs: Runs, o: number, place = cell(runs, o + PLACE)): number {
    const whole = cell(runs, o + START_AT) + this.#within;
    const { gap } = this.#explorer.place(place);
    return gap === 0 ? whole : Math.min(whole, newestAt(state, cell(runs, o + NODE)) + gap);
  }

  #taken(links: readonly Link<E>[]): Taken<S> {
    const taken: Record<string, E[]> = {};
    for (const name of this.#names) if (name !== null) taken[name] = [];
    for (const { stage, event } of links) {
      const name = this.#names[stage] ?? "";
      const list = taken[name];
      // A literal has no room to spare, and most stages need no more.
      if (list === undefined || list.length === 0) taken[name] = [event];
      else list.push(event);
    }
    return taken as Taken<S>;
  }
}

function dropped<E>(state: SharedBuffer<E>, runs: Runs, falls: Falls): Runs {
  const kept: number[] = [];
  for (let o = 0; o < runs.length; o += RUN) {
    if (!falls(cell(runs, o + START_SEQ))) kept.push(...runs.slice(o, o + RUN));
    else release(state, cell(runs, o + NODE));
  }
  return kept.length === 0 ? NO_RUNS : kept;
}
