import type { EventTime } from "../time/event-time.ts";
import { type Edge, type Guard, type Nfa, type Place, testKind, testOf, testStage } from "./nfa.ts";
import { chain, NONE, newestAt, type SharedBuffer } from "./shared-buffer.ts";
import type { SoFar, Stages, StoredCondition } from "./spec.ts";

/**
 * What is known of a test: nothing, or its verdict, good for every partial match or, from `FAILS_HERE`
 * on, only for the one that its condition looked into.
 */
const UNKNOWN = -1;
const FAILS = 0;
const HOLDS = 1;
const FAILS_HERE = 2;
const HOLDS_HERE = 3;

/** A test that is no condition, but made of two. */
const TAKE = "take";

/**
 * Finds what one partial match may do with one event. Conditions are pure, so one that has not looked
 * into the match is asked once an event, another once for each pair of the two. Reused from call to
 * call, so that an event costs no garbage.
 */
export class Explorer<E> {
  /** Ways to take or skip the event. */
  count = 0;
  /** A forbidden event: the partial match ends here, but for what this very event completes. */
  killed = false;

  readonly #nfa: Nfa<E>;
  readonly #tests: readonly (StoredCondition<E> | typeof TAKE | null)[];
  readonly #verdicts: Int8Array;
  /** 1 of a place where all that wait stay. */
  readonly #staying: Uint8Array;
  readonly #edges: Edge[] = [];
  readonly #waiting: number[] = [];
  readonly #soFar: LazySoFar<E>;
  readonly #hasGaps: boolean;
  #event: E | undefined;
  /** Some verdict is good for one partial match only. */
  #partly = false;
  /** Time since the newest event of the match. */
  #quiet = 0;

  constructor(nfa: Nfa<E>) {
    const { stages } = nfa.spec;
    this.#nfa = nfa;
    this.#hasGaps = nfa.places.some(({ gap }) => gap > 0);
    this.#tests = Array.from({ length: stages.length * 3 }, (_, test) => {
      const stage = stages[testStage(test)];
      const kind = testKind(test);
      return kind === "take" ? TAKE : (stage?.[kind] ?? null);
    });
    this.#verdicts = new Int8Array(this.#tests.length);
    this.#staying = new Uint8Array(nfa.places.length);
    this.#soFar = new LazySoFar(stages.map((stage) => stage.name));
  }

  /** The next event, for partial matches in `buffer`. */
  begin(buffer: SharedBuffer<E>, event: E, at: EventTime): void {
    this.#event = event;
    this.#verdicts.fill(UNKNOWN);
    this.#staying.fill(0);
    this.#partly = false;
    // A condition that threw may have left something here.
    if (this.#waiting.length > 0) this.#waiting.length = 0;
    this.#soFar.begin(buffer, at);
  }

  /**
   * Follows every way open from `place` to the event, for a match whose newest node is `node`; false
   * when the only one is to stay there. Where no condition looks into the match, and no time since
   * its newest event counts, that goes for all that wait there, and is found once an event.
   */
  explore(place: number, node: number): boolean {
    if (this.#staying[place] === 1) return false;
    const soFar = this.#soFar;
    soFar.node = node;
    this.#quiet = node === NONE || !this.#hasGaps ? 0 : soFar.quiet();
    if (this.#partly) this.#forgetPartly();
    this.count = 0;
    this.killed = false;
    this.#look(this.place(place));
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      this.#look(this.place(next));
    }
    if (this.count !== 1 || this.killed) return true;
    const { kind, to } = this.edge(0);
    if (kind === "take" || to !== place) return true;
    if (!this.#partly && !this.#hasGaps) this.#staying[place] = 1;
    return false;
  }

  edge(index: number): Edge {
    const edge = this.#edges[index];
    if (edge === undefined || index >= this.count) throw new RangeError(`no way ${index}`);
    return edge;
  }

  /** Whether a match that got to `place` by the event just explored is already complete. */
  reachesFinal(place: number): boolean {
    const { role, edges } = this.place(place);
    if (role === "final") return true;
    for (const edge of edges) {
      if (edge.kind === "pass" && this.#holds(edge.guard) && this.reachesFinal(edge.to))
        return true;
    }
    return false;
  }

  place(index: number): Place {
    const place = this.#nfa.places[index];
    if (place === undefined)
      throw new RangeError(`no place ${index} in pattern ${this.#nfa.digest}`);
    return place;
  }

  #look({ edges, gap }: Place): void {
    const tooLate = gap > 0 && this.#quiet >= gap;
    for (const edge of edges) {
      // On the way to a place whose time has run out: nothing to do there but to pass through.
      if (tooLate && (edge.kind === "take" || edge.kind === "skip")) continue;
      if (!this.#holds(edge.guard)) continue;
      if (edge.kind === "pass") this.#waiting.push(edge.to);
      else if (edge.kind === "kill") this.killed = true;
      else {
        this.#edges[this.count] = edge;
        this.count += 1;
      }
    }
  }

  #holds(guard: Guard): boolean {
    for (const literal of guard) {
      const wanted = literal >= 0;
      if (this.#test(wanted ? literal : ~literal) !== wanted) return false;
    }
    return true;
  }

  #test(test: number): boolean {
    let verdict = this.#verdicts[test] ?? UNKNOWN;
    if (verdict === UNKNOWN) {
      verdict = this.#judge(test);
      this.#verdicts[test] = verdict;
      if (verdict >= FAILS_HERE) this.#partly = true;
    }
    return verdict === HOLDS || verdict === HOLDS_HERE;
  }

  #judge(test: number): number {
    const condition = this.#tests[test] ?? null;
    if (condition === null) return HOLDS;
    if (condition === TAKE) {
      const index = testStage(test);
      const [where, until] = [testOf(index, "where"), testOf(index, "until")];
      const fits = this.#test(where) && !this.#test(until);
      const partly = this.#isPartly(where) || this.#isPartly(until);
      return (fits ? HOLDS : FAILS) + (partly ? FAILS_HERE : 0);
    }
    const soFar = this.#soFar;
    soFar.wasRead = false;
    const fits = condition(this.#event as E, soFar);
    return (fits ? HOLDS : FAILS) + (soFar.wasRead ? FAILS_HERE : 0);
  }

  #isPartly(test: number): boolean {
    return (this.#verdicts[test] ?? UNKNOWN) >= FAILS_HERE;
  }

  #forgetPartly(): void {
    const verdicts = this.#verdicts;
    for (let test = 0; test < verdicts.length; test++) {
      if (this.#isPartly(test)) verdicts[test] = UNKNOWN;
    }
    this.#partly = false;
  }
}

/** Walks the match only when a condition asks for it, and notes that it did. */
class LazySoFar<E> implements SoFar<Stages> {
  node = NONE;
  wasRead = false;
  at = 0 as EventTime;
  readonly #names: readonly string[];
  #buffer: SharedBuffer<E> | undefined;

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  begin(buffer: SharedBuffer<E>, at: EventTime): void {
    this.#buffer = buffer;
    this.at = at;
  }

  /** Time since the newest event of the match. */
  quiet(): number {
    return this.#buffer === undefined ? 0 : this.at - newestAt(this.#buffer, this.node);
  }

  taken(stage: string): readonly unknown[] {
    this.wasRead = true;
    const index = this.#names.indexOf(stage);
    if (index < 0) throw new RangeError(`the pattern has no stage "${stage}"`);
    if (this.#buffer === undefined) return [];
    const links = chain(this.#buffer, this.node);
    return links.filter((link) => link.stage === index).map((link) => link.event);
  }
}
