import { FORGET, type Forget } from "../flow/operator.ts";
import { type FactHistory, factAt, type HistoryBounds, recordFact } from "../time/fact-history.ts";
import type { KeyedContext, KeyedLogic } from "../time/keyed-logic.ts";
import type { Side } from "./sides.ts";

export interface WithFact<Value, Fact> {
  readonly value: Value;
  readonly fact: Fact;
}
export type AsOfOptions = HistoryBounds;

/**
 * Answers values (left) with the version of a fact (right) that was valid at their time; null before
 * the first. Versions are valid from their event's time until the next one.
 */
export class AsOf<Value, Fact>
  implements KeyedLogic<Side<Value, Fact>, WithFact<Value, Fact | null>, FactHistory<Fact>>
{
  readonly version = 1;
  readonly #bounds: HistoryBounds;

  constructor(bounds: HistoryBounds) {
    this.#bounds = bounds;
  }

  init(): FactHistory<Fact> {
    return [];
  }

  onEvent(
    event: Side<Value, Fact>,
    history: FactHistory<Fact>,
    ctx: KeyedContext<WithFact<Value, Fact | null>>,
  ): FactHistory<Fact> | Forget {
    if (event.side === "right") return recordFact(history, ctx.now, event.value, this.#bounds);
    ctx.emit({ value: event.value, fact: factAt(history, ctx.now) ?? null });
    return history.length === 0 ? FORGET : history;
  }

  onTimer(_timer: unknown, history: FactHistory<Fact>): FactHistory<Fact> {
    return history;
  }
}
