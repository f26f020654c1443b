import type { Aggregate } from "../time/aggregate.ts";
import type { Millis } from "../time/event-time.ts";
import type { WindowResult } from "../time/open-window.ts";
import { atWatermark, type Trigger } from "../time/trigger.ts";
import type { WindowOptions } from "../time/window-operator.ts";
import { windowed } from "../time/windowed.ts";
import { bodyOf, type Source } from "./body.ts";
import { Results } from "./results.ts";

export type LateFields<Value> = (value: Value) => Readonly<Record<string, unknown>>;

/** What an aggregate takes of a value; may be left out when it takes the value itself. */
export type Measured<Value, Measure> = [Value] extends [Measure]
  ? [measure?: (value: Value) => Measure]
  : [measure: (value: Value) => Measure];

type Setting<Value> = Partial<
  Pick<
    WindowOptions<Value, never, never, never>,
    "trigger" | "accumulation" | "allowedLateness" | "finalPane"
  >
> &
  Pick<WindowOptions<Value, never, never, never>, "windows" | "late">;

/** Windows that still lack their aggregate; every call makes a new one. */
export class WindowStage<In, Value> {
  readonly #source: Source<In, Value>;
  readonly #setting: Setting<Value>;

  constructor(source: Source<In, Value>, setting: Setting<Value>) {
    this.#source = source;
    this.#setting = setting;
  }

  /** When a window shows its result; at the watermark, and again for late values, until told. */
  trigger(trigger: Trigger): WindowStage<In, Value> {
    return this.#with({ trigger });
  }
  /** How long after its end a window takes late values; 0 until told. */
  allowedLateness(allowedLateness: Millis): WindowStage<In, Value> {
    return this.#with({ allowedLateness });
  }
  /** A firing shows what is new since the last one. */
  discarding(): WindowStage<In, Value> {
    return this.#with({ accumulation: "discarding" });
  }
  /** A firing shows all so far, after taking back what the last one showed. */
  retracting(): WindowStage<In, Value> {
    return this.#with({ accumulation: "retracting" });
  }
  /** A firing shows all so far; so it is until told. */
  accumulating(): WindowStage<In, Value> {
    return this.#with({ accumulation: "accumulating" });
  }
  /** Numbers the panes and marks the last one; `always` shows it even when nothing is new. */
  panes(finalPane: "always" | "ifNonEmpty"): WindowStage<In, Value> {
    return this.#with({ finalPane });
  }

  aggregate<Measure, Acc, Result>(
    aggregate: Aggregate<Measure, Acc, Result>,
    ...[measure]: Measured<Value, Measure>
  ): Results<In, WindowResult<Result>> {
    const { trigger = atWatermark(), windows, late } = this.#setting;
    const logic = windowed<Value, Measure, Acc, Result>({
      ...this.#setting,
      windows,
      trigger,
      late,
      aggregate,
      // Left out only where the value is what the aggregate takes.
      value: measure ?? ((value) => value as unknown as Measure),
    });
    return new Results(bodyOf(this.#source, logic, "arrival"));
  }

  #with(change: Partial<Setting<Value>>): WindowStage<In, Value> {
    return new WindowStage(this.#source, { ...this.#setting, ...change });
  }
}
