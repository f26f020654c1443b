import type { EventTime } from "../time/event-time.ts";
import { type Edge, type Guard, type Nfa, type Place, testKind, testOf, testStage } from "./nfa.ts";
import { chain, NONE, newestAt, type SharedBuffer } from "./shared-buffer.ts";
import type { SoFar, Stages } from "./spec.ts";

const UNKNOWN = -1;

/**
 * Finds what one partial match may do with one event. A test is evaluated at most once for each
 * pair of the two. Reused from call to call, so that an event costs no garbage.
 */
export class Explorer<E> {
  /** Ways to take or skip the event. */
  count = 0;
  /** A forbidden event: the partial match ends here, but for what this very event completes. */
  killed = false;

  readonly #nfa: Nfa<E>;
  readonly #verdicts: Int8Array;
  readonly #edges: Edge[] = [];
  readonly #waiting: number[] = [];
  readonly #soFar: LazySoFar<E>;
  readonly #hasGaps: boolean;
  #event: E | undefined;
  /** Time since the newest event of the match. */
  #quiet = 0;

  constructor(nfa: Nfa<E>) {
    this.#nfa = nfa;
    this.#hasGaps = nfa.places.some(({ gap }) => gap > 0);
    this.#verdicts = new Int8Array(nfa.spec.stages.length * 3);
    this.#soFar = new LazySoFar(nfa.spec.stages.map((stage) => stage.name));
  }

  /** Follows every way open from `place`, for a match whose newest node is `node`. */
  explore(place: number, buffer: SharedBuffer<E>, node: number, event: E, at: EventTime): void {
    this.#event = event;
    this.#quiet = node === NONE || !this.#hasGaps ? 0 : at - newestAt(buffer, node);
    this.#soFar.reset(buffer, node, at);
    this.#verdicts.fill(UNKNOWN);
    this.count = 0;
    this.killed = false;
    this.#waiting.push(place);
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      this.#look(this.place(next));
    }
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
    return edges.some(
      (edge) => edge.kind === "pass" && this.#holds(edge.guard) && this.reachesFinal(edge.to),
    );
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
    const known = this.#verdicts[test];
    if (known !== undefined && known !== UNKNOWN) return known === 1;
    const verdict = this.#judge(test);
    this.#verdicts[test] = verdict ? 1 : 0;
    return verdict;
  }

  #judge(test: number): boolean {
    const index = testStage(test);
    const stage = this.#nfa.spec.stages[index];
    if (stage === undefined) throw new RangeError(`no stage ${index}`);
    const kind = testKind(test);
    if (kind === "take") {
      return this.#test(testOf(index, "where")) && !this.#test(testOf(index, "until"));
    }
    const condition = kind === "until" ? stage.until : stage.where;
    return condition === null || condition(this.#event as E, this.#soFar);
  }
}

/** Walks the match only when a condition asks for it. */
class LazySoFar<E> implements SoFar<Stages> {
  readonly #names: readonly string[];
  #buffer: SharedBuffer<E> | undefined;
  #node = 0;
  #at = 0 as EventTime;

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  reset(buffer: SharedBuffer<E>, node: number, at: EventTime): void {
    this.#buffer = buffer;
    this.#node = node;
    this.#at = at;
  }

  get at(): EventTime {
    return this.#at;
  }

  taken(stage: string): readonly unknown[] {
    const index = this.#names.indexOf(stage);
    if (index < 0) throw new RangeError(`the pattern has no stage "${stage}"`);
    if (this.#buffer === undefined) return [];
    const links = chain(this.#buffer, this.#node);
    return links.filter((link) => link.stage === index).map((link) => link.event);
  }
}
