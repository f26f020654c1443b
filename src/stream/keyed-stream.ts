import { Matcher } from "../pattern/matcher.ts";
import type { Limits } from "../pattern/outcome.ts";
import type { Pattern } from "../pattern/pattern.ts";
import type { Stages } from "../pattern/spec.ts";
import { type Aggregate, count } from "../time/aggregate.ts";
import { IntervalJoin } from "../time/interval-join.ts";
import type { KeyedLogic } from "../time/keyed-logic.ts";
import { RecordSliding, type RecordSlidingOptions } from "../time/record-sliding.ts";
import { type StreamTimeOptions, streamTimeWindows } from "../time/stream-time.ts";
import { everyCount } from "../time/trigger.ts";
import { WindowJoin } from "../time/window-join.ts";
import { global, type WindowKind } from "../time/window-kind.ts";
import { AsOf, type AsOfOptions, type WithFact } from "./as-of.ts";
import { bodyOf, type Source } from "./body.ts";
import { Each } from "./each.ts";
import type { Between } from "./join-bounds.ts";
import { PatternLogic, PatternStage } from "./pattern-stage.ts";
import { Results } from "./results.ts";
import { type IntervalRow, type JoinKind, type Nearness, type NearRow, sides } from "./sides.ts";
import { type LateFields, type Measured, WindowStage } from "./window-stage.ts";

/** What the late output says of an event when nobody told: nothing but the operator and the time. */
const NOTHING = (): Readonly<Record<string, unknown>> => ({});

/** A stream whose values belong to keys. Every call makes a new stream; functions given are pure. */
export class KeyedStream<In, Value> {
  readonly #source: Source<In, Value>;
  readonly #late: LateFields<Value>;

  constructor(source: Source<In, Value>, late: LateFields<Value> = NOTHING) {
    this.#source = source;
    this.#late = late;
  }

  /** What the late output says of a value that came too late; nothing personal. */
  late(fields: LateFields<Value>): KeyedStream<In, Value> {
    return new KeyedStream(this.#source, fields);
  }

  /**
   * Puts a fact beside each value: what the log had said of it when the event entered. `read` makes
   * it of what was told, which is undefined where nothing was.
   */
  lookup<Fact>(
    kind: string,
    keyOf: (value: Value) => string,
    read: (told: unknown) => Fact,
  ): KeyedStream<In, WithFact<Value, Fact>> {
    const source = this.#source;
    return new KeyedStream<In, WithFact<Value, Fact>>(
      {
        ...source,
        read: (event, facts) =>
          source
            .read(event, facts)
            .map((value) => ({ value, fact: read(facts.get(kind, keyOf(value))) })),
      },
      ({ value }) => this.#late(value),
    );
  }

  /** Puts the version beside each value that `versions` had as valid at the value's own time. */
  asOf<Fact>(
    versions: KeyedStream<In, Fact>,
    options: AsOfOptions,
  ): Results<In, WithFact<Value, Fact | null>> {
    const logic = new AsOf<Value, Fact>(options);
    return new Results(bodyOf(sides(this.#source, versions.#source), logic, "event-time"));
  }

  /**
   * A behaviour of one's own, with a state and timers for each key; with `event-time` values wait for
   * the watermark and come in order of their times.
   */
  process<Out, State>(
    logic: KeyedLogic<Value, Out, State>,
    order: "arrival" | "event-time" = "arrival",
  ): Results<In, Out> {
    return new Results(bodyOf(this.#source, logic, order));
  }

  /** Every value as it comes; no state. */
  each(): Results<In, Value> {
    return new Results(bodyOf(this.#source, new Each<Value>(), "arrival"));
  }

  window(windows: WindowKind<Value>): WindowStage<In, Value> {
    return new WindowStage(this.#source, { windows, late: this.#late });
  }

  /** Windows of `size` values, whenever they come. What does not fill a window stays. */
  countWindow(size: number): WindowStage<In, Value> {
    return this.window(global()).trigger(everyCount(size)).discarding();
  }

  /** Windows with grace and emission as Kafka Streams has them; time is the flow's watermark. */
  streamTime(
    options: Pick<StreamTimeOptions<Value, Value, number, number>, "windows" | "grace" | "emit">,
  ): WindowStage<In, Value> {
    const late = this.#late;
    // The aggregate is still to come.
    const { windows, trigger, accumulation, allowedLateness } = streamTimeWindows<
      Value,
      Value,
      number,
      number
    >({ ...options, late, aggregate: count(), value: (value) => value });
    const setting = { windows, trigger, accumulation, allowedLateness, late };
    return new WindowStage<In, Value>(this.#source, setting);
  }

  /** Kafka Streams' sliding windows: one ends at each record, one begins right behind each. */
  recordSliding<Acc, Result, Measure = Value>(
    options: Pick<
      RecordSlidingOptions<Value, Measure, Acc, Result>,
      "difference" | "grace" | "emit" | "most"
    >,
    aggregate: Aggregate<Measure, Acc, Result>,
    ...[value]: Measured<Value, Measure>
  ) {
    const late = this.#late;
    const measure = value ?? ((whole: Value) => whole as unknown as Measure);
    const logic = new RecordSliding({ ...options, aggregate, value: measure, late });
    return new Results(bodyOf(this.#source, logic, "arrival"));
  }

  /** Pairs with the values of another stream of the same key; `right - left` lies in the bounds. */
  join<Right>(
    right: KeyedStream<In, Right>,
    bounds: Between,
    options: { readonly most?: number } = {},
  ): Results<In, IntervalRow<Value, Right>> {
    const late = this.#lateOf(right);
    const logic = new IntervalJoin<Value | Right>({ ...bounds, ...options, late });
    const body = bodyOf(sides(this.#source, right.#source), logic, "arrival");
    // The left of a pair came in on the left.
    return new Results(body).select((pair) => pair as IntervalRow<Value, Right>);
  }

  /** Pairs of values near each other; with `left` and `outer` also those that found no partner. */
  joinWindow<Right, Kind extends JoinKind>(
    right: KeyedStream<In, Right>,
    kind: Kind,
    nearness: Nearness,
  ): Results<In, NearRow<Kind, Value, Right>> {
    const late = this.#lateOf(right);
    const logic = new WindowJoin<Value | Right>({ ...nearness, kind, late });
    const body = bodyOf(sides(this.#source, right.#source), logic, "arrival");
    // The left of a row came in on the left, and the kind says which may be missing.
    return new Results(body).select((row) => row as NearRow<Kind, Value, Right>);
  }

  /**
   * Finds a pattern in the values of each key, in event-time order. Late values go to the late
   * output, and so does, with `forgotten`, each loss of partial matches beyond the limits.
   */
  pattern<S extends Stages>(
    pattern: Pattern<Value, S>,
    limits: Partial<Limits> = {},
  ): PatternStage<In, S> {
    return new PatternStage((timeouts) => {
      const logic = new PatternLogic(new Matcher(pattern, { ...limits, timeouts }), this.#late);
      return bodyOf(this.#source, logic, "event-time");
    });
  }

  #lateOf<Right>(right: KeyedStream<In, Right>) {
    return (event: { readonly side: "left" | "right"; readonly value: Value | Right }) => ({
      side: event.side,
      // The side says whose value it is.
      ...(event.side === "left"
        ? this.#late(event.value as Value)
        : right.#late(event.value as Right)),
    });
  }
}
