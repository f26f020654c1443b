import { digestOf } from "./digest.ts";
import type { PatternSpec, StageSpec } from "./spec.ts";
import { validate } from "./validate.ts";

/**
 * A conjunction of tests: `n` wants test n to hold, `~n` wants it to fail. Tests are numbered by
 * stage, see `testOf`.
 */
export type Guard = readonly number[];

/**
 * What a partial match may do with an event: `take` it, `skip` it (stay in the match without it),
 * `pass` on to another place and look at the same event from there, `kill` the partial match.
 * `to` is the place it is in afterwards; for `kill` the forbidding stage.
 */
export interface Edge {
  readonly kind: "take" | "skip" | "pass" | "kill";
  /** Of the place it leaves: the one that takes the event. */
  readonly stage: number;
  readonly to: number;
  readonly guard: Guard;
}

/** Where a partial match can wait. */
export interface Place {
  readonly stage: number;
  /** `pending`: all is there, and the time that must run out without a forbidden event has begun. */
  readonly role: "open" | "pending" | "final";
  readonly edges: readonly Edge[];
  /** Longest time since the previous event, exclusive; 0 without limit. */
  readonly gap: number;
  /**
   * A pending place that a match enters as well when it takes an event to get here: it may be all
   * there, though its last loop goes on. NO_PLACE where there is none.
   */
  readonly fork: number;
  /**
   * Where a match goes on when `gap` has run out but it need not take more here; NO_PLACE where it
   * must, and so has come to its end.
   */
  readonly exit: number;
}
export const NO_PLACE = -1;

export interface Nfa<E> {
  readonly spec: PatternSpec<E>;
  readonly places: readonly Place[];
  readonly start: number;
  readonly final: number;
  /** Names the structure (stages, quantifiers, times, skip), not the conditions: 8 hex digits. */
  readonly digest: string;
}

export type TestKind = "where" | "until" | "take";
const KINDS: readonly TestKind[] = ["where", "until", "take"];

/** Number of a stage's test: its condition, its stop condition, or the first without the second. */
export const testOf = (stage: number, kind: TestKind): number => stage * 3 + KINDS.indexOf(kind);
export const testKind = (test: number): TestKind => KINDS[test % 3] ?? "where";
export const testStage = (test: number): number => Math.trunc(test / 3);

const ALWAYS: Guard = [];
/** The first place made. */
const FINAL = 0;

interface OpenPlace extends Place {
  edges: Edge[];
  fork: number;
  exit: number;
}

/** How one event of a stage is reached and left; `inside` when its loop has begun. */
interface Single {
  readonly sink: number;
  readonly pass: number | null;
  readonly skip: Guard | null;
  readonly inside: boolean;
}

/** Compiles from the last stage to the first, since a place is made after those it leads to. */
export function compile<E>(spec: PatternSpec<E>): Nfa<E> {
  validate(spec);
  const compiler = new Compiler(spec);
  const start = compiler.compile();
  return { spec, places: compiler.places, start, final: FINAL, digest: digestOf(spec) };
}

class Compiler<E> {
  readonly places: OpenPlace[] = [];
  readonly #stages: readonly StageSpec<E>[];
  /** Of a place made to wait behind a greedy loop: the same place before it was made to wait. */
  readonly #ungreedy = new Map<number, number>();
  /** Copies made by `withoutNots`, by stage and place. */
  readonly #freed = new Map<string, number>();

  constructor(spec: PatternSpec<E>) {
    this.#stages = spec.stages;
  }

  compile(): number {
    this.#add(this.#stages.length, "final");
    let sink = FINAL;
    for (let index = this.#stages.length - 1; index >= 0; index--) {
      const stage = this.#stage(index);
      if (stage.contiguity === "notFollowedBy") {
        if (sink === FINAL) sink = this.#pending(index);
      } else if (stage.contiguity === "notNext") {
        sink = this.#notNext(index, sink, sink === FINAL);
      } else {
        sink = this.#positive(index, sink);
      }
    }
    return sink;
  }

  /** Waits for time to run out; a forbidden event in the meantime ends it. */
  #pending(index: number): number {
    const place = this.#add(index, "pending");
    const where = testOf(index, "where");
    this.#edge(place, "kill", index, [where]);
    this.#edge(place, "skip", place, [~where]);
    return place;
  }

  #notNext(index: number, sink: number, last: boolean): number {
    const place = this.#add(index, "open");
    const where = testOf(index, "where");
    // As the last stage it takes one more event to know; that event is no part of the match.
    this.#edge(place, last ? "skip" : "pass", sink, [~where]);
    this.#edge(place, "kill", index, [where]);
    return place;
  }

  #positive(index: number, sink: number): number {
    const stage = this.#stage(index);
    if (stage.greedy && stage.max !== stage.min) this.#waitForLoop(index, sink);
    if (stage.max !== null) return this.#repeated(index, sink, sink);
    return this.#repeated(index, this.#loop(index, this.#withoutNots(index, sink)), sink);
  }

  /** `min … max` events one after the other, the last of them leading to `sink`. */
  #repeated(index: number, sink: number, pass: number): number {
    const stage = this.#stage(index);
    const skip = this.#skipInside(index);
    const spare = stage.max === null ? 0 : stage.max - stage.min;
    let next = sink;
    for (let i = 0; i < spare; i++) {
      next = this.#single(index, { sink: next, pass, skip, inside: true });
    }
    for (let i = 1; i < stage.min; i++) {
      next = this.#single(index, { sink: next, pass: null, skip, inside: true });
    }
    return this.#single(index, {
      sink: next,
      pass: stage.optional ? pass : null,
      skip: this.#skipBefore(index),
      inside: false,
    });
  }

  /**
   * One event of a stage. `pass` is where a match goes on without it; once it has chosen to skip an
   * event instead, it waits in a twin without that way out, so that no choice is made twice.
   */
  #single(index: number, { sink, pass, skip, inside }: Single): number {
    const place = this.#add(index, "open");
    const after = this.#withoutNots(index, sink);
    this.#edge(place, "take", after, [this.#take(index)]);
    if (pass !== null) this.#passOn(index, place, pass);
    this.#kill(index, place, inside);
    if (skip === null) return place;
    if (pass === null) {
      this.#edge(place, "skip", place, skip);
      return place;
    }
    const twin = this.#add(index, "open");
    this.#edge(twin, "take", after, [this.#take(index)]);
    this.#edge(twin, "skip", twin, skip);
    this.#kill(index, twin, inside);
    this.#edge(place, "skip", twin, skip);
    return place;
  }

  /** Any number of events, at least none. */
  #loop(index: number, sink: number): number {
    const skip = this.#skipInside(index);
    const place = this.#add(index, "open");
    this.#passOn(index, place, sink);
    this.#edge(place, "take", place, [this.#take(index)]);
    this.#kill(index, place, true);
    if (skip === null) return place;
    const twin = this.#add(index, "open");
    this.#edge(twin, "take", place, [this.#take(index)]);
    this.#edge(twin, "skip", twin, skip);
    this.#kill(index, twin, true);
    this.#edge(place, "skip", twin, skip);
    return place;
  }

  #passOn(index: number, from: number, to: number): void {
    const stage = this.#stage(index);
    this.#place(from).exit = to;
    if (this.#place(to).role === "pending") {
      this.#place(from).fork = to;
      return;
    }
    if (!stage.greedy || stage.until === null) {
      this.#edge(from, "pass", to, ALWAYS);
      return;
    }
    const until = testOf(index, "until");
    this.#edge(from, "pass", this.#ungreedy.get(to) ?? to, [until]);
    this.#edge(from, "pass", to, [~until]);
  }

  /** The stage behind a greedy loop touches no event that the loop could take. */
  #waitForLoop(index: number, sink: number): void {
    const ungreedy = this.#copy(sink, (edge) => edge);
    const place = this.#place(sink);
    const guard = ~this.#take(index);
    place.edges = place.edges.map((edge) => ({ ...edge, guard: [...edge.guard, guard] }));
    this.#ungreedy.set(sink, ungreedy);
    const after = this.#withoutNots(index, sink);
    if (after !== sink) this.#ungreedy.set(after, this.#withoutNots(index, ungreedy));
  }

  /**
   * The same place without the forbidden events before this optional stage: once the stage has
   * taken an event they no longer matter, while a match that leaves it out still respects them.
   */
  #withoutNots(index: number, sink: number): number {
    const nots = this.#notsBefore(index);
    if (nots.length === 0 || !this.#stage(index).optional) return sink;
    const made = this.#freed.get(`${index} ${sink}`);
    if (made !== undefined) return made;
    const freed = this.#copy(sink, (edge) => {
      if (edge.kind === "kill") return nots.includes(edge.to) ? null : edge;
      return edge.kind === "pass" ? { ...edge, to: this.#withoutNots(index, edge.to) } : edge;
    });
    this.#freed.set(`${index} ${sink}`, freed);
    return freed;
  }

  #copy(from: number, change: (edge: Edge) => Edge | null): number {
    const { stage, role, edges, fork, exit } = this.#place(from);
    const copy = this.#add(stage, role);
    Object.assign(this.#place(copy), { fork, exit });
    for (const edge of edges) {
      const changed = change(edge);
      if (changed === null) continue;
      const own = changed.kind !== "kill" && changed.to === from;
      this.#place(copy).edges.push(own ? { ...changed, to: copy } : changed);
    }
    return copy;
  }

  /** Forbidding stages in force while this one waits: those before it, over optional stages. */
  #notsBefore(index: number): number[] {
    const nots: number[] = [];
    for (let i = index - 1; i >= 0; i--) {
      const stage = this.#stage(i);
      if (stage.contiguity === "notFollowedBy") nots.push(i);
      else if (!stage.optional) break;
    }
    return nots;
  }
  /** What ends a match that waits for this stage: before its first event, or inside its loop. */
  #kill(index: number, place: number, inside: boolean): void {
    const following = this.#stages[index + 1]?.contiguity === "notFollowedBy" ? [index + 1] : [];
    for (const not of inside ? following : this.#notsBefore(index)) {
      this.#edge(place, "kill", not, [testOf(not, "where")]);
    }
  }

  #take(index: number): number {
    return testOf(index, this.#stage(index).until === null ? "where" : "take");
  }
  #skipBefore(index: number): Guard | null {
    const { contiguity } = this.#stage(index);
    if (contiguity === "followedBy") return [~testOf(index, "where")];
    return contiguity === "followedByAny" ? ALWAYS : null;
  }
  #skipInside(index: number): Guard | null {
    const { inner, until } = this.#stage(index);
    if (inner === "consecutive") return null;
    const guard = inner === "relaxed" ? [~testOf(index, "where")] : [];
    return until === null ? guard : [...guard, ~testOf(index, "until")];
  }

  #stage(index: number): StageSpec<E> {
    const stage = this.#stages[index];
    if (stage === undefined) throw new RangeError(`no stage ${index}`);
    return stage;
  }
  #place(index: number): OpenPlace {
    const place = this.places[index];
    if (place === undefined) throw new RangeError(`no place ${index}`);
    return place;
  }
  #add(stage: number, role: Place["role"]): number {
    const gap = this.#stages[stage]?.gap ?? 0;
    const place = { stage, role, edges: [], gap, fork: NO_PLACE, exit: NO_PLACE };
    return this.places.push(place) - 1;
  }
  #edge(from: number, kind: Edge["kind"], to: number, guard: Guard): void {
    const place = this.#place(from);
    place.edges.push({ kind, stage: place.stage, to, guard });
  }
}
