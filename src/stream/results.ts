import Type, { type TSchema } from "typebox";
import { FORGET, type Hop, type Message, type Operator } from "../flow/operator.ts";
import type { OperatorSpec } from "../flow/spec.ts";
import type { SuppressOptions } from "../time/suppress.ts";
import { type Body, mapped } from "./body.ts";
import { suppressed } from "./suppressed.ts";

interface Ends<Out> {
  publish?(out: Out, key: string): Message | undefined;
  forward?(out: Out, key: string): Hop | undefined;
  readonly lift?: { readonly version: number; readonly migrate: Migrate };
}
/** Lifts a state of version `from`, as it was stored, to the version of today. */
type Migrate = (state: unknown, from: number) => unknown;

/** What a stream comes to; `operator()` makes it an operator of the flow. Every call makes a new one. */
export class Results<In, Out> {
  readonly #body: Body<In, Out>;
  readonly #ends: Ends<Out>;

  constructor(body: Body<In, Out>, ends: Ends<Out> = {}) {
    this.#body = body;
    this.#ends = ends;
  }

  /** Goes on with something else; undefined leaves the result out. Before `publish` and `forward`. */
  select<Next>(to: (out: Out, key: string) => Next | undefined): Results<In, Next> {
    return new Results(mapped(this.#body, to));
  }

  /**
   * Holds intermediate results back, of those that `by` calls the same only the last is shown: when
   * a later result of the key finds it overdue, or too many are held.
   */
  suppress(by: (out: Out) => string, options: SuppressOptions): Results<In, Out> {
    return new Results(suppressed(this.#body, by, options));
  }

  /** What the world sees of a result, on the output stream; `subject` without the prefix. */
  publish(message: (out: Out, key: string) => Message | undefined): Results<In, Out> {
    return new Results(this.#body, { ...this.#ends, publish: message });
  }

  /** What the next flow gets of a result. */
  forward(hop: (out: Out, key: string) => Hop | undefined): Results<In, Out> {
    return new Results(this.#body, { ...this.#ends, forward: hop });
  }

  /** For a stream whose stored state changed its shape; 1 until told. */
  version(version: number, migrate: Migrate): Results<In, Out> {
    return new Results(this.#body, { ...this.#ends, lift: { version, migrate } });
  }

  operator(): Operator<In, Out, unknown> {
    const body = this.#body;
    const { publish, forward, lift } = this.#ends;
    return {
      name: body.name,
      version: lift?.version ?? body.version,
      order: body.order,
      key: (event) => body.key(event),
      init: () => null,
      onEvent: (event, state, ctx) => body.onEvent(event, state, ctx),
      onTimer: (timer, state, ctx) => (state === null ? FORGET : body.onTimer(timer, state, ctx)),
      ...(publish === undefined ? {} : { publish }),
      ...(forward === undefined ? {} : { forward }),
      ...(lift === undefined ? {} : { migrate: lift.migrate }),
    };
  }

  /** For a stream without options, so that `freshet.yaml` may name it. */
  spec(flow: OperatorSpec["flow"], summary?: string): OperatorSpec {
    return {
      name: this.#body.name,
      flow,
      summary: summary ?? `The stream ${this.#body.name}.`,
      from: this.#body.from,
      options: NO_OPTIONS,
      make: () => this.operator(),
    };
  }
}

const NO_OPTIONS: TSchema = Type.Object({}, { additionalProperties: false });
