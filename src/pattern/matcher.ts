import { Fault } from "../faults.ts";
import type { EventTime } from "../time/event-time.ts";
import { Explorer } from "./explorer.ts";
import { compile, type Edge, type Nfa, NO_PLACE } from "./nfa.ts";
import type { Limits, Match, Outcome, Timeout } from "./outcome.ts";
import type { Pattern } from "./pattern.ts";
import { compareStarts, earliest, type Run } from "./runs.ts";
import {
  addEvent,
  addNode,
  chain,
  emptyBuffer,
  type Link,
  NONE,
  newestAt,
  release,
  releaseEvent,
  retain,
  type SharedBuffer,
  tidy,
} from "./shared-buffer.ts";
import { afterMatch, type Falls } from "./skip.ts";
import type { Stages, Taken } from "./spec.ts";
import { isNot } from "./validate.ts";

/** All that a key knows of a pattern: plain data that survives JSON and msgpack. */
export interface MatcherState<E> {
  /** Of the pattern the state belongs to. */
  readonly digest: string;
  /** Number of the next event. */
  seq: number;
  runs: Run[];
  /** Complete matches that wait until nothing older can still match: only with a skip strategy. */
  held: Run[];
  buffer: SharedBuffer<E>;
}

const DEFAULT_LIMITS: Limits = { partialMatches: 1000, events: 10_000 };

const NOTHING: Outcome<never> = Object.freeze({ matches: [], timeouts: [], forgotten: 0 });

interface Draft<S extends Stages> {
  readonly matches: Match<S>[];
  readonly timeouts: Timeout<S>[];
  forgotten: number;
}

/** One event on its way through the partial matches of one key. */
interface Step<E> {
  readonly buffer: SharedBuffer<E>;
  readonly event: E;
  readonly at: EventTime;
  readonly seq: number;
  /** Of the event in the buffer, once something has taken it. */
  slot: number;
  readonly runs: Run[];
  readonly complete: Run[];
}

/** A pattern ready to run over any number of keys; holds no state of theirs. */
export class Matcher<E, S extends Stages> {
  readonly #nfa: Nfa<E>;
  readonly #limits: Limits;
  readonly #explorer: Explorer<E>;
  /** Some stage or the whole has a time limit. */
  readonly #timed: boolean;

  constructor(pattern: Pattern<E, S>, limits: Partial<Limits> = {}) {
    this.#nfa = compile(pattern.spec);
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#explorer = new Explorer(this.#nfa);
    const { within, stages } = pattern.spec;
    this.#timed = within !== null || stages.some((stage) => stage.gap !== null);
  }

  get digest(): string {
    return this.#nfa.digest;
  }

  init(): MatcherState<E> {
    return { digest: this.digest, seq: 0, runs: [], held: [], buffer: emptyBuffer() };
  }

  /** True when nothing is under way: such a state may be forgotten. */
  isIdle(state: MatcherState<E>): boolean {
    return state.runs.length === 0 && state.held.length === 0;
  }

  /** When a partial match will run out of time unless an event comes before; set a timer there. */
  deadline(state: MatcherState<E>): EventTime | undefined {
    let soonest = Number.POSITIVE_INFINITY;
    if (this.#timed) {
      for (const run of state.runs) soonest = Math.min(soonest, this.#runsOutAt(state, run));
    }
    return Number.isFinite(soonest) ? (soonest as EventTime) : undefined;
  }

  /**
   * Takes one event; events come in (time, arrival) order. Time moves to `at` first. What throws
   * here (a condition, a skip strategy told to) leaves the state half-way: go on from a copy.
   */
  match(state: MatcherState<E>, event: E, at: EventTime): Outcome<S> {
    const before = this.advance(state, at);
    const { runs, held } = state;
    const complete = this.#step(state, event, at);
    if (complete.length === 0 && held.length === 0 && !this.#isOver(state)) {
      if (runs.length > 0) this.#tidy(state);
      return before;
    }
    const draft = {
      matches: [...before.matches],
      timeouts: [...before.timeouts],
      forgotten: before.forgotten,
    };
    this.#settle(state, complete, draft);
    return draft;
  }

  /**
   * Time reached `to`: what ran out by then is told, in the order in which it did, however long ago.
   * Time that lies behind does nothing.
   */
  advance(state: MatcherState<E>, to: EventTime): Outcome<S> {
    if (state.digest !== this.digest) {
      throw new Fault("STATE_INVALID", "the state belongs to another pattern", {
        state: state.digest,
        pattern: this.digest,
      });
    }
    let draft: Draft<S> | undefined;
    let due = this.deadline(state);
    while (due !== undefined && due <= to) {
      draft ??= { matches: [], timeouts: [], forgotten: 0 };
      this.#expire(state, due, draft);
      due = this.deadline(state);
    }
    return draft ?? NOTHING;
  }

  /** One moment at a time: what a match takes with it at one can no longer time out at the next. */
  #expire(state: MatcherState<E>, due: EventTime, draft: Draft<S>): void {
    const kept: Run[] = [];
    const complete: Run[] = [];
    for (const run of state.runs) {
      if (this.#runsOutAt(state, run) > due || this.#exits(state, run, due)) kept.push(run);
      else if (this.#explorer.place(run[0]).role === "pending") complete.push(run);
      else {
        // A match that need not go on has been told already.
        if (this.#explorer.place(run[0]).role !== "final") {
          const events = this.#taken(chain(state.buffer, run[1]));
          draft.timeouts.push({ start: run[2] as EventTime, at: due, events });
        }
        release(state.buffer, run[1]);
      }
    }
    state.runs = kept;
    this.#settle(state, complete, draft);
  }

  /** Moves a partial match on that may take no more where it waits, but need not. */
  #exits(state: MatcherState<E>, run: Run, due: EventTime): boolean {
    const { within } = this.#nfa.spec;
    if (within !== null && run[2] + within <= due) return false;
    let { exit, fork } = this.#explorer.place(run[0]);
    while (exit !== NO_PLACE && exit !== fork) {
      run[0] = exit;
      if (this.#explorer.place(exit).role === "final") return false;
      if (this.#runsOutAt(state, run) > due) return true;
      ({ exit, fork } = this.#explorer.place(exit));
    }
    return false;
  }

  /** Moves every partial match, and one that begins here, by the event; returns what is complete. */
  #step(state: MatcherState<E>, event: E, at: EventTime): Run[] {
    const { buffer } = state;
    const step: Step<E> = { buffer, event, at, seq: state.seq, slot: NONE, runs: [], complete: [] };
    for (const run of state.runs) {
      this.#follow(step, run);
      release(buffer, run[1]);
    }
    this.#follow(step, [this.#nfa.start, NONE, at, state.seq]);
    if (step.slot !== NONE) {
      releaseEvent(buffer, step.slot);
      state.seq += 1;
    }
    state.runs = step.runs;
    return step.complete;
  }

  /** Goes every way that is open to `run`. */
  #follow(step: Step<E>, run: Run): void {
    const explorer = this.#explorer;
    explorer.explore(run[0], step.buffer, run[1], step.event, step.at);
    for (let i = 0; i < explorer.count; i++) {
      const edge = explorer.edge(i);
      if (edge.kind === "take") this.#take(step, run, edge);
      // What has not begun has nothing to wait with: every event is offered to a fresh one.
      else if (run[1] !== NONE) this.#skip(step, run, edge);
    }
  }

  #take(step: Step<E>, run: Run, edge: Edge): void {
    const explorer = this.#explorer;
    const { buffer, event, at, seq, runs } = step;
    const { role, fork } = explorer.place(edge.to);
    const completes = explorer.reachesFinal(edge.to);
    const stays = role !== "final" && !explorer.killed;
    if (!completes && !stays) return;
    if (step.slot === NONE) step.slot = addEvent(buffer, event, at, seq);
    const node = addNode(buffer, edge.stage, step.slot, run[1]);
    if (completes) step.complete.push(hold(buffer, this.#nfa.final, node, run));
    if (stays) runs.push(hold(buffer, edge.to, node, run));
    if (stays && fork !== NO_PLACE) runs.push(hold(buffer, fork, node, run));
  }

  #skip({ buffer, runs, complete }: Step<E>, run: Run, edge: Edge): void {
    const final = this.#explorer.place(edge.to).role === "final";
    if (final) complete.push(hold(buffer, this.#nfa.final, run[1], run));
    else if (!this.#explorer.killed) runs.push(hold(buffer, edge.to, run[1], run));
  }

  /** Tells what is complete and keeps the limits. */
  #settle(state: MatcherState<E>, complete: readonly Run[], draft: Draft<S>): void {
    if (complete.length > 0) state.held = [...state.held, ...complete].sort(compareStarts);
    this.#tell(state, draft);
    while (this.#isOver(state)) {
      const oldest = earliest(state.runs);
      if (oldest === undefined) break;
      state.runs.splice(state.runs.indexOf(oldest), 1);
      release(state.buffer, oldest[1]);
      draft.forgotten += 1;
      this.#tell(state, draft);
    }
    this.#tidy(state);
  }

  #tidy(state: MatcherState<E>): void {
    if (!this.isIdle(state)) return;
    state.seq = 0;
    tidy(state.buffer);
  }

  /** Complete matches in the order of their starts; under a skip strategy none before its elders. */
  #tell(state: MatcherState<E>, draft: Draft<S>): void {
    const { skip, stages } = this.#nfa.spec;
    for (let match = state.held[0]; match !== undefined; match = state.held[0]) {
      if (skip.strategy !== "noSkip") {
        const elder = earliest(state.runs);
        if (elder !== undefined && compareStarts(elder, match) < 0) return;
      }
      state.held.shift();
      const links = chain(state.buffer, match[1]);
      const falls = afterMatch(skip, links, stages);
      if (falls !== null) {
        state.runs = dropped(state.buffer, state.runs, falls);
        state.held = dropped(state.buffer, state.held, falls);
      }
      const pending = this.#explorer.place(match[0]).role === "pending";
      const at = pending ? this.#runsOutAt(state, match) : newestAt(state.buffer, match[1]);
      draft.matches.push({
        start: match[2] as EventTime,
        at: at as EventTime,
        events: this.#taken(links),
      });
      release(state.buffer, match[1]);
    }
  }

  #isOver({ runs, held, buffer }: MatcherState<E>): boolean {
    const { partialMatches, events } = this.#limits;
    return runs.length + held.length > partialMatches || buffer.size > events;
  }

  /** The first moment a partial match may no longer take an event; infinite without limit. */
  #runsOutAt({ buffer }: MatcherState<E>, [place, node, startAt]: Run): number {
    const { within } = this.#nfa.spec;
    const { gap } = this.#explorer.place(place);
    const whole = within === null ? Number.POSITIVE_INFINITY : startAt + within;
    return gap === 0 ? whole : Math.min(whole, newestAt(buffer, node) + gap);
  }

  #taken(links: readonly Link<E>[]): Taken<S> {
    const taken: Record<string, E[]> = {};
    const lists = this.#nfa.spec.stages.map((stage) => {
      const list: E[] = [];
      if (!isNot(stage)) taken[stage.name] = list;
      return list;
    });
    for (const link of links) lists[link.stage]?.push(link.event);
    return taken as Taken<S>;
  }
}

function hold<E>(buffer: SharedBuffer<E>, place: number, node: number, from: Run): Run {
  retain(buffer, node);
  return [place, node, from[2], from[3]];
}

function dropped<E>(buffer: SharedBuffer<E>, runs: readonly Run[], falls: Falls): Run[] {
  return runs.filter((run) => {
    if (!falls(run)) return true;
    release(buffer, run[1]);
    return false;
  });
}
