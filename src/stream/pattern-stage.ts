import { FORGET, type Forget, type Timer } from "../flow/operator.ts";
import type { Matcher, MatcherState } from "../pattern/matcher.ts";
import type { Match, Outcome, Timeout } from "../pattern/outcome.ts";
import type { Stages } from "../pattern/spec.ts";
import type { KeyedContext, KeyedLogic } from "../time/keyed-logic.ts";
import { type Body, mapped } from "./body.ts";
import { Results } from "./results.ts";
import type { LateFields } from "./window-stage.ts";

/** What a pattern tells: that it came true, or that it ran out of time. */
type Told<S extends Stages> =
  | { readonly kind: "match"; readonly match: Match<S> }
  | { readonly kind: "timeout"; readonly timeout: Timeout<S> };

const TIMER = "within";

/** A matcher as the behaviour of one key. Values come in (time, arrival) order; others are late. */
export class PatternLogic<Value, S extends Stages>
  implements KeyedLogic<Value, Told<S>, MatcherState<Value>>
{
  readonly version = 2;
  readonly #matcher: Matcher<Value, S>;
  readonly #late: LateFields<Value>;

  constructor(matcher: Matcher<Value, S>, late: LateFields<Value>) {
    this.#matcher = matcher;
    this.#late = late;
  }

  init(): MatcherState<Value> {
    return this.#matcher.init();
  }

  onEvent(
    value: Value,
    state: MatcherState<Value>,
    ctx: KeyedContext<Told<S>>,
  ): MatcherState<Value> | Forget {
    if (ctx.now < ctx.watermark) {
      ctx.late(this.#late(value));
      return this.#matcher.isIdle(state) ? FORGET : state;
    }
    const before = this.#matcher.deadline(state);
    this.#tell(this.#matcher.match(state, value, ctx.now), ctx);
    return this.#settle(state, before, ctx);
  }

  onTimer(
    timer: Timer,
    state: MatcherState<Value>,
    ctx: KeyedContext<Told<S>>,
  ): MatcherState<Value> | Forget {
    this.#tell(this.#matcher.advance(state, timer.at), ctx);
    return this.#settle(state, undefined, ctx);
  }

  #tell({ matches, timeouts, forgotten }: Outcome<S>, ctx: KeyedContext<Told<S>>): void {
    for (const timeout of timeouts) ctx.emit({ kind: "timeout", timeout });
    for (const match of matches) ctx.emit({ kind: "match", match });
    if (forgotten > 0) ctx.late({ reason: "partial_matches", forgotten });
  }

  /** One timer a key, at the next moment when something runs out of time. */
  #settle(
    state: MatcherState<Value>,
    before: number | undefined,
    ctx: KeyedContext<Told<S>>,
  ): MatcherState<Value> | Forget {
    if (this.#matcher.isIdle(state)) return FORGET;
    const due = this.#matcher.deadline(state);
    if (due === undefined) {
      if (before !== undefined) ctx.clearTimer(TIMER);
    } else if (due !== before) ctx.setTimer(TIMER, due);
    return state;
  }
}

/** The body of a pattern, with or without telling what ran out of time. */
type Telling<In, S extends Stages> = (timeouts: boolean) => Body<In, Told<S>>;

/** A pattern whose matches still have to be made something of. */
export class PatternStage<In, S extends Stages> {
  readonly #telling: Telling<In, S>;

  constructor(telling: Telling<In, S>) {
    this.#telling = telling;
  }

  /** What becomes of a match; undefined leaves it out. */
  select<Out>(to: (match: Match<S>, key: string) => Out | undefined): PatternResults<In, S, Out> {
    return new PatternResults(this.#telling, to);
  }
}

/** What a pattern tells; partial matches that run out of time are dropped until somebody asks for them. */
export class PatternResults<In, S extends Stages, Out> extends Results<In, Out> {
  readonly #telling: Telling<In, S>;
  readonly #match: (match: Match<S>, key: string) => Out | undefined;

  constructor(telling: Telling<In, S>, match: (match: Match<S>, key: string) => Out | undefined) {
    super(
      mapped(telling(false), (one, key) =>
        one.kind === "match" ? match(one.match, key) : undefined,
      ),
    );
    this.#telling = telling;
    this.#match = match;
  }

  /** Also tells partial matches that ran out of time. Before `publish` and `forward`. */
  timeouts<Expired>(
    to: (timeout: Timeout<S>, key: string) => Expired | undefined,
  ): Results<In, Out | Expired> {
    const match = this.#match;
    return new Results(
      mapped(this.#telling(true), (one, key): Out | Expired | undefined =>
        one.kind === "match" ? match(one.match, key) : to(one.timeout, key),
      ),
    );
  }
}
