import type { Millis } from "../time/event-time.ts";
import {
  type Condition,
  type Contiguity,
  type InnerContiguity,
  PatternError,
  type PatternSpec,
  type Skip,
  type SoFar,
  type StageSpec,
  type Stages,
  type StoredCondition,
} from "./spec.ts";

/** A finished or unfinished pattern; `S` are the stages a match will hold. */
export interface Pattern<E, S extends Stages> {
  readonly spec: PatternSpec<E>;
  /** Never set; carries the stages' types. */
  readonly stages?: S;
}

type With<S extends Stages, Name extends string, E> = S & { readonly [N in Name]: E };

/** What may come after any stage. */
interface Following<E, S extends Stages> extends Pattern<E, S> {
  /** The very next event must fit. */
  next<N extends string>(name: N): Stage<E, S, N, E>;
  /** The next event that fits; others in between are passed over. */
  followedBy<N extends string>(name: N): Stage<E, S, N, E>;
  /** Every later event that fits, each a match of its own. */
  followedByAny<N extends string>(name: N): Stage<E, S, N, E>;
  /** The very next event must not fit. */
  notNext(name: string): Forbidden<E, S>;
  /** No event up to the next stage may fit; as the last stage, none until `within` runs out. */
  notFollowedBy(name: string): Forbidden<E, S>;
  /** For the whole pattern, from its first event, exclusive; the shortest given counts. */
  within(length: Millis): this;
  /** For this stage, since the previous event of the match, exclusive. */
  withinPrevious(length: Millis): this;
  /** `noSkip` unless told. */
  afterMatch(skip: Skip): this;
}

/** A stage that takes events. `S` are the stages before it, `T` what `where` has narrowed. */
export interface Stage<E, S extends Stages, Name extends string, T extends E>
  extends Following<E, With<S, Name, T>> {
  /** Several conditions must all hold. A type guard narrows the events of this stage. */
  where<U extends T>(
    guard: (event: T, soFar: SoFar<With<S, Name, T>>) => event is U,
  ): Stage<E, S, Name, U>;
  where(condition: Condition<T, With<S, Name, T>>): this;
  /** An alternative to all the conditions so far. */
  or(condition: Condition<E, With<S, Name, E>>): Stage<E, S, Name, E>;
  times(min: number, max?: number): this;
  timesOrMore(min: number): this;
  oneOrMore(): this;
  optional(): this;
  /** As many as there are, before the next stage may begin. */
  greedy(): this;
  /** No other event between the events of this stage. */
  consecutive(): this;
  /** Events of this stage may be left out: every combination is a match. */
  allowCombinations(): this;
  /** Ends the loop; the event itself is not taken by it. */
  until(condition: Condition<E, With<S, Name, T>>): this;
}

/** A stage that forbids events. */
export interface Forbidden<E, S extends Stages> extends Following<E, S> {
  where(condition: Condition<E, S>): this;
  or(condition: Condition<E, S>): this;
}

type NoStages = Readonly<Record<never, never>>;

/** `pattern<Event>().begin("a").where(…).followedBy("b").times(1, 3).within(minutes(5))` */
export function pattern<E>(): { begin<N extends string>(name: N): Stage<E, NoStages, N, E> } {
  return {
    begin<N extends string>(name: N): Stage<E, NoStages, N, E> {
      const spec: PatternSpec<E> = {
        stages: [stage(name, "begin")],
        within: null,
        skip: { strategy: "noSkip" },
      };
      return new Builder(spec) as unknown as Stage<E, NoStages, N, E>;
    },
  };
}

function stage<E>(name: string, contiguity: Contiguity): StageSpec<E> {
  return {
    name,
    contiguity,
    where: null,
    min: 1,
    max: 1,
    optional: false,
    greedy: false,
    inner: "relaxed",
    until: null,
    gap: null,
  };
}

/** The one run-time shape behind the typed faces above; every call makes a new one. */
class Builder<E> {
  readonly spec: PatternSpec<E>;

  constructor(spec: PatternSpec<E>) {
    this.spec = spec;
  }

  next(name: string): Builder<E> {
    return this.#grow(name, "next");
  }
  followedBy(name: string): Builder<E> {
    return this.#grow(name, "followedBy");
  }
  followedByAny(name: string): Builder<E> {
    return this.#grow(name, "followedByAny");
  }
  notNext(name: string): Builder<E> {
    return this.#grow(name, "notNext");
  }
  notFollowedBy(name: string): Builder<E> {
    return this.#grow(name, "notFollowedBy");
  }

  where(condition: StoredCondition<E>): Builder<E> {
    const before = this.#last.where;
    const where: StoredCondition<E> =
      before === null
        ? condition
        : (event, soFar) => before(event, soFar) && condition(event, soFar);
    return this.#change({ where });
  }
  or(condition: StoredCondition<E>): Builder<E> {
    const before = this.#last.where;
    if (before === null) throw new PatternError(`"${this.#last.name}": or() needs a where() first`);
    return this.#change({
      where: (event, soFar) => before(event, soFar) || condition(event, soFar),
    });
  }

  times(min: number, max: number = min): Builder<E> {
    // From nought on: leaving the stage out is one choice, at least one event the other.
    if (min === 0) return this.#change({ min: 1, max, optional: true });
    return this.#change({ min, max });
  }
  timesOrMore(min: number): Builder<E> {
    if (min === 0) return this.#change({ min: 1, max: null, optional: true });
    return this.#change({ min, max: null });
  }
  oneOrMore(): Builder<E> {
    return this.timesOrMore(1);
  }
  optional(): Builder<E> {
    return this.#change({ optional: true });
  }
  greedy(): Builder<E> {
    return this.#change({ greedy: true });
  }
  consecutive(): Builder<E> {
    return this.#inner("consecutive");
  }
  allowCombinations(): Builder<E> {
    return this.#inner("combinations");
  }
  until(condition: StoredCondition<E>): Builder<E> {
    return this.#change({ until: condition });
  }

  within(length: Millis): Builder<E> {
    const { within } = this.spec;
    return new Builder({
      ...this.spec,
      within: within === null || length < within ? length : within,
    });
  }
  withinPrevious(length: Millis): Builder<E> {
    return this.#change({ gap: length });
  }
  afterMatch(skip: Skip): Builder<E> {
    return new Builder({ ...this.spec, skip });
  }

  #inner(inner: InnerContiguity): Builder<E> {
    return this.#change({ inner });
  }
  #grow(name: string, contiguity: Contiguity): Builder<E> {
    return new Builder({
      ...this.spec,
      stages: [...this.spec.stages, stage<E>(name, contiguity)],
    });
  }
  get #last(): StageSpec<E> {
    const last = this.spec.stages.at(-1);
    if (last === undefined) throw new PatternError("a pattern has at least one stage");
    return last;
  }
  #change(change: Partial<StageSpec<E>>): Builder<E> {
    return new Builder({
      ...this.spec,
      stages: [...this.spec.stages.slice(0, -1), { ...this.#last, ...change }],
    });
  }
}
