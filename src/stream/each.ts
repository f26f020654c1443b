import { FORGET, type Forget } from "../flow/operator.ts";
import type { KeyedContext, KeyedLogic } from "../time/keyed-logic.ts";

/** Tells every value as it comes and remembers nothing. */
export class Each<Value> implements KeyedLogic<Value, Value, null> {
  readonly version = 1;
  init(): null {
    return null;
  }
  onEvent(value: Value, _state: null, ctx: KeyedContext<Value>): Forget {
    ctx.emit(value);
    return FORGET;
  }
  onTimer(): Forget {
    return FORGET;
  }
}
